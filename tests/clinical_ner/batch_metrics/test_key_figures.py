"""Key figures as gauges."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from clinical_ner.batch_metrics import publish
from clinical_ner.batch_metrics.key_figures import GAUGES, figure_series
from clinical_ner.kpi import Figure

NOW = datetime(2030, 1, 2, tzinfo=UTC)
LATENCY = Figure("latency", 12.0, 11.0, None, 100, "requests", "ms (95th percentile)")
REVIEW = Figure("review time per note", 1.5, 1.0, 2.0, 7, "notes", "minutes (median)")


def values(series):
    return {sample.name: sample.value for family in series.registry.collect() for sample in family.samples}


def test_figures_are_in_base_units():
    """Milliseconds and minutes become seconds; ends of the interval and the sample stand beside the value."""
    found = values(figure_series("clinical-ner", "", [LATENCY, REVIEW], now=NOW))
    assert found["clinical_ner_kpi_latency_p95_seconds"] == pytest.approx(0.012)
    assert found["clinical_ner_kpi_latency_p95_low_seconds"] == pytest.approx(0.011)
    assert found["clinical_ner_kpi_latency_p95_sample_size"] == 100
    assert found["clinical_ner_kpi_review_seconds"] == 90
    assert found["clinical_ner_kpi_review_high_seconds"] == 120
    assert found["clinical_ner_kpi_last_success_timestamp_seconds"] == NOW.timestamp()


def test_missing_ends_and_values_have_no_series():
    """No data is not 0: the sample's size of 0 says so."""
    assert "clinical_ner_kpi_latency_p95_high_seconds" not in values(figure_series("m", "", [LATENCY], now=NOW))
    found = values(figure_series("m", "", [Figure("reviewed F1", None, None, None, 0, "notes", "strict F1")], now=NOW))
    assert found.keys() == {"clinical_ner_kpi_last_success_timestamp_seconds", "clinical_ner_kpi_reviewed_f1_sample_size"}


def test_versions_are_groups_of_their_own():
    """Figures of one version do not take the place of those of all."""
    assert figure_series("m", "", [], now=NOW).job.group == {"model": "m"}
    assert figure_series("m", "v3", [], now=NOW).job.group == {"model": "m", "model_version": "v3"}


def test_promtool_finds_no_fault(tmp_path):
    """Names, units and help texts of all figures follow Prometheus's conventions."""
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed")
    figures = [Figure(name, 1.0, 0.5, 2.0, 9, "notes", "unit") for name in GAUGES]
    publish(figure_series("clinical-ner", "v3", figures, now=NOW), str(tmp_path))
    (path,) = tmp_path.iterdir()
    command = [promtool, "check", "metrics"]
    done = subprocess.run(command, input=path.read_bytes(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
