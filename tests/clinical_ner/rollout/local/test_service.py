"""A local service that is killed, and whose servers are."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from clinical_ner.errors import ConfigError, TargetUnreachable
from clinical_ner.rollout.local import LocalTarget
from clinical_ner.rollout.local.control import ask
from clinical_ner.rollout.local.source import local_metrics
from tests.clinical_ner.rollout.callers import Callers
from tests.clinical_ner.rollout.local.conftest import RunningService
from tests.serving.server_process import wait_until

pytestmark = pytest.mark.slow

HALF = 50


def with_canary(service, versions, percent=HALF):
    service.wait_ready()
    service.start_canary(versions["v2"])
    service.target.set_percent(percent, service.target.observe())


def test_killed_service_goes_on_with_its_servers(service, versions):
    """Killed and started again, it has the same servers with the same share on the same port; none was restarted."""
    with_canary(service, versions)
    before = service.target.observe()
    pids = [service.pid_of(role) for role in ("stable", "canary")]
    service.kill()
    with pytest.raises(TargetUnreachable, match="rollout serve"):
        service.target.observe()
    service.start()
    after = service.wait_for(lambda seen: seen.percent == HALF and seen.stable.ready)
    assert after == before
    assert [service.pid_of(role) for role in ("stable", "canary")] == pids
    with Callers(service.url) as callers:
        wait_until(lambda: {"v1", "v2"} <= set(callers.versions()))
    assert callers.failures == []


def test_servers_that_are_gone_are_started_again(service, versions):
    """After a reboot, so to say, everything comes back as it was written down, and the restarts are told."""
    with_canary(service, versions)
    service.kill()
    for role in ("stable", "canary"):
        os.kill(service.pid_of(role), signal.SIGKILL)
    service.start()
    seen = service.wait_for(lambda seen: seen.percent == HALF and seen.stable.ready)
    assert (seen.stable.restarts, seen.canary.restarts) == (1, 1)


def test_killed_while_ending_a_canary_it_ends_it_then(service, versions):
    """A canary that was on its way out leaves no process behind."""
    with_canary(service, versions, percent=0)
    pid = service.pid_of("canary")
    service.target.abort(service.target.observe())
    service.kill()
    service.start()
    service.wait_for(lambda seen: seen.canary is None)
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(pid)


def _wait_until_gone(pid):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _state(pid) != "Z":
        os.kill(pid, 0)
        time.sleep(0.05)
    if _state(pid) == "Z":  # ended; nobody collects it where no init runs
        raise ProcessLookupError


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        raise ProcessLookupError from None


def test_crash_of_the_canary_fails_no_more_than_what_it_had(service, versions):
    """Calls that it was answering fail and are counted so; then the stable answers all, until it is ready again."""
    with_canary(service, versions)
    with Callers(service.url, count=4) as callers:
        time.sleep(0.5)
        os.kill(service.pid_of("canary"), signal.SIGKILL)
        time.sleep(0.3)
        quiet = time.time()
        assert service.target.observe().percent is None
        service.wait_for(lambda seen: seen.canary.restarts == 1 and seen.percent == HALF)
        wait_until(lambda: callers.versions(quiet)["v2"])
    assert len(callers.failures) <= 4
    assert [failure for failure in callers.failures if failure.ended > quiet] == []
    assert service.counts()["v2"]["failed"] == len(callers.failures)


def test_server_that_is_asked_to_end_fails_no_call(service, versions):
    """It says first that it is not ready, and gets nothing from then on."""
    with_canary(service, versions)
    with Callers(service.url, count=4) as callers:
        time.sleep(0.5)
        os.kill(service.pid_of("canary"), signal.SIGTERM)
        service.wait_for(lambda seen: seen.canary.restarts == 1)
    assert callers.failures == []


def test_first_version_gets_everything_when_it_is_ready(folder, versions):
    """A service without a stable refuses calls until its first version answers; promoted, that is the stable."""
    service = RunningService(folder, None).start()
    assert service.target.observe().stable is None
    seen = service.start_canary(versions["v1"])
    assert seen.percent == 100
    with Callers(service.url, count=2) as callers:
        time.sleep(0.2)
        service.target.promote(seen)
        seen = service.wait_ready()
        time.sleep(0.2)
    assert (seen.stable.version, seen.canary, seen.percent) == ("v1", None, 0)
    assert callers.failures == []
    assert service.stop() == 0


def test_metrics_are_those_of_servers_and_callers(service, versions):
    """Requests, digest and failures by version; a version that is not served has no process."""
    with_canary(service, versions)
    source = local_metrics(service.folder)
    with Callers(service.url) as callers:
        wait_until(lambda: {"v1", "v2"} <= set(callers.versions()))
    for name, count in callers.versions().items():
        counters = source.read(name)
        (counts,) = counters.processes.values()
        assert (counts.requests, counts.notes, counts.errors) == (count, count, 0)
        assert counters.callers["split"].calls == count
        assert counters.digests == {versions[name].digest}
    assert source.read("v3").processes == {}


def test_server_that_cannot_start_is_told(folder, versions):
    """Whoever watches reads where the service listens, that its server ended, and where to look."""
    service = RunningService(folder, replace(versions["v1"], digest="sha256:" + "0" * 64)).start()
    told = folder / "service.log"
    wait_until(lambda: "v1: its process ended with status 1; see " in told.read_text())
    assert told.read_text().startswith(f"v1 of clinical-ner at {service.url}, logs in {folder / 'logs'}\n")
    assert service.stop() == 0


@pytest.fixture
def without_servers(folder):
    """A service that has nothing to serve yet."""
    running = RunningService(folder, None).start()
    yield running
    assert running.stop() == 0, running.logs


def test_second_service_in_a_folder_is_refused(without_servers):
    """One folder, one service."""
    command = [sys.executable, "-m", "clinical_ner.rollout.local", str(without_servers.folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (second.returncode, "runs there already" in second.stderr) == (1, True)


def test_unknown_command_is_refused(without_servers):
    """The socket takes the target's operations and two questions, under the present token."""
    with pytest.raises(ConfigError, match="no such command"):
        ask(without_servers.folder, "explode", token=without_servers.target.observe().token)


def test_folder_too_deep_for_a_socket_is_refused(tmp_path):
    """The kernel would cut the path off; the message names the limit."""
    with pytest.raises(ConfigError, match="100 bytes"):
        LocalTarget(tmp_path / ("x" * 100)).observe()
