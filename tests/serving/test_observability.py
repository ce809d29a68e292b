"""What the server tells operators: metrics and logs, neither with anything of a note."""

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from clinical_ner.tagger import Tagger
from tests.serving.server_process import ServerProcess
from tests.serving.transports import GrpcContents, Request, RestJson, Tensor

SQUARES = "clinical_ner_request_squares_total"
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(server: ServerProcess) -> Series:
    families = text_string_to_metric_families(server.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("clinical_ner_") and not sample.name.endswith("_created")
    }


def difference(before: Series, after: Series) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {key: value - before.get(key, 0) for key, value in after.items() if value != before.get(key, 0)}


def test_metrics_count_requests_notes_and_entities(server: ServerProcess, tagger: Tagger, notes: list[str]) -> None:
    """One REST request of all notes and one refused gRPC request move exactly their series, all with the model's version."""
    annotations = [tagger.annotate(note) for note in notes]
    entities = [entity for annotation in annotations for entity in annotation.entities]
    before = series(server)

    RestJson(server).infer(Request([Tensor("text", [note.encode() for note in notes])], parameters={"min_score": 1}))
    GrpcContents(server).infer(Request([]))
    moved = difference(before, series(server))
    version = ("model_version", tagger.served_version)

    assert all(version in labels for _, labels in moved)
    assert moved["clinical_ner_notes_total", (version,)] == len(notes)
    assert moved["clinical_ner_tokens_total", (version,)] == sum(annotation.token_count for annotation in annotations)
    assert moved["clinical_ner_unknown_token_ratio_count", (version,)] == len(notes)
    assert moved["clinical_ner_entity_score_count", (version,)] == len(entities)
    for label in {entity.label for entity in entities}:
        count = sum(entity.label == label for entity in entities)
        assert moved["clinical_ner_entities_total", (("label", label), version)] == count
        assert moved[SQUARES, (("label", label), version, ("of", "entities*entities"))] == count**2
    tokens, total = sum(annotation.token_count for annotation in annotations), len(entities)
    assert moved[SQUARES, (("label", ""), version, ("of", "tokens*tokens"))] == tokens**2
    assert moved[SQUARES, (("label", ""), version, ("of", "entities*entities"))] == total**2
    score = moved[SQUARES, (("label", ""), version, ("of", "scores*entities"))] / total
    assert moved[SQUARES, (("label", ""), version, ("of", "scores*scores"))] == pytest.approx(score**2)
    for protocol, status in (("v2-rest", "200"), ("v2-grpc", "INVALID_ARGUMENT")):
        assert moved["clinical_ner_requests_total", (version, ("protocol", protocol), ("status", status))] == 1
        assert moved["clinical_ner_request_seconds_count", (version, ("protocol", protocol))] == 1


def test_metrics_name_the_model(server: ServerProcess, tagger: Tagger) -> None:
    """One series says which model is served, by name, version and digest."""
    labels = {"model_name": tagger.manifest.name, "model_version": tagger.served_version, "digest": tagger.digest}

    assert series(server)["clinical_ner_model_info", tuple(sorted(labels.items()))] == 1


def test_log_lines_are_objects_without_text(server: ServerProcess, notes: list[str]) -> None:
    """Each line of the log is a JSON object with an event; answered notes leave nothing in it."""
    RestJson(server).infer(Request([Tensor("text", [note.encode() for note in notes])], id="caller-7731946"))
    lines = [orjson.loads(line) for line in server.log.splitlines()]

    assert {"listening", "ready"} <= {line["event"] for line in lines}
    assert all(line["level"] and line["timestamp"] for line in lines)
    assert "7731946" not in server.log
    assert not [word for note in notes for word in note.split() if len(word) > 12 and word in server.log]
