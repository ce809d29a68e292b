"""What the inference log costs a request: our server with the log against the same server without, in one run.

``python -m benchmarks.inference_log [--model-dir DIR]``. Four servers answer in interleaved rounds: without a log, with one on
a folder store that is sent to every second, with one on a bucket that accepts connections and never answers, and with the
first that also draws 5 % of the notes for review. Ratios are medians over rounds against the server without. The target is a
p99 of at most 1.1 times its with the log on either store; there is none for the de-identification of samples.
"""

import argparse
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.serving import NOTE_TOKENS, Contender, Latency, measure, request_body, running, token_count, train
from clinical_ner.corpora.synthetic import synthesize

FIRST_PORT = 18190
WITHOUT, FOLDER, STUCK, REVIEW = "without a log", "log, folder store", "log, stuck bucket", "log, 5 % reviewed"
P99_LIMIT = 1.1


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory() as name, silent_server() as endpoint, ExitStack() as servers:
        folder = Path(name)
        os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="nobody", AWS_SECRET_ACCESS_KEY="nothing")
        model_dir = options.model_dir or train(folder / "model")
        logs = {
            WITHOUT: [],
            FOLDER: log_options(folder, "folder", str(folder / "store")),
            STUCK: log_options(folder, "stuck", "s3://stuck-bucket"),
            REVIEW: [*log_options(folder, "review", str(folder / "review")), "--review-uniform-probability", "0.05"],
        }
        contenders = []
        note = next(each.text for each in synthesize(500, seed=7) if abs(token_count(each.text) - NOTE_TOKENS) <= 3)
        for number, (contender, extra) in enumerate(logs.items()):
            port = FIRST_PORT + 2 * number
            servers.enter_context(running(server_command(model_dir, port, extra), port))
            contenders.append(Contender(contender, port, request_body(note)))
        print(
            f"REST, one note of {token_count(note)} tokens a request, {options.rounds} interleaved rounds of {options.requests}"
        )
        report(contenders, options.connections, options.rounds, options.requests)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-dir", type=Path, help="a model's folder; default: train one on synthetic notes")
    parser.add_argument("--rounds", type=int, default=11, help="rounds for each number of connections")
    parser.add_argument("--requests", type=int, default=3000, help="requests in a round")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32], help="numbers of connections")
    return parser.parse_args()


@contextmanager
def silent_server() -> Iterator[str]:
    """The address of a server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def log_options(folder: Path, name: str, uri: str) -> list[str]:
    spool = ["--inference-log-spool", str(folder / f"{name}-spool"), "--inference-log-flush-seconds", "1"]
    return ["--inference-log-uri", uri, *spool, "--inference-log-key", "a key of the benchmark's"]


def server_command(model_dir: Path, port: int, extra: Sequence[str]) -> list[str]:
    ports = ["--http-port", str(port), "--grpc-port", str(port + 1), "--drain-seconds", "0"]
    return [sys.executable, "-m", "serving", "--model-dir", str(model_dir), *ports, *extra]


def report(contenders: Sequence[Contender], connections: Sequence[int], rounds: int, requests: int) -> None:
    print(f"{'connections':>11}  {'server':<20}{'p50 us':>9}{'p99 us':>9}{'p50 ratio':>11}{'p99 ratio':>11}")
    worst = 0.0
    for number in connections:
        results = measure(contenders, number, rounds, requests)
        for name, latencies in results.items():
            p50, p99 = (median(column) * 1e6 for column in zip(*latencies, strict=True))
            ratios = ratios_to(results[WITHOUT], latencies)
            worst = worst if name == REVIEW else max(worst, ratios.p99)
            print(f"{number:>11}  {name:<20}{p50:>9.0f}{p99:>9.0f}{ratios.p50:>10.2f}x{ratios.p99:>10.2f}x")
    print(f"worst p99 ratio {worst:.2f}x, at most {P99_LIMIT}x wanted: {'met' if worst <= P99_LIMIT else 'NOT met'}")


def ratios_to(base: Sequence[Latency], latencies: Sequence[Latency]) -> Latency:
    """Medians over rounds of the ratios of p50 and p99."""
    columns = zip(
        *[[mine / theirs for mine, theirs in zip(*pair, strict=True)] for pair in zip(latencies, base, strict=True)],
        strict=True,
    )
    return Latency(*map(median, columns))


if __name__ == "__main__":
    main()
