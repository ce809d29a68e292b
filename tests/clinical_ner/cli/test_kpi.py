"""``clinical-ner kpi``."""

from datetime import timedelta

import orjson
import pytest
import typer
from typer.testing import CliRunner

from clinical_ner import model_package
from clinical_ner.cli.kpi import kpi
from clinical_ner.clock import utc_now
from clinical_ner.corpora.records import CorpusReading
from clinical_ner.datasets import store_dataset
from clinical_ner.documents import Document
from clinical_ner.feedback import add_corrections, join_corrections
from clinical_ner.inference_log.parquet import parse_lines, to_objects
from clinical_ner.inference_log.record import encode_records
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from tests.clinical_ner.inference_log.records import make_record
from tests.clinical_ner.review.samples import make_sample
from tests.servers.prometheus import Pushgateway
from tests.servers.versitygw import free_port

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


def log_latencies(tmp_path, count=100):
    """So many answered requests of 10 ms."""
    now = utc_now()
    records = [make_record(now - timedelta(minutes=1), request_id=f"r{n}", latency_seconds=0.010) for n in range(count)]
    for item in to_objects(parse_lines(encode_records(records), "test")):
        open_storage(str(tmp_path / "log")).write(item.key, item.data)


def test_latency_comes_from_the_log(run, tmp_path):
    """The log's answered requests give the 95th percentile in milliseconds."""
    log_latencies(tmp_path)
    latency = figures(run("--json"))["latency"]
    assert (latency["value"], latency["low"], latency["n"]) == (pytest.approx(10.0), pytest.approx(10.0), 100)


def promote_versions(tmp_path, other_model, count):
    """So many versions, each live two hours after the data that it alone was trained on were stored."""
    storage, begin = open_storage(str(tmp_path / "registry")), utc_now() - timedelta(days=2)
    by = {"actor": "ada", "reason": "test"}
    for number in range(count):
        stored = begin + timedelta(hours=3 * number)
        documents = [Document(f"note-{number}", f"Note {number}.", (), {})]
        digest = store_dataset(storage, documents, reader="jsonl", parameters={}, clock=lambda: stored).digest  # noqa: B023
        files = dict(other_model(number))
        manifest = model_package.parse_manifest(files[model_package.MANIFEST])
        files[model_package.MANIFEST] = manifest.model_copy(update={"datasets": {"train": digest}}).to_json()
        registry = Registry(storage, lambda: stored + timedelta(hours=2))  # noqa: B023
        version = registry.register("clinical-ner", files, **by).version
        registry.approve("clinical-ner", version, **by)
        registry.promote("clinical-ner", version, **by)


@pytest.fixture
def full(tmp_path, other_model):
    """Enough of everything for every figure to have an interval."""
    for number in range(8):
        add_correction(tmp_path, number, 1)
    log_latencies(tmp_path)
    promote_versions(tmp_path, other_model, 6)


def test_every_figure_has_sample_and_interval(full, run):
    """With enough data each has a value within its interval, and says how many of what it is of."""
    found = figures(run("--json"))
    samples = {name: (figure["n"], figure["of"]) for name, figure in found.items()}
    assert samples == {
        "reviewed entities changed": (16, "entities"),
        "review time per note": (8, "notes"),
        "reviewed F1": (8, "notes"),
        "latency": (100, "requests"),
        "new data to live model": (6, "versions"),
    }
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in found.values())
    assert found["new data to live model"]["value"] == pytest.approx(2.0)
    assert run().count(" to ") >= len(NAMES)


def test_figures_go_to_prometheus(full, run, tmp_path):
    """A Pushgateway has what is printed, in base units; the table is printed as without it."""
    with Pushgateway(tmp_path) as gateway:
        assert "reviewed F1" in run("--metrics-to", gateway.url)
        run("--metrics-to", gateway.url, "--version", "v3")
        every, one = sorted(gateway.groups(), key=lambda group: len(group["labels"]))
    assert every["labels"] == {"job": "clinical-ner-kpi", "model": "clinical-ner"}
    assert one["labels"]["model_version"] == "v3"
    value = every["clinical_ner_kpi_latency_p95_seconds"]["metrics"][0]["value"]
    assert float(value) == pytest.approx(0.010)
    assert float(every["clinical_ner_kpi_reviewed_f1_sample_size"]["metrics"][0]["value"]) == 8


def test_figures_that_cannot_be_sent_end_with_1(tmp_path, monkeypatch):
    """They are printed all the same: a scheduled job fails, and shows what it found."""
    monkeypatch.setenv("CLINICAL_NER_REGISTRY_URI", str(tmp_path / "registry"))
    app = typer.Typer()
    app.command()(kpi)
    result = CliRunner().invoke(app, ["--metrics-to", f"http://127.0.0.1:{free_port()}"])
    assert result.exit_code == 1
    assert "no data" in result.output
