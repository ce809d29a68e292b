"""The gate's report as an expectation of the canary."""

import orjson
import pytest

from clinical_ner.errors import ModelFormatError
from clinical_ner.gate import GateReport
from clinical_ner.gate.comparison import REVIEWED
from clinical_ner.rollout.analysis import expectation
from clinical_ner.rollout.analysis.expectation import Expectation, Ratio, parse_expectation, read_expectation
from clinical_ner.storage import open_storage


def row(champion, challenger):
    return {"champion": champion, "challenger": challenger, "ratio": challenger / champion if champion else 0.0}


def report(champion="v1", **rows):
    comparison = {name.replace("__", "."): values for name, values in rows.items()}
    return GateReport(verdict="approve", checks=(), champion=champion, comparison=comparison).model_dump_json().encode()


def test_expectation_is_read_from_the_gates_report():
    """Ratios of labels that the champion finds, and of the score; F1 is nothing that a server counts."""
    data = report(
        strict__f1=row(0.8, 0.9),
        mean_score=row(0.8, 0.88),
        entities_per_100_tokens__DISEASE=row(2.0, 3.0),
        entities_per_100_tokens__NEW=row(0.0, 1.0),
        entities_per_100_tokens__GONE=row(1.0, 0.0),
    )
    found = parse_expectation(data, source="gate.json")
    assert found.champion == "v1"
    assert found.entities == {"DISEASE": Ratio(low=1.5, high=1.5), "GONE": Ratio(low=0, high=0)}
    assert found.mean_score.low == pytest.approx(1.1)


def test_expectation_lies_between_reference_and_reviewed_notes():
    """What arrives is a mixture of both."""
    rows = {"entities_per_100_tokens__DISEASE": row(2.0, 2.2), "reviewed__entities_per_100_tokens__DISEASE": row(1.0, 1.8)}
    found = parse_expectation(report(**rows), source="gate.json")
    assert found.entities == {"DISEASE": Ratio(low=1.1, high=1.8)}
    assert expectation.REVIEWED == REVIEWED


def test_expectation_of_a_first_version_is_none():
    """There was no champion to compare with."""
    assert parse_expectation(report(champion=""), source="gate.json") is None


def test_expectation_in_a_damaged_report_is_an_error():
    """A report that cannot be read is not the same as none."""
    with pytest.raises(ModelFormatError, match=r"gate\.json"):
        parse_expectation(orjson.dumps({"verdict": "approve"}), source="gate.json")


def test_expectation_of_a_version_without_a_report_is_none(tmp_path):
    """Such as one that was registered by hand."""
    storage = open_storage(str(tmp_path))
    assert read_expectation(storage, "clinical-ner", "v1") is None
    storage.create("models/clinical-ner/v1/release/gate.json", report(mean_score=row(1.0, 1.0)))
    found = read_expectation(storage, "clinical-ner", "v1")
    assert found == Expectation(champion="v1", mean_score=Ratio(low=1, high=1))
