"""The local target, by the suite of all targets."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clinical_ner.rollout.callers import Callers
from tests.clinical_ner.rollout.local.conftest import RunningService
from tests.clinical_ner.rollout.target_conformance import TargetConformance

pytestmark = pytest.mark.slow


class LocalHarness:
    def __init__(self, service, models):
        self.service, self.target, self.models = service, service.target, models

    def calls(self):
        return Callers(self.service.url, count=2, pause_seconds=0.005)

    def crash(self, role):
        os.kill(self.service.pid_of(role), signal.SIGKILL)


@pytest.fixture(scope="module")
def harness(versions) -> Iterator[LocalHarness]:
    folder = Path(tempfile.mkdtemp(prefix="local-"))
    service = RunningService(folder, versions["v1"]).start()
    service.wait_ready()
    yield LocalHarness(service, versions)
    assert service.stop() == 0, service.logs
    shutil.rmtree(folder, ignore_errors=True)


class TestLocalTarget(TargetConformance):
    """Real model servers on real sockets."""
