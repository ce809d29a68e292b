"""Servers killed under load while their log's bucket goes up and down: what was answered is in the log, once.

``python -m benchmarks.log_kills [--kills 50]`` kills the real server (SIGKILL) that often, each time under four callers and
after another 0.3 to 1.2 seconds, over one spool folder. The bucket is a real S3 server (``versitygw`` on the path), killed in
every other round and started again in the next. Then one server sends what is left, and the log is read. Exits with 1 when a
record id that a caller got is missing, or stands twice after reading.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.progress import track

from benchmarks.serving import MODEL, ready, train
from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.storage import open_storage
from tests.servers.versitygw import VersityGateway

PORT, GRPC_PORT = 18290, 18291
CALLERS, NOTES_A_REQUEST = 4, 3
BUCKET = "inference-log"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    kills = parser.parse_args().kills
    started, answered = datetime.now(UTC), list[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gateway = VersityGateway(folder / "s3")
        gateway.make_bucket(BUCKET)
        os.environ.update(gateway.environment)
        command = server_command(train(folder / "model"), folder / "spool")
        random_seconds = random.Random(0)
        for number in track(range(kills), "killing"):
            kill_one(command, gateway, number, random_seconds.uniform(0.3, 1.2), answered)
        if not kills % 2:
            gateway.start()
        send_the_rest(command)
        reading = scan_window(open_storage(f"s3://{BUCKET}"), MODEL, started, datetime.now(UTC) + timedelta(hours=1))
        gateway.kill()
    logged = reading.table["record_id"].to_pylist()
    lost, twice = len(set(answered) - set(logged)), len(logged) - len(set(logged))
    print(f"{kills} kills, {len(answered):,} records of answered requests, {len(logged):,} records in the log")
    print(f"lost {lost}, twice after reading {twice}, {reading.duplicates} duplicates left out in reading")
    sys.exit(bool(lost or twice))


def server_command(model_dir: Path, spool: Path) -> list[str]:
    options = ["--http-port", str(PORT), "--grpc-port", str(GRPC_PORT), "--drain-seconds", "0"]
    options += ["--inference-log-uri", f"s3://{BUCKET}", "--inference-log-spool", str(spool)]
    options += ["--inference-log-flush-seconds", "0.2", "--inference-log-segment-bytes", "65536"]
    return [sys.executable, "-m", "serving", "--model-dir", str(model_dir), *options]


def kill_one(command: list[str], gateway: VersityGateway, number: int, seconds: float, answered: list[str]) -> None:
    """One server's life; the bucket goes up in the middle of an even one's load and down in the middle of an odd one's."""
    with running(command) as server:
        callers = [threading.Thread(target=call_until_refused, args=(caller, answered)) for caller in range(CALLERS)]
        for caller in callers:
            caller.start()
        time.sleep(seconds / 2)
        gateway.kill() if number % 2 else gateway.start()
        time.sleep(seconds / 2)
        server.kill()
        for caller in callers:
            caller.join()


def running(command: list[str]) -> "subprocess.Popen[bytes]":
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not ready(PORT):
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        time.sleep(0.05)
    return server


def call_until_refused(caller: int, answered: list[str]) -> None:
    notes = [note.text for note in synthesize(NOTES_A_REQUEST, seed=caller)]
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(notes)], "data": notes}]}
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=30) as client:
        while True:
            try:
                reply = client.post(f"/v2/models/{MODEL}/infer", json=body).json()
            except httpx.TransportError:
                return
            answered += next(output["data"] for output in reply["outputs"] if output["name"] == "record_id")


def send_the_rest(command: list[str]) -> None:
    with running(command) as server:
        server.terminate()
        if server.wait():
            raise SystemExit("the last server did not end well")


if __name__ == "__main__":
    main()
