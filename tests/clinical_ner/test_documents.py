import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.documents import (
    Document,
    Entity,
    ScoredEntity,
    check_document,
    content_id,
    dump_documents,
    load_documents,
    parse_document,
)
from clinical_ner.errors import DataError

LIMIT = 1000
entities = st.builds(Entity, st.integers(0, 99), st.integers(0, 99), st.text())
documents = st.builds(
    Document,
    st.text(),
    st.text(),
    st.lists(entities).map(lambda spans: tuple(sorted(spans))),
    st.dictionaries(st.text(), st.text()),
)


@given(st.lists(documents))
def test_documents_come_back_from_json_lines(batch):
    """Any Unicode in any field survives, line separators and NUL included, in the given order."""
    assert load_documents(dump_documents(batch)) == batch


@given(documents)
def test_document_json_is_one_canonical_line(document):
    """The form that digests are taken over has no line feed, sorted keys and sorted entities."""
    line = document.to_json()
    assert b"\n" not in line
    assert orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS) == line
    shuffled = Document(document.id, document.text, document.entities[::-1], dict(reversed(document.metadata.items())))
    assert shuffled.to_json() == line


@given(entities, entities)
def test_entities_overlap_when_they_share_a_code_point(one, other):
    """Touching spans do not overlap, and overlapping is symmetric."""
    one, other = (Entity(min(e[:2]), max(e[:2]) + 1, e.label) for e in (one, other))
    shared = set(range(one.start, one.end)) & set(range(other.start, other.end))
    assert one.overlaps(other) == other.overlaps(one) == bool(shared)


def test_scored_entity_gives_the_entity_without_its_score():
    """What is compared with gold has no score."""
    assert ScoredEntity(1, 4, "DISEASE", 0.5).entity == Entity(1, 4, "DISEASE")


def test_group_is_the_patient_where_known():
    """A note without a patient, or with an empty one, is a group of its own."""
    assert Document("n", "gout", metadata={"group_id": "p"}).group == "p"
    assert Document("n", "gout", metadata={"group_id": ""}).group == "n"
    assert Document("n", "gout").group == "n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON: column"),
        (b'{"text": "\xff"}', "not JSON"),
        (b'{"text": "\\ud800"}', "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "text: missing or not a string"),
        (b'{"text": 1}', "text: missing or not a string"),
        (b'{"text": "PRIVATE", "id": 1}', "id: not a string"),
        (b'{"text": "PRIVATE", "entities": {}}', "entities: not a list"),
        (b'{"text": "PRIVATE", "entities": [1]}', r"entities\[0\]: not an object"),
        (b'{"text": "PRIVATE", "entities": [{"start": 0, "end": 1}]}', r"entities\[0\].label"),
        (b'{"text": "PRIVATE", "entities": [{"start": true, "end": 1, "label": "D"}]}', r"entities\[0\].start"),
        (b'{"text": "PRIVATE", "entities": [{"start": 0, "end": 1.0, "label": "D"}]}', r"entities\[0\].end"),
        (b'{"text": "PRIVATE", "metadata": []}', "metadata: not an object"),
        (b'{"text": "PRIVATE", "metadata": {"site": {}}}', "metadata.site"),
    ],
)
def test_malformed_document_is_refused_by_field(line, problem):
    """The message names the field, never the text."""
    with pytest.raises(DataError, match=f"^{problem}") as caught:
        parse_document(line)
    assert "PRIVATE" not in str(caught.value)


def test_malformed_line_is_named():
    """Whoever loads many documents learns which one is broken."""
    with pytest.raises(DataError, match=r"^line 2: text: missing"):
        load_documents(b'{"text": "gout"}\n{}\n')


def test_metadata_becomes_strings():
    """Numbers and booleans are kept as text; null is left out."""
    record = b'{"text": "x", "metadata": {"site": 3, "urgent": true, "ward": null}}'
    assert parse_document(record).metadata == {"site": "3", "urgent": "True"}


def test_missing_fields_have_defaults():
    """Only the text is required."""
    assert parse_document(b'{"text": "x"}') == Document("", "x")


@pytest.mark.parametrize(
    ("text", "spans", "problem"),
    [
        ("", (), "text: empty"),
        (" \n\t", (), "text: empty"),
        ("PRIVATE\ud800", (), "text: lone surrogate at code point 7"),
        ("é" * (LIMIT // 2) + "e", (), f"text: {LIMIT + 1:,} bytes, more than max_note_bytes = {LIMIT:,}"),
        ("PRIVATE", (Entity(0, 1, "D"), Entity(-1, 2, "D")), r"entities\[1\]: offsets -1:2"),
        ("PRIVATE", (Entity(3, 3, "D"),), r"entities\[0\]: offsets 3:3"),
        ("PRIVATE", (Entity(4, 3, "D"),), r"entities\[0\]: offsets 4:3"),
        ("PRIVATE", (Entity(0, 8, "D"),), r"entities\[0\]: offsets 0:8 do not lie within the text's 7 code points"),
        ("PRIVATE", (Entity(0, 7, ""),), r"entities\[0\]: empty label"),
    ],
)
def test_impossible_document_is_refused_with_its_limit(text, spans, problem):
    """Every reader's documents pass the same check; its message names field and limit, never the text."""
    with pytest.raises(DataError, match=f"^{problem}") as caught:
        check_document(Document("n", text, spans), max_note_bytes=LIMIT)
    assert "PRIVATE" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_document_at_the_limits_passes():
    """As many bytes as are allowed, and a span over the whole text, are fine."""
    text = "\N{GRINNING FACE}" * (LIMIT // 4)
    check_document(Document("n", text, (Entity(0, len(text), "D"),)), max_note_bytes=LIMIT)


@given(st.text(alphabet=st.characters()), st.text())
def test_content_id_depends_on_source_and_text(text, source):
    """Two texts or two sources have different ids; even a lone surrogate has one."""
    assert content_id(source, text) == content_id(source, text)
    assert len({content_id(source, text), content_id(source, text + " "), content_id(source + " ", text)}) == 3
    assert len(content_id(source, "\ud800")) == 16
