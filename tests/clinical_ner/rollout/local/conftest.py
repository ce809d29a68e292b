"""A local service with real model servers, in a process of its own."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clinical_ner.registry import Registry
from clinical_ner.rollout.local import LocalTarget
from clinical_ner.rollout.local.control import ask
from clinical_ner.rollout.local.launching import launch, new_state
from clinical_ner.rollout.local.state import read_state, write_state
from clinical_ner.rollout.targets import ModelReference, Observation
from clinical_ner.storage import open_storage
from tests.serving.server_process import free_ports

WAIT_SECONDS = 60
NAME = "clinical-ner"


class RunningService:
    """The service of a folder, with ``target`` to command it."""

    def __init__(self, folder: Path, stable: ModelReference | None, *options: str) -> None:
        self.folder, (self.port,) = folder, free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.target = LocalTarget(folder)
        write_state(folder, new_state(NAME, self.port, ("--drain-seconds", "0.5", *options), stable))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RunningService":
        self.process = launch(self.folder)
        return self

    def kill(self) -> None:
        """End it as a power cut of its process alone would: its servers go on, orphaned."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it in order, with its servers."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)

    def wait_for(self, condition: Callable[[Observation], object]) -> Observation:
        """Look until the observation is as wanted."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition(seen := self.target.observe()):
            assert time.monotonic() < deadline, f"{seen}\n{self.logs}"
            time.sleep(0.05)
        return seen

    def wait_ready(self) -> Observation:
        return self.wait_for(lambda seen: seen.stable and seen.stable.ready)

    def start_canary(self, model: ModelReference) -> Observation:
        """Have a canary at 0 %, and wait until it is ready."""
        self.target.start(model, self.target.observe())
        return self.wait_for(lambda seen: seen.canary and seen.canary.ready)

    def pid_of(self, role: str) -> int:
        """The process number of the server of ``stable`` or ``canary``."""
        member = getattr(read_state(self.folder), role)
        return read_state(self.folder).processes[member.incarnation].pid

    def counts(self) -> dict[str, dict[str, object]]:
        return ask(self.folder, "calls")

    @property
    def logs(self) -> str:
        paths = [self.folder / "service.log", *sorted((self.folder / "logs").glob("*.log"))]
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in paths if path.exists())


@pytest.fixture(scope="session")
def versions(other_model, tmp_path_factory) -> dict[str, ModelReference]:
    """Three registered versions, v1 to v3, of a model that loads at once, in a folder whose name a URI escapes."""
    registry = Registry(open_storage((tmp_path_factory.mktemp("local") / "ä registry").as_uri()))
    models = [registry.register(NAME, other_model(number), actor="test", reason="test") for number in range(3)]
    return {model.version: ModelReference(model.version, model.digest, model.uri) for model in models}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="local-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def service(folder, versions) -> Iterator[RunningService]:
    """A service that serves v1 to everybody; whatever is left of it is ended in order."""
    running = RunningService(folder, versions["v1"])
    yield running.start()
    if running.process.poll() is None:
        assert running.stop() == 0, running.logs
