"""Servers stopped under load: SIGTERM to one of two, again and again, while callers follow readiness; no call may fail.

``python -m benchmarks.serving_stops [--stops 20]`` keeps one server running and starts and stops another beside it. Four
callers over kept HTTP connections and four over gRPC ask the second one while its readiness, polled every 0.2 seconds, says
yes, and the first one otherwise, as a Service with a readiness probe sends them. Exits with 1 when a call failed, a server
was hardly asked or did not end with status 0.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import track

from benchmarks.serving import train
from tests.serving.server_process import ServerProcess
from tests.serving.test_lifecycle import Balancer

LOAD_SECONDS = 1.0
"""Before SIGTERM; after it calls go on for the whole drain, 5 seconds by default, and half a second more."""
FEWEST_CALLS = 100
"""Of each of both servers in one stop: fewer would show nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stops", type=int, default=20)
    stops = parser.parse_args().stops
    calls, failures = 0, list[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = train(folder / "model")
        with ServerProcess(model, folder / "log") as other:
            other.wait_ready()
            for number in track(range(stops), "stopping"):
                answered, failed = stop_one(model, folder / f"log-{number}", other)
                calls, failures = calls + answered, failures + failed
    print(f"{stops} stops, {calls:,} calls, {len(failures)} failed {sorted(set(failures))}")
    print("target: 0 failed calls in at least 20 stops")
    sys.exit(bool(failures))


def stop_one(model: Path, log: Path, other: ServerProcess) -> tuple[int, list[str]]:
    """Calls and failures in one server's life under load, from its readiness to half a second after its end."""
    with ServerProcess(model, log) as server:
        server.wait_ready()
        balancer = Balancer(server, other)
        with balancer.load():
            time.sleep(LOAD_SECONDS)
            server.terminate()
            status = server.wait()
            time.sleep(0.5)
    if min(balancer.calls.values()) < FEWEST_CALLS:
        balancer.failures.append(f"a server was asked less than {FEWEST_CALLS} times")
    if status:
        balancer.failures.append(f"the server ended with status {status}")
    return sum(balancer.calls.values()), balancer.failures


if __name__ == "__main__":
    main()
