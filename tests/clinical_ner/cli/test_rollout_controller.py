"""``clinical-ner rollout controller`` as a process beside a real API server."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from clinical_ner.registry import Registry
from clinical_ner.rollout.controller.lease import LEASES, NAME
from tests.clinical_ner.rollout.conftest import records, store  # noqa: F401 (fixtures)
from tests.clinical_ner.rollout.file_world import MODEL, SERVICE, make_spec

WAIT_SECONDS = 60


class Process:
    """The command, and what it logged so far."""

    def __init__(self, target, kubeconfig, registry, log):
        self.log = log
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "CLINICAL_NER_REGISTRY_URI": str(registry)}
        command = [Path(sys.executable).with_name("clinical-ner"), "rollout", "controller", "--target", target]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, "--metrics-port", "0", "--interval", "0.1"], env=environment, stderr=errors
            )

    def lines(self):
        return [orjson.loads(line) for line in self.log.read_text().splitlines()]

    def wait(self, condition):
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := condition()):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return found

    def read(self, path):
        with urlopen(f"http://127.0.0.1:{self.lines()[0]['port']}{path}", timeout=5) as answer:
            return answer.read().decode()


@pytest.fixture
def process(newest, cluster_api, tmp_path):
    started = Process(f"kserve:{cluster_api.namespace}/{SERVICE}", newest.kubeconfig, tmp_path, tmp_path / "log")
    yield started
    started.process.kill()
    started.process.wait()


def test_controller_answers_and_ends_when_it_is_asked_to(process, store, cluster_api, records):  # noqa: F811
    """It is there before its service, says in the rollout what it misses, shows numbers, and gives the Lease back."""
    records.create(make_spec(Registry(store).get(MODEL, "v2")))
    problems = process.wait(lambda: records.read("v2").status.problems)
    assert f"{cluster_api.namespace}/{SERVICE}" in problems[0]
    assert process.read("/healthz") == "ok\n"
    assert "clinical_ner_rollout_controller_leading 1.0" in process.read("/metrics")
    with pytest.raises(HTTPError, match="404"):
        process.read("/")
    assert cluster_api.get(LEASES, NAME)["spec"]["holderIdentity"] == process.lines()[0]["identity"]
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(timeout=WAIT_SECONDS) == 0
    assert cluster_api.get(LEASES, NAME)["spec"]["holderIdentity"] == ""
    assert [line["event"] for line in process.lines()][-1] == "stopped"
    assert {"level", "timestamp"} <= set(process.lines()[0])
