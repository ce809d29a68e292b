"""Evidently's own server on a workspace: what a person sees there."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest
import requests

from clinical_ner.drift.columns import decision_columns
from clinical_ner.drift.report import evidently_report
from tests.clinical_ner.drift.conftest import HOUR, LABELS, START, profile

WINDOWS = 3


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Snapshots of three windows, the last of which are of longer and longer notes."""
    folder = tmp_path_factory.mktemp("workspace")
    for number in range(WINDOWS):
        window = profile(300, number, longer=1 + number / 5)
        evidently_report(profile(500, 10), window, time=START + number * HOUR, workspace=folder)
    return folder


@contextmanager
def evidently_ui(folder, log):
    """Address of the API of ``evidently ui``, ready, on the workspace in ``folder``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "evidently.cli", "ui", "--workspace", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, stdout=sink, stderr=sink, env={**os.environ, "DO_NOT_TRACK": "1"}) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}/api"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and server.poll() is None:
                with suppress(requests.ConnectionError):
                    requests.get(f"{url}/projects", timeout=5).raise_for_status()
                    break
                time.sleep(0.1)
            yield url
        finally:
            server.terminate()


def ask(url, body=None):
    answer = requests.post(url, json=body, timeout=10) if body else requests.get(url, timeout=10)
    answer.raise_for_status()
    return answer.json()


def test_evidently_ui_shows_the_trend(workspace, tmp_path):
    """The server lists one project with a snapshot a window, and each line of its dashboard has a point a window."""
    with evidently_ui(workspace, tmp_path / "ui.log") as url:
        (project,) = ask(f"{url}/projects")
        reports = ask(f"{url}/projects/{project['id']}/reports")
        panels = ask(f"{url}/v2/dashboards/{project['id']}")["panels"]
        filters = [{key: line[key] for key in ("tags", "metadata", "metric", "metric_labels")} for line in lines_of(panels)]
        series = ask(f"{url}/v2/snapshots/{project['id']}/data_series_batch", {"series_filter": filters})
    assert project["name"] == "clinical-ner"
    assert [report["name"] for report in reports] == ["v3"] * WINDOWS
    assert [source["timestamp"] for source in series["sources"]] == [f"2030-01-02T0{hour}:00:00Z" for hour in range(WINDOWS)]
    values = {line["params"].get("column", "share"): line["values"] for line in series["series"]}
    assert values.keys() == {"share", *decision_columns(LABELS)}
    assert all(len(points) == WINDOWS for points in values.values())
    assert values["tokens"] == sorted(values["tokens"])
    assert values["share"][0] < values["share"][-1]


def lines_of(panels):
    return [line for panel in panels for line in panel["values"]]
