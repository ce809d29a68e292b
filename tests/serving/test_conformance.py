"""Every wire form of the v2 protocol must answer the same request alike: REST JSON, REST binary, gRPC contents, gRPC raw."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clinical_ner.tagger import Tagger
from tests.serving.conftest import MAX_NOTE_BYTES, MAX_NOTES
from tests.serving.server_process import ServerProcess
from tests.serving.transports import TRANSPORTS, Request, Tensor, Transport

MARK = "Jane Roe MRN 7731946"
"""What must never come back in an error."""

SHAPE = "inputs[0].shape"
TEXT = Tensor("text", [MARK.encode()])


@pytest.fixture(scope="module", params=sorted(TRANSPORTS))
def transport(request: pytest.FixtureRequest, server: ServerProcess) -> Transport:
    return TRANSPORTS[request.param](server)


def text_request(*texts: str, **fields: Any) -> Request:
    return Request([Tensor("text", [text.encode() for text in texts])], **fields)


def expected_entities(tagger: Tagger, text: str) -> list[dict[str, Any]]:
    return [
        {**entity._asdict(), "text": text[entity.start : entity.end], "score": pytest.approx(entity.score, abs=1e-9)}
        for entity in tagger.annotate(text).entities
    ]


def test_entities_are_the_taggers(transport: Transport, tagger: Tagger, notes: list[str]) -> None:
    """Each note is answered, in order, with what the tagger finds in it and with a record id of its own."""
    outcome = transport.infer(text_request(*notes))

    assert outcome.status == transport.ok, outcome.error
    assert outcome.entities == [expected_entities(tagger, note) for note in notes]
    assert any(outcome.entities)
    record_ids = outcome.outputs["record_id"]
    assert len(set(record_ids)) == len(notes)
    assert all(len(record_id) == 32 and int(record_id, 16) for record_id in record_ids)
    assert list(outcome.outputs) == ["entities", "record_id"]


def test_reply_names_the_served_version(transport: Transport, tagger: Tagger) -> None:
    """A reply tells the model and the version that answered."""
    assert transport.infer(text_request("x")).model == (tagger.manifest.name, tagger.served_version)


def test_served_version_may_be_asked_for(transport: Transport, tagger: Tagger) -> None:
    """A request for the version that is served is answered."""
    assert transport.infer(text_request("x", version=tagger.served_version)).status == transport.ok


def test_id_is_echoed(transport: Transport) -> None:
    """The caller's id comes back; without one the server gives one."""
    assert transport.infer(text_request("x", id="4711-ä")).id == "4711-ä"
    assert transport.infer(text_request("x")).id


@pytest.mark.parametrize("outputs", [["record_id"], ["entities"], ["record_id", "entities"]])
def test_outputs_are_those_requested(transport: Transport, outputs: list[str]) -> None:
    """Only the requested outputs are sent, in the order of the request."""
    outcome = transport.infer(text_request("x", outputs=outputs))

    assert outcome.status == transport.ok, outcome.error
    assert list(outcome.outputs) == outputs


def test_explain_adds_features(transport: Transport, notes: list[str]) -> None:
    """With ``explain`` every entity carries the features that spoke for it, strongest first; without, none does."""
    plain = transport.infer(text_request(notes[0])).entities[0]
    explained = transport.infer(text_request(notes[0], parameters={"explain": True})).entities[0]

    assert plain
    assert [{**entity, "explanation": None} for entity in plain] == [{**entity, "explanation": None} for entity in explained]
    for entity in explained:
        weights = [item["weight"] for item in entity["explanation"]]
        assert weights == sorted(weights, reverse=True)
        assert weights
        assert all(isinstance(item["feature"], str) for item in entity["explanation"])


@pytest.mark.parametrize("min_score", [0, 0.5, "0.9", 1])
def test_min_score_filters(transport: Transport, notes: list[str], min_score: float | str) -> None:
    """Entities below ``min_score`` are left out, and no others; a string may hold the number, as gRPC needs."""
    everything = transport.infer(text_request(*notes)).entities
    filtered = transport.infer(text_request(*notes, parameters={"min_score": min_score})).entities

    assert filtered == [[entity for entity in note if entity["score"] >= float(min_score)] for note in everything]


def test_unknown_parameters_are_ignored(transport: Transport) -> None:
    """Parameters of other servers do no harm."""
    assert transport.infer(text_request("x", parameters={"priority": 3, "tag": "a"})).status == transport.ok


def test_optional_inputs_are_accepted(transport: Transport) -> None:
    """Site, specialty and note id may come with the text, in any order."""
    names = ("note_id", "text", "specialty", "site")
    outcome = transport.infer(Request([Tensor(name, [b"a", b"b"]) for name in names]))

    assert outcome.status == transport.ok, outcome.error
    assert len(outcome.entities) == 2


@pytest.mark.parametrize("text", ["", "   \n", "\0", "a\0b", "\u2028", "\U0001f9e0 e\u0301", "\ufeffSLE"])
def test_odd_texts_are_answered(transport: Transport, tagger: Tagger, text: str) -> None:
    """An empty note has no entities; NUL, combining and astral characters are characters like others."""
    outcome = transport.infer(text_request(text, "treated with aspirin"))

    assert outcome.status == transport.ok, outcome.error
    assert outcome.entities[0] == expected_entities(tagger, text)


def test_offsets_count_code_points(transport: Transport, notes: list[str]) -> None:
    """Offsets count code points: text[start:end] is the entity after astral and combining characters too."""
    text = "\U0001f9e0\U0001f9e0 e\u0301 " + notes[0]
    entities = transport.infer(text_request(text)).entities[0]

    assert entities
    assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in entities)


def test_no_notes_are_no_elements(transport: Transport) -> None:
    """An empty tensor is a valid request, answered by empty tensors."""
    outcome = transport.infer(text_request())

    assert outcome.status == transport.ok, outcome.error
    assert outcome.outputs == {"entities": [], "record_id": []}


def test_limits_are_inclusive(transport: Transport) -> None:
    """As many and as long notes as the limits say are answered."""
    outcome = transport.infer(text_request("é" * (MAX_NOTE_BYTES // 2), *["x"] * (MAX_NOTES - 1)))

    assert outcome.status == transport.ok, outcome.error


INVALID = {
    "no inputs": (Request([]), "inputs"),
    "text missing": (Request([Tensor("site", [b"a"])]), "inputs"),
    "unknown input": (Request([TEXT, Tensor(MARK, [b"a"])]), "inputs[1].name"),
    "text twice": (Request([TEXT, TEXT]), "inputs[1].name"),
    "datatype": (Request([Tensor("text", [MARK.encode()], datatype="FP32")]), "inputs[0].datatype"),
    "datatype marked": (Request([Tensor("text", [b"a"], datatype=MARK)]), "inputs[0].datatype"),
    "shape 5 of 1": (Request([Tensor("text", [MARK.encode()], shape=[5])]), SHAPE),
    "shape 0 of 1": (Request([Tensor("text", [MARK.encode()], shape=[0])]), SHAPE),
    "shape -1": (Request([Tensor("text", [MARK.encode()], shape=[-1])]), SHAPE),
    "shape 10**12": (Request([Tensor("text", [MARK.encode()], shape=[10**12])]), SHAPE),
    "shape of two": (Request([Tensor("text", [MARK.encode()], shape=[1, 1])]), SHAPE),
    "shape empty": (Request([Tensor("text", [MARK.encode()], shape=[])]), SHAPE),
    "site too short": (Request([Tensor("text", [b"a", b"b"]), Tensor("site", [b"a"])]), "inputs"),
    "unknown output": (Request([TEXT], outputs=[MARK]), "outputs[0].name"),
    "output twice": (Request([TEXT], outputs=["entities", "entities"]), "outputs[1].name"),
    "explain text": (Request([TEXT], parameters={"explain": MARK}), "parameters.explain"),
    "explain 1": (Request([TEXT], parameters={"explain": 1}), "parameters.explain"),
    "min_score text": (Request([TEXT], parameters={"min_score": MARK}), "parameters.min_score"),
    "min_score true": (Request([TEXT], parameters={"min_score": True}), "parameters.min_score"),
    "min_score 2": (Request([TEXT], parameters={"min_score": 2}), "parameters.min_score"),
    "min_score -1": (Request([TEXT], parameters={"min_score": -1}), "parameters.min_score"),
    "min_score nan": (Request([TEXT], parameters={"min_score": "nan"}), "parameters.min_score"),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_request_names_the_field(transport: Transport, case: str) -> None:
    """A wrong request is the caller's fault: the error names the field and repeats nothing of the request."""
    request, field = INVALID[case]
    outcome = transport.infer(request)

    assert outcome.status == transport.invalid
    assert outcome.error.startswith(field)
    assert "7731946" not in outcome.error


@pytest.mark.parametrize("fields", [{"model": "other"}, {"model": MARK}, {"version": "v99"}, {"version": MARK}])
def test_unknown_model_is_not_found(transport: Transport, fields: dict[str, str]) -> None:
    """Another model or version is not found, and not repeated."""
    outcome = transport.infer(text_request("x", **fields))

    assert outcome.status == transport.unknown
    assert outcome.error.startswith("model")
    assert "7731946" not in outcome.error


def test_too_many_notes_are_refused(transport: Transport) -> None:
    """One note more than ``max_notes`` is too large, and the limit is named."""
    outcome = transport.infer(text_request(*[MARK] * (MAX_NOTES + 1)))

    assert outcome.status == transport.too_large
    assert f"max_notes = {MAX_NOTES}" in outcome.error
    assert "7731946" not in outcome.error


@pytest.mark.parametrize("letter", ["x", "é"])
def test_too_long_note_is_refused(transport: Transport, letter: str) -> None:
    """One byte more than ``max_note_bytes`` is too large, counted in UTF-8; the note and the limit are named."""
    text = MARK + letter * ((MAX_NOTE_BYTES - len(MARK)) // len(letter.encode())) + "x"
    outcome = transport.infer(text_request("x", text))

    assert outcome.status == transport.too_large
    assert "[1]" in outcome.error
    assert f"max_note_bytes = {MAX_NOTE_BYTES:,}" in outcome.error
    assert "7731946" not in outcome.error


def test_concurrent_callers_get_their_own_answers(transport: Transport, tagger: Tagger, notes: list[str]) -> None:
    """32 callers at once, some with texts for the tagging thread and some without: each gets the answer to its own note."""
    texts = [f"Patient {number}. {notes[number % len(notes)] * (1 + 2 * (number % 2))}"[:4000] for number in range(64)]
    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(lambda text: transport.infer(text_request(text)), texts))

    for text, outcome in zip(texts, outcomes, strict=True):
        assert outcome.status == transport.ok, outcome.error
        assert outcome.entities == [expected_entities(tagger, text)]
