"""What the monitoring pipeline's stages tell Prometheus: real runs, a real Pushgateway, a real Prometheus, real textfiles."""

import shutil
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from clinical_ner.drift.decision import Decision
from clinical_ner.errors import ConfigError
from tests.clinical_ner.stages.monitored import (
    DAY,
    END,
    SHIFTED_END,
    make_live,
    run_collect,
    run_decide,
    run_drift_report,
    run_resubmit,
    store_corrections,
)
from tests.servers.prometheus import Prometheus, Pushgateway
from tests.servers.versitygw import free_port

STAGES = {"collect-window", "decide", "resubmit"}


def run_all(registry_uri, folder, end, metrics_to):
    """Every stage, resubmission where it is asked for; the decision."""
    run_collect(registry_uri, folder, end, metrics_to=metrics_to)
    run_drift_report(registry_uri, folder)
    if run_decide(registry_uri, folder, metrics_to=metrics_to) == "yes":
        run_resubmit(registry_uri, folder, metrics_to=metrics_to)
    return Decision.model_validate_json((folder / "decision").read_bytes())


def read_samples(folder):
    """All samples of a folder's textfiles."""
    texts = (path.read_text() for path in sorted(Path(folder).glob("*.prom")))
    return [sample for text in texts for family in text_string_to_metric_families(text) for sample in family.samples]


def values(folder, name, label=""):
    """The values of one name, by a label's."""
    found = [sample for sample in read_samples(folder) if sample.name == f"clinical_ner_{name}"]
    return {sample.labels.get(label, ""): sample.value for sample in found}


def present(states):
    """The one state that is 1."""
    return [state for state, value in states.items() if value == 1]


def test_drifted_run_reaches_prometheus(monitored, tmp_path):
    """Each stage pushes; a Prometheus that scrapes the gateway returns what the decision and the outcome say."""
    begin = time.time()
    with Pushgateway(tmp_path) as gateway, Prometheus(tmp_path, gateway.url.removeprefix("http://")) as prometheus:
        decision = run_all(monitored, tmp_path, SHIFTED_END, gateway.url)
        assert {group["labels"]["stage"] for group in gateway.groups()} == STAGES
        prometheus.await_scrape(1)
        query = prometheus.query_now
        ((live, one),) = query("clinical_ner_live_model_info")
        columns = {labels["column"]: value for labels, value in query("clinical_ner_drift_column_deviation_ratio")}
        ((labels, window),) = query("clinical_ner_drift_window_deviation_ratio")
        actions = {labels["action"]: value for labels, value in query("clinical_ner_drift_action")}
        statuses = {labels["status"]: value for labels, value in query("clinical_ner_resubmission_status")}
        alerts = query("clinical_ner_resubmission_alerts > 0")
        times = query("clinical_ner_monitoring_last_success_timestamp_seconds")
    assert (live["model_version"], live["digest"], one) == ("v1", decision.window.model_digest, 1)
    assert columns == pytest.approx({column.column: column.deviation / 100 for column in decision.window.columns})
    assert window == pytest.approx(decision.window.deviation / 100)
    names = ("job", "model", "model_version", "stage")
    assert tuple(labels[name] for name in names) == ("clinical-ner-monitoring", "clinical-ner", "v1", "decide")
    assert (present(actions), len(actions)) == ([decision.action], 5)
    assert present(statuses) == ["needs-annotation"]
    assert alerts[0][1] == len(orjson.loads((tmp_path / "outcome").read_bytes())["alerts"]) == 1
    assert {labels["stage"] for labels, _ in times} == STAGES
    assert all(begin <= value <= time.time() for _, value in times)


def test_quiet_run_takes_the_last_outcome_back(monitored, tmp_path):
    """After a drifted window with its alert a quiet one, for which resubmission does not run: status and alerts are gone."""
    run_all(monitored, tmp_path, SHIFTED_END, str(tmp_path / "metrics"))
    assert present(values(tmp_path / "metrics", "resubmission_status", "status")) == ["needs-annotation"]
    assert values(tmp_path / "metrics", "resubmission_alerts") == {"": 1}
    run_all(monitored, tmp_path, END, str(tmp_path / "metrics"))
    assert present(values(tmp_path / "metrics", "resubmission_status", "status")) == ["nothing"]
    assert values(tmp_path / "metrics", "resubmission_alerts") == {"": 0}
    assert present(values(tmp_path / "metrics", "drift_action", "action"))[0] in {"none", "watch"}


def test_unjudged_window_has_no_columns(monitored, tmp_path):
    """Nobody asked: 0 notes, unjudged, no deviation of any column, and the run counts as successful."""
    run_all(monitored, tmp_path, END + 100 * DAY, str(tmp_path / "metrics"))
    assert values(tmp_path / "metrics", "drift_window_unjudged") == {"": 1}
    assert values(tmp_path / "metrics", "drift_window_notes") == {"": 0}
    assert values(tmp_path / "metrics", "drift_column_deviation_ratio", "column") == {}
    assert set(values(tmp_path / "metrics", "monitoring_last_success_timestamp_seconds", "stage")) == STAGES


def test_failed_training_is_a_state(finished, compared, tmp_path):
    """A training that cannot be submitted: refused, an alert, and the last training stands as failed."""
    registry_uri = make_live(finished, tmp_path / "own")
    run_decide(registry_uri, compared, store_corrections(registry_uri, 60))
    assert run_resubmit(registry_uri, tmp_path, metrics_to=str(tmp_path / "metrics"), mode="auto") == "refused"
    assert present(values(tmp_path / "metrics", "resubmission_last_training", "state")) == ["failed"]
    assert values(tmp_path / "metrics", "resubmission_alerts") == {"": 1}


def test_gateway_that_is_down_fails_no_stage(monitored, tmp_path):
    """The decision and the outcome are there all the same."""
    decision = run_all(monitored, tmp_path, SHIFTED_END, f"http://127.0.0.1:{free_port()}")
    assert decision.action in {"retrain", "experiment"}
    assert (tmp_path / "outcome").exists()


def test_wrong_destination_fails_the_first_stage(monitored, tmp_path):
    """Before anything is read."""
    with pytest.raises(ConfigError, match="metrics_to"):
        run_collect(monitored, tmp_path, metrics_to="s3://bucket/metrics")
    assert not (tmp_path / "windows").exists()


def test_promtool_finds_no_fault(monitored, tmp_path):
    """Names, units and help texts follow Prometheus's conventions, as its own tool checks them."""
    promtool = shutil.which("promtool") or pytest.skip("promtool is not installed")
    run_all(monitored, tmp_path, SHIFTED_END, str(tmp_path / "metrics"))
    files = sorted((tmp_path / "metrics").iterdir())
    assert len(files) == len(STAGES)
    for path in files:
        done = subprocess.run(
            [promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
