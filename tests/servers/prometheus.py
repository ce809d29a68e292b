"""Prometheus and its Pushgateway, the real programs, on free ports of this machine and with their data in a test's folder."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.servers.versitygw import free_port

START_SECONDS = 30
SCRAPE_SECONDS = 1
SCRAPE_TOLERANCE_SECONDS = 0.01
"""Prometheus moves a scrape's time by some milliseconds to where its interval puts it."""


def find_program(*names: str) -> str:
    """The path of the program, under whichever name it has; the test is skipped when it is not installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or pytest.skip(f"{names[0]} is not installed")


class Server:
    """A program that answers ``/-/ready`` on a port of its own, at one of this machine's addresses; a context that ends it."""

    def __init__(self, folder: Path, port: int, *command: str, address: str = "127.0.0.1") -> None:
        self.url = f"http://{address}:{port}"
        self._log = folder / f"{Path(command[0]).name}.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        self._wait()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def get(self, path: str) -> bytes:
        with urlopen(self.url + path, timeout=10) as reply:
            return reply.read()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.get("/-/ready")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"did not start: {self._log.read_text(errors='replace')}") from None
                time.sleep(0.05)
            else:
                return


class Pushgateway(Server):
    """``prometheus-pushgateway``, as Debian names it, or ``pushgateway``."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        port = free_port()
        program = find_program("prometheus-pushgateway", "pushgateway")
        # Debian's keeps what was pushed in one file for all.
        options = [f"--web.listen-address={address}:{port}", "--persistence.file="]
        super().__init__(folder, port, program, *options, address=address)

    def groups(self) -> list[dict]:
        """What was pushed: the labels of each group with the names of its metrics."""
        return json.loads(self.get("/api/v1/metrics"))["data"]


class Prometheus(Server):
    """``prometheus`` that scrapes one target as the documentation says to scrape a Pushgateway, or what ``config`` says."""

    def __init__(self, folder: Path, target: str = "", **config: object) -> None:
        port = free_port()
        job = {"job_name": "pushgateway", "honor_labels": True, "static_configs": [{"targets": [target]}]}
        every = f"{SCRAPE_SECONDS}s"
        config = {"global": {"scrape_interval": every, "evaluation_interval": every}, "scrape_configs": [job], **config}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        options = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        super().__init__(folder, port, find_program("prometheus"), *options)

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series, once there is any."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if series := self.query_now(expression):
                return series
            time.sleep(0.05)
        raise AssertionError(f"no series for {expression}")

    def await_scrape(self, targets: int) -> None:
        """Until that many targets are up and each was scraped after this call."""
        after = time.time() + SCRAPE_TOLERANCE_SECONDS
        self.query(f"count(up == 1) == {targets} and min(timestamp(up)) > {after}")

    def query_now(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The same as they are now, if any."""
        reply = json.loads(self.get(f"/api/v1/query?{urlencode({'query': expression})}"))
        return [(each["metric"], float(each["value"][1])) for each in reply["data"]["result"]]
