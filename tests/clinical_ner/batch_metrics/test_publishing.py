"""Where gauges go: a real Pushgateway, which a real Prometheus scrapes, and a folder of textfiles."""

import socket
import threading
import time
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from clinical_ner.batch_metrics import Job, Series, check_destination, publish, publishing
from clinical_ner.errors import ConfigError
from tests.servers.prometheus import Prometheus, Pushgateway


def series_of(stage="decide", model="clinical-ner", **values):
    series = Series(Job("clinical-ner-monitoring", {"model": model, "stage": stage}), model_version="v1")
    for name, value in values.items():
        series.put(name, f"The {name}.", value)
    return series


@pytest.fixture
def gateway(tmp_path):
    with Pushgateway(tmp_path) as running:
        yield running


def names(group):
    return {name for name in group if name.startswith("clinical_ner_")}


def by_stage(gateway):
    return {group["labels"]["stage"]: names(group) for group in gateway.groups()}


def read_textfile(path):
    return {
        (sample.name, sample.labels.get("column", "")): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_prometheus_reads_what_was_pushed(gateway, tmp_path):
    """The value with its labels, the job's name among them, as the API of a Prometheus that scrapes the gateway returns it."""
    assert publish(series_of(some_ratio=0.25), gateway.url)
    with Prometheus(tmp_path, gateway.url.removeprefix("http://")) as prometheus:
        ((labels, value),) = prometheus.query("clinical_ner_some_ratio")
    assert value == 0.25
    wanted = {"job": "clinical-ner-monitoring", "model": "clinical-ner", "stage": "decide", "model_version": "v1"}
    assert wanted.items() <= labels.items()


def test_stages_do_not_wipe_each_other(gateway):
    """Each stage and each model is a group of its own, of which a new report replaces everything."""
    publish(series_of("decide", one=1, two=2), gateway.url)
    publish(series_of("resubmit", three=3), gateway.url + "/")
    publish(series_of("decide", "other-model", one=1), gateway.url)
    assert len(gateway.groups()) == 3
    publish(series_of("decide", "other-model", four=4), gateway.url)
    publish(series_of("decide", two=2), gateway.url)
    assert by_stage(gateway)["resubmit"] == {"clinical_ner_three"}
    groups = {group["labels"]["model"]: names(group) for group in gateway.groups() if group["labels"]["stage"] == "decide"}
    assert groups == {"clinical-ner": {"clinical_ner_two"}, "other-model": {"clinical_ner_four"}}


def test_environments_share_a_gateway(gateway):
    """Labels of the address are labels of the group: staging's report does not take the place of production's."""
    for namespace in ("production", "staging", "staging"):
        assert publish(series_of(one=1), f"{gateway.url}?namespace={namespace}")
    groups = sorted((group["labels"] for group in gateway.groups()), key=lambda labels: labels["namespace"])
    assert [labels["namespace"] for labels in groups] == ["production", "staging"]
    assert {(labels["job"], labels["stage"]) for labels in groups} == {("clinical-ner-monitoring", "decide")}


def test_gateway_that_is_down_is_a_warning(gateway, tmp_path):
    """Nothing is raised; the log says where to and why, and the next report arrives."""
    gateway.kill()
    with capture_logs() as logs:
        assert not publish(series_of(one=1), gateway.url)
    (entry,) = logs
    assert (entry["event"], entry["log_level"], entry["to"]) == ("metrics_not_published", "warning", gateway.url)
    assert "refused" in entry["problem"]
    assert (entry["job"], entry["stage"]) == ("clinical-ner-monitoring", "decide")


def test_gateway_that_refuses_is_a_warning(gateway):
    """Such as an address that is none of its own; the log has its answer."""
    with capture_logs() as logs:
        assert not publish(series_of(one=1), gateway.url + "/no/such/prefix")
    assert "404" in logs[0]["problem"]


def test_silent_gateway_holds_nobody_up(monkeypatch):
    """A server that takes the connection and says nothing, byte by byte: the wait ends all the same."""
    monkeypatch.setattr(publishing, "PUSH_SECONDS", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, capture_logs() as logs:
        dripping = threading.Thread(target=_drip, args=(listener,), daemon=True)
        dripping.start()
        begin = time.monotonic()
        assert not publish(series_of(one=1), f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert time.monotonic() - begin < 5
    assert logs[0]["problem"] == "no answer within 0.5 s"


def _drip(listener):
    connection, _ = listener.accept()
    with connection:
        for _ in range(40):  # each byte comes in time for the client's own limit, the reply never does
            try:
                connection.sendall(b"H")
            except OSError:
                return
            time.sleep(0.1)


def test_textfile_holds_the_series(tmp_path):
    """A file in the text format for each job, model and stage, named so that the collector reads it, and nothing else."""
    folder = tmp_path / "textfiles"
    assert publish(series_of(one=1, two=0.5), str(folder))
    assert publish(series_of("resubmit", one=3), folder.as_uri())
    publish(series_of(one=1.5), str(folder))
    paths = sorted(path.name for path in folder.iterdir())
    assert paths == ["clinical-ner-monitoring_clinical-ner_decide.prom", "clinical-ner-monitoring_clinical-ner_resubmit.prom"]
    assert read_textfile(folder / paths[0]) == {("clinical_ner_one", ""): 1.5}
    (family,) = text_string_to_metric_families((folder / paths[1]).read_text())
    assert family.samples[0].labels == {"model": "clinical-ner", "stage": "resubmit", "model_version": "v1"}


def test_names_cannot_leave_the_folder(tmp_path):
    """A group's value with a slash, such as a version that a person typed, is part of the name."""
    publish(Series(Job("kpi", {"model_version": "../../v1"})), str(tmp_path / "folder"))
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["kpi_..%2F..%2Fv1.prom"]


def test_folder_that_cannot_be_written_is_a_warning(tmp_path):
    """A file where the folder should be."""
    (tmp_path / "file").write_text("")
    with capture_logs() as logs:
        assert not publish(series_of(one=1), str(tmp_path / "file"))
    assert "file" in logs[0]["problem"]


def test_nowhere_is_fine(tmp_path, monkeypatch):
    """Without a destination nothing is written and nothing said."""
    monkeypatch.chdir(tmp_path)
    with capture_logs() as logs:
        assert publish(series_of(one=1), "")
    assert (list(tmp_path.iterdir()), logs) == ([], [])


@pytest.mark.parametrize(
    "metrics_to",
    [
        "s3://bucket/metrics",
        "http://",
        "http://gateway:port",
        "http://gateway?job=x",
        "http://gateway?namespace=",
        "http://gateway?namespace",
        "http://gateway?name-space=x",
        "http://gateway#namespace",
        "file:metrics",
        "file://host/metrics",
        "ftp://a",
    ],
)
def test_other_destinations_are_refused(metrics_to):
    """The message says what is expected."""
    with pytest.raises(ConfigError, match="metrics_to: an http"):
        check_destination(metrics_to)


def test_password_is_refused_and_not_shown():
    """Parameters are stored with the run."""
    with pytest.raises(ConfigError, match="password") as caught:
        publish(series_of(one=1), "http://ada:secret@gateway:9091")
    assert "secret" not in str(caught.value)


def test_states_are_a_gauge_each(tmp_path):
    """1 for the present state, 0 for the others, and all 0 for none of them."""
    series = Series(Job("job", {}))
    series.put_state("action", "The action.", "action", ("none", "watch"), "watch")
    series.put_state("state", "The state.", "state", ("a", "b"), "")
    samples = [sample for family in series.registry.collect() for sample in family.samples]
    assert [(sample.labels, sample.value) for sample in samples] == [
        ({"action": "none"}, 0),
        ({"action": "watch"}, 1),
        ({"state": "a"}, 0),
        ({"state": "b"}, 0),
    ]
