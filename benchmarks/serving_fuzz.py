"""Hostile requests over REST and gRPC: no reply is a fault of the server's, nothing of a note comes back, probes are answered.

``python -m benchmarks.serving_fuzz [--requests 100000]`` damages requests of the protocol, right and wrong ones, all of which
hold a marked patient identifier: bytes flipped, cut, doubled, words of the protocol put in. Half of them go over REST, half
over gRPC. Meanwhile liveness is asked ten times a second. Exits with 1 when a reply blames nobody but the server, when the mark
is in an error's text, in the server's log or in its metrics, when liveness once was not answered within 100 ms (on a machine
that is busy otherwise, too), or when the server ended.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import orjson
from rich.progress import Progress

from benchmarks.serving import train
from tests.serving.malformed import GRPC, MARK, PATH, REST, V1, body, tensor, with_contents
from tests.serving.server_process import ServerProcess

PAUSE_SECONDS = 0.1
ALIVE_SECONDS = 0.1
CALLERS = 2
"""Threads a protocol."""
LIMITS = ("--max-notes", "8", "--max-note-bytes", "4096", "--max-body-bytes", "65536")
METHOD = "/inference.GRPCInferenceService/ModelInfer"
ANSWERED = {"200", "OK"}
REFUSED = {"400", "404", "413", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED"}
WORDS = [b"inputs", b"shape", b"[1", b"null", b"-1", b"1e999", b'"', b"{", b"\\ud800", b"\xff", b"BYTES", MARK.encode()]
SECRET = "7731946"
Send = Callable[[random.Random], tuple[str, str]]
"""Sends one request; status and text of the reply."""


class Outcomes:
    """Statuses of all replies, those whose error holds the mark, how long liveness took, and how late who asked was woken.

    ``dead`` is why liveness was not answered.
    """

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.leaks: Counter[str] = Counter()
        self.liveness_seconds: list[float] = []
        self.late_seconds: list[float] = []
        self.dead: list[str] = []

    def add(self, status: str, text: str) -> None:
        self.statuses[status] += 1
        if status not in ANSWERED and SECRET in text:
            self.leaks[status] += 1

    @property
    def faults(self) -> dict[str, int]:
        """Statuses that neither answer nor refuse, connections that broke among them."""
        return {status: count for status, count in self.statuses.items() if status not in ANSWERED | REFUSED}

    @property
    def alive(self) -> bool:
        """Whether liveness was always answered, and in time."""
        return bool(self.liveness_seconds) and not self.dead and max(self.liveness_seconds) < ALIVE_SECONDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    requests, outcomes = parser.parse_args().requests, Outcomes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ServerProcess(train(folder / "model"), folder / "log", *LIMITS) as server:
            server.wait_ready()
            fuzz(server, requests, outcomes)
            texts = {"log": server.log, "metrics": server.get("/metrics").text}
    kept = [where for where, text in texts.items() if SECRET in text]
    report(requests, outcomes, kept)
    sys.exit(bool(outcomes.faults or outcomes.leaks or kept or not outcomes.alive))


def report(requests: int, outcomes: Outcomes, kept: list[str]) -> None:
    for status, count in outcomes.statuses.most_common():
        print(f"{count:8,} {status}")
    print(f"{requests:,} requests: faults {outcomes.faults}, errors with the mark {dict(outcomes.leaks)}, it is kept in {kept}")
    print(
        f"liveness, answered {len(outcomes.liveness_seconds):,} times: {spread(outcomes.liveness_seconds)}; not {outcomes.dead}"
    )
    print(f"who asked was woken late, as the machine is busy: {spread(outcomes.late_seconds)}")
    print("target: no fault in 100,000, the mark nowhere, liveness always below 100 ms")


def spread(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    found = sorted(1000 * each for each in seconds)
    middle, most = found[len(found) // 2], found[int(0.99 * len(found))]
    return f"median {middle:.0f} ms, 99 of 100 within {most:.0f} ms, the longest {found[-1]:.0f} ms"


def fuzz(server: ServerProcess, requests: int, outcomes: Outcomes) -> None:
    """Send all requests from several threads over both protocols, and ask for liveness meanwhile."""
    done = threading.Event()
    probe = threading.Thread(target=ask_liveness, args=(server, done, outcomes))
    probe.start()
    with Progress() as progress, ThreadPoolExecutor(2 * CALLERS) as pool:
        task = progress.add_task("asking", total=requests)

        def ask(send: Send, seed: int) -> None:
            draw = random.Random(seed)
            for _ in range(requests // (2 * CALLERS)):
                outcomes.add(*send(draw))
                progress.advance(task)

        asking = [pool.submit(ask, make(server), seed) for seed in range(CALLERS) for make in (rest_sender, grpc_sender)]
    done.set()
    probe.join()
    for each in asking:
        each.result()


def ask_liveness(server: ServerProcess, done: threading.Event, outcomes: Outcomes) -> None:
    asked = time.perf_counter()
    while not done.wait(PAUSE_SECONDS):
        begin = time.perf_counter()
        outcomes.late_seconds.append(begin - asked - PAUSE_SECONDS)
        try:
            server.get("/v2/health/live").raise_for_status()
        except httpx.HTTPError as error:
            outcomes.dead.append(repr(error))
        else:
            outcomes.liveness_seconds.append(time.perf_counter() - begin)
        asked = time.perf_counter()


def rest_sender(server: ServerProcess) -> Send:
    seeds = [(path, *sent) if isinstance(sent, tuple) else (path, sent, {}) for path, sent, _ in REST.values()]
    seeds += [(PATH, body(), {}), (PATH, body(tensor(shape=[2], data=[MARK, "asthma"])), {})] * 20
    seeds += [(V1, orjson.dumps({"instances": [MARK, {"text": MARK, "site": "north"}]}), {})] * 20
    client = httpx.Client(base_url=server.url, timeout=60)

    def send(draw: random.Random) -> tuple[str, str]:
        path, content, headers = draw.choice(seeds)
        try:
            reply = client.post(path, content=damaged(content, draw), headers=headers)
        except httpx.TransportError as error:
            return repr(error), ""
        return str(reply.status_code), reply.text

    return send


def grpc_sender(server: ServerProcess) -> Send:
    seeds = [message.SerializeToString() for message, _ in GRPC.values()]
    seeds += [with_contents(bytes_contents=[MARK.encode()]).SerializeToString()] * 20
    call = grpc.insecure_channel(server.grpc_target).unary_unary(METHOD)

    def send(draw: random.Random) -> tuple[str, str]:
        try:
            call(damaged(draw.choice(seeds), draw), timeout=60)
        except grpc.RpcError as error:
            return error.code().name, error.details() or ""
        return "OK", ""

    return send


def damaged(content: bytes, draw: random.Random) -> bytes:
    """``content`` with up to three changes, none at all now and then."""
    for _ in range(draw.randrange(4)):
        start = draw.randrange(len(content) + 1)
        end = min(len(content), start + draw.choice((1, 1, 4, 30)))
        put_in = draw.choice((b"", content[start:end] * 2, draw.randbytes(end - start), draw.choice(WORDS)))
        content = content[:start] + put_in + content[end:]
    return content


if __name__ == "__main__":
    main()
