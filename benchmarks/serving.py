"""Our server with a real model against an *empty* stock KServe model, in one run: latency over REST, and start to ready.

``python -m benchmarks.serving [--model-dir DIR]``. The peer's ``predict`` returns one constant BYTES element, so it pays for
nothing but KServe; ours tags the note. Rounds are interleaved and ratios are medians over rounds. The targets are p50 and p99
of at most 0.5 times the peer's at 1, 8 and 32 connections, and 1.3 times its start to ready. ``ours, empty note`` is our server
without tagging: what the note itself costs is the difference.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.features import FeatureSpec
from clinical_ner.model_package import write_model_folder
from clinical_ner.tokenization import Tokenizer
from clinical_ner.training import CrfParameters, label_document, train_model

MODEL = "clinical-ner"
TRAIN_NOTES = 200
NOTE_TOKENS = 60
STOCK_PORT, OUR_PORT, GRPC_PORT = 18180, 18181, 18182
START_TIMEOUT_SECONDS = 120

STOCK_SERVER = f"""
import numpy
from kserve import InferOutput, InferResponse, Model, ModelServer

class Empty(Model):
    def __init__(self):
        super().__init__({MODEL!r})
        self.ready = True
    async def predict(self, payload, headers=None, response_headers=None):
        output = InferOutput("entities", [1], "BYTES")
        output.set_data_from_numpy(numpy.array([b"[]"], dtype=object), binary_data=False)
        return InferResponse(payload.id, {MODEL!r}, [output])

ModelServer(http_port={STOCK_PORT}, enable_grpc=False).start([Empty()])
"""


class Latency(NamedTuple):
    """Of one round, in seconds."""

    p50: float
    p99: float


class Contender(NamedTuple):
    name: str
    port: int
    body: bytes


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as folder:
        model_dir = options.model_dir or train(Path(folder) / "model")
        commands = {
            "stock, empty model": ([sys.executable, "-c", STOCK_SERVER], STOCK_PORT),
            "ours, real model": (our_command(model_dir), OUR_PORT),
        }
        report_starts(commands, options.starts)
        with running(*commands["stock, empty model"]), running(*commands["ours, real model"]):
            report_latency(options.rounds, options.requests)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-dir", type=Path, help=f"a model's folder; default: train one on {TRAIN_NOTES} synthetic notes")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of latency for each number of connections")
    parser.add_argument("--requests", type=int, default=1500, help="requests in a round")
    parser.add_argument("--starts", type=int, default=5, help="starts of each server")
    return parser.parse_args()


def train(folder: Path) -> Path:
    tokenizer = Tokenizer()
    notes = synthesize(TRAIN_NOTES, seed=1)
    sentences = [sentence for note in notes for sentence in label_document(note, tokenizer)[0]]
    files = train_model(
        sentences, name=MODEL, parameters=CrfParameters(), spec=FeatureSpec(), datasets={}, provenance={"seed": 1}
    )
    write_model_folder(files, folder)
    return folder


def our_command(model_dir: Path) -> list[str]:
    ports = ["--http-port", str(OUR_PORT), "--grpc-port", str(GRPC_PORT)]
    return [sys.executable, "-m", "serving", "--model-dir", str(model_dir), *ports, "--drain-seconds", "0"]


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[float]:
    """A server that is ready; the value is how long that took, in seconds from its start."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not ready(port):
            if process.poll() is not None or time.perf_counter() - started > START_TIMEOUT_SECONDS:
                raise SystemExit(f"did not start: {command[:3]}")
            time.sleep(0.01)
        yield time.perf_counter() - started
    finally:
        process.kill()
        process.wait()


def ready(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/{MODEL}/ready").status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def report_starts(commands: dict[str, tuple[list[str], int]], starts: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(starts):
        for name, command in commands.items():
            with running(*command) as taken:
                seconds[name].append(taken)
    stock, ours = seconds.values()
    ratio = median(mine / theirs for theirs, mine in zip(stock, ours, strict=True))
    print(f"start to ready, median of {starts}: stock {median(stock):.2f} s, ours {median(ours):.2f} s: {ratio:.2f}x\n")


def report_latency(rounds: int, requests: int) -> None:
    note = next(each.text for each in synthesize(500, seed=7) if abs(token_count(each.text) - NOTE_TOKENS) <= 3)
    contenders = [
        Contender("stock, empty model", STOCK_PORT, request_body(note)),
        Contender("ours, empty note", OUR_PORT, request_body("")),
        Contender("ours, real model", OUR_PORT, request_body(note)),
    ]
    print(f"REST, one note of {token_count(note)} tokens a request, {rounds} interleaved rounds of {requests} requests")
    print(f"{'connections':>11}  {'server':<20}{'p50 us':>9}{'p99 us':>9}{'p50 ratio':>11}{'p99 ratio':>11}")
    for connections in (1, 8, 32):
        results = measure(contenders, connections, rounds, requests)
        stock = results[contenders[0].name]
        for name, latencies in results.items():
            row = [median(each) * 1e6 for each in zip(*latencies, strict=True)]
            ratios = [
                median(mine[number] / theirs[number] for mine, theirs in zip(latencies, stock, strict=True))
                for number in range(2)
            ]
            print(f"{connections:>11}  {name:<20}{row[0]:>9.0f}{row[1]:>9.0f}{ratios[0]:>10.2f}x{ratios[1]:>10.2f}x")


def measure(contenders: Sequence[Contender], connections: int, rounds: int, requests: int) -> dict[str, list[Latency]]:
    results: dict[str, list[Latency]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        asyncio.run(send_all(contender, connections, requests // 4))  # warm
    for _ in range(rounds):
        for contender in contenders:
            seconds = asyncio.run(send_all(contender, connections, requests))
            cuts = quantiles(seconds, n=100)
            results[contender.name].append(Latency(cuts[49], cuts[98]))
    return results


async def send_all(contender: Contender, connections: int, requests: int) -> list[float]:
    """Seconds of each of ``requests`` requests over ``connections`` kept alive, each sending its next when answered."""
    each = max(1, requests // connections)
    return [
        second for seconds in await asyncio.gather(*[send(contender, each) for _ in range(connections)]) for second in seconds
    ]


async def send(contender: Contender, requests: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", contender.port)
    head = f"POST /v2/models/{MODEL}/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    message = f"{head}Content-Length: {len(contender.body)}\r\n\r\n".encode() + contender.body
    seconds = []
    for _ in range(requests):
        started = time.perf_counter()
        writer.write(message)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        seconds.append(time.perf_counter() - started)
    writer.close()
    return seconds


def request_body(text: str) -> bytes:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}
    return json.dumps({"id": "1", "inputs": [tensor]}).encode()


def token_count(text: str) -> int:
    return sum(map(len, Tokenizer().sentences(text)))


if __name__ == "__main__":
    main()
