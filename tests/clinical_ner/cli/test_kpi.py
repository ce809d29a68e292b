"""``clinical-ner kpi``."""

from datetime import timedelta

import orjson
import pytest
import typer
from typer.testing import CliRunner

from clinical_ner.cli.kpi import kpi
from clinical_ner.clock import utc_now
from clinical_ner.corpora.records import CorpusReading
from clinical_ner.documents import Document
from clinical_ner.feedback import add_corrections, join_corrections
from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.record import encode_records
from clinical_ner.storage import open_storage
from tests.clinical_ner.inference_log.records import make_record
from tests.clinical_ner.review.samples import make_sample

NAMES = ["reviewed entities changed", "review time per note", "reviewed F1", "latency", "new data to live model"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", str(tmp_path / "registry"))
    monkeypatch.setenv("CLINICAL_NER_INFERENCE_LOG_URI", str(tmp_path / "log"))
    app = typer.Typer()
    app.command()(kpi)

    def invoke(*arguments):
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def figures(output):
    return {figure["name"]: figure for figure in orjson.loads(output)}


def add_correction(tmp_path, number, days_ago, version="v3"):
    sample = make_sample(number, time=utc_now() - timedelta(days=days_ago), model_version=version)
    reading = CorpusReading(documents=[Document(sample.record_id, sample.text, (), {"lead_time_seconds": "90"})])
    corrections = join_corrections(reading, [sample]).corrections
    add_corrections(open_storage(str(tmp_path / "registry")), "clinical-ner", corrections)


def test_nothing_anywhere_is_no_data(run):
    """Every figure is there, each with no data and an n of 0."""
    assert list(figures(run("--json"))) == NAMES
    assert all(each["value"] is None and each["n"] == 0 for each in figures(run("--json")).values())
    assert run().count("no data") == len(NAMES)


def test_no_log_named_leaves_the_other_figures(run, monkeypatch):
    """Without a log there is no latency, and no error."""
    monkeypatch.delenv("CLINICAL_NER_INFERENCE_LOG_URI")
    assert figures(run("--json"))["latency"]["value"] is None


def test_figures_are_of_the_days_and_version_asked_for(run, tmp_path):
    """Older notes, and those that another version answered, do not count."""
    for number, (days_ago, version) in enumerate([(1, "v3"), (2, "v3"), (3, "v4"), (60, "v3")]):
        add_correction(tmp_path, number, days_ago, version)
    assert figures(run("--json"))["review time per note"]["n"] == 3
    assert figures(run("--json", "--version", "v3"))["review time per note"]["n"] == 2
    assert figures(run("--json", "--days", "90"))["review time per note"]["n"] == 4
    changed = figures(run("--json"))["reviewed entities changed"]
    assert (changed["value"], changed["n"]) == (1.0, 6)
    assert "1.5" in run()


def test_latency_comes_from_the_log(run, tmp_path):
    """The log's answered requests give the 95th percentile in milliseconds."""
    now = utc_now()
    records = [make_record(now - timedelta(minutes=1), request_id=f"r{n}", latency_seconds=0.010) for n in range(100)]
    for item in to_objects(parse_lines(encode_records(records), "test")):
        open_storage(str(tmp_path / "log")).write(item.key, item.data)
    latency = figures(run("--json"))["latency"]
    assert (latency["value"], latency["low"], latency["n"]) == (pytest.approx(10.0), pytest.approx(10.0), 100)
