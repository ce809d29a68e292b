"""What a server leaves in the inference log: of answers, of refusals, of its death, and on a disk that is full."""

import hashlib
import hmac
import resource
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from clinical_ner.errors import ConfigError
from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.reading import scan_window
from clinical_ner.inference_log.record import hash_word
from clinical_ner.inference_log.segments import list_segments
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from serving.inference import Annotator, InferenceRequest
from serving.metrics import ServingMetrics
from serving.request_log import LONGEST_NAME, RequestLog, open_request_log
from serving.settings import ServingSettings
from tests.serving.logged_requests import SINCE, FailingTagger, log_options, metric, request_of, rows_in
from tests.serving.server_process import ServerProcess
from tests.serving.transports import GrpcContents, Request, RestJson, Tensor

pytestmark = pytest.mark.slow

KEY = b"a key of enough bytes"


def test_answers_are_logged(model_folder: Path, tmp_path: Path, tagger: Tagger, notes: list[str]) -> None:
    """Each answered note of each transport is a record with what the model said, whatever min_score; refusals are none, and no
    record, file or log line holds a note's words. SIGTERM sends them.
    """
    (tmp_path / "key").write_bytes(KEY + b"\n")
    options = [*log_options(tmp_path), "--inference-log-key-file", str(tmp_path / "key")]
    started = datetime.now(UTC)
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        full = request_of(notes, site=["north"] * len(notes), note_id=[str(n) for n in range(len(notes))])
        replies = [RestJson(server).infer(full), GrpcContents(server).infer(request_of([*notes, ""]))]
        strict = Request(full.inputs, parameters={"min_score": 1}, id="visit-18")
        replies.append(RestJson(server).infer(strict))
        v1 = httpx.post(f"{server.url}/v1/models/clinical-ner:predict", json={"instances": notes}).json()["predictions"]
        assert RestJson(server).infer(Request([Tensor("text", [b"x"], shape=[2])])).status == 400
        assert metric(server, "records_total", tagger) == 4 * len(notes) + 1
        assert metric(server, "waiting_bytes", tagger) > 0
        server.terminate()
        assert server.wait() == 0

    rows = {row["record_id"]: row for row in rows_in(tmp_path)}
    answers = [[each.decode() for each in reply.outputs["record_id"]] for reply in replies]
    answers.append([note["record_id"] for note in v1])
    answered = [record_id for answer in answers for record_id in answer]
    assert sorted(answered) == sorted(rows)
    assert any(row["unknown_hashes"] for row in rows.values())
    for answer in answers:
        for record_id, text in zip(answer, [*notes, ""], strict=False):
            check_row(rows[record_id], text, tagger, started)
    first = rows[answered[0]]
    assert (first["request_id"], first["site"], first["specialty"], first["note_id"]) == ("visit-17", "north", "", "0")
    assert list_segments(tmp_path / "spool") == []
    words = {word for note in notes for word in note.split() if len(word) > 9}
    assert not [word for word in words if word in repr(rows) or word in server.log]


def check_row(row: dict, text: str, tagger: Tagger, started: datetime) -> None:
    """``row`` says of ``text`` what the model does."""
    annotation = tagger.annotate(text)
    names = ("model_name", "model_version", "model_digest", "status")
    assert tuple(row[name] for name in names) == ("clinical-ner", tagger.served_version, tagger.digest, "ok")
    assert row["text_hash"] == hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    assert (row["note_bytes"], row["character_count"]) == (len(text.encode()), len(text))
    counts = ("sentence_count", "token_count", "unknown_count")
    assert [row[name] for name in counts] == [getattr(annotation, name) for name in counts]
    hashes = {hash_word(word, KEY) for word in annotation.unknown_words}
    assert (row["unknown_hashes"], len(row["unknown_hashes"])) == (sorted(hashes), len(annotation.unknown_words))
    assert row["labels"] == [entity.label for entity in annotation.entities]
    assert row["scores"] == [entity.score for entity in annotation.entities]
    assert started <= row["time"] <= datetime.now(UTC)
    assert 0 < row["latency_seconds"] < 60


def test_killed_server_loses_no_answered_record(model_folder: Path, tmp_path: Path, notes: list[str]) -> None:
    """Of servers killed under load, each record id that a caller got is in the log once."""
    answered: list[str] = []
    options = [*log_options(tmp_path), "--inference-log-segment-bytes", "20000", "--inference-log-flush-seconds", "0.2"]
    for number in range(3):
        with ServerProcess(model_folder, tmp_path / "log", *options) as server:
            server.wait_ready()
            caller = threading.Thread(target=call_until_refused, args=(server, notes, answered))
            caller.start()
            time.sleep(0.7 + 0.13 * number)
            server._process.kill()
            caller.join()
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready().terminate()
        assert server.wait() == 0

    reading = scan_window(open_storage(str(tmp_path / "store")), "clinical-ner", SINCE, SINCE + timedelta(days=100_000))
    logged = reading.table["record_id"].to_pylist()
    assert len(answered) > 100
    assert set(answered) - set(logged) == set()
    assert len(logged) == len(set(logged)) <= len(answered) + 3 * len(notes)
    assert list_segments(tmp_path / "spool") == []


def call_until_refused(server: ServerProcess, notes: list[str], answered: list[str]) -> None:
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [len(notes)], "data": notes}]}
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while True:
            try:
                reply = client.post("/v2/models/clinical-ner/infer", json=body).json()
            except httpx.TransportError:
                return
            answered += next(output["data"] for output in reply["outputs"] if output["name"] == "record_id")


def test_stuck_bucket_holds_up_neither_requests_nor_the_end(
    model_folder: Path, tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bucket that accepts connections and never answers, requests are answered, SIGTERM ends in the grace period, and
    the next server sends what was left.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    options = [*log_options(tmp_path), "--inference-log-flush-seconds", "0.1", "--grace-seconds", "2"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with ServerProcess(model_folder, tmp_path / "log", *options, "--inference-log-uri", "s3://silent-bucket") as server:
            server.wait_ready()
            for _ in range(5):
                assert RestJson(server).infer(request_of(["Her asthma."])).status == 200
                time.sleep(0.2)
            assert metric(server, "oldest_unsent_seconds", tagger) > 0.5
            started = time.monotonic()
            server.terminate()
            assert server.wait() == 0
            assert time.monotonic() - started < 10
            assert '"records":5' in next(line for line in server.log.splitlines() if "inference_log_not_sent" in line)
    assert list_segments(tmp_path / "spool")

    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready().terminate()
        assert server.wait() == 0
    assert len(rows_in(tmp_path)) == 5


@pytest.mark.parametrize("required", [True, False])
def test_full_disk(model_folder: Path, tmp_path: Path, tagger: Tagger, notes: list[str], *, required: bool) -> None:
    """On a full disk requests are answered and their records counted lost, or 503 when the log is required; then it heals."""
    options = [*log_options(tmp_path), *(["--inference-log-required"] if required else [])]
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        pid, unlimited = server._process.pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        call = RestJson(server)
        for _ in range(30):
            assert call.infer(request_of(notes)).status == 200
        (live,) = list_segments(tmp_path / "spool")
        # Every file of the server's is full now at the size of the spool's, which its log is far below.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (live.size + 100, unlimited[1]))
        refused = [call.infer(request_of(notes)) for _ in range(3)]
        grpc_refused = GrpcContents(server).infer(request_of(notes))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        assert call.infer(request_of(notes)).status == 200

        assert metric(server, "failures_total", tagger, step="spool") == 4
        assert metric(server, "lost_records_total", tagger, reason="spool-write") == (0 if required else 4 * len(notes))
        assert "records_not_spooled" in server.log
        server.terminate()
        assert server.wait() == 0

    assert [reply.status for reply in refused] == [503 if required else 200] * 3
    assert grpc_refused.status == ("UNAVAILABLE" if required else "OK")
    if required:
        assert "inference log is required" in refused[0].error
    assert len(rows_in(tmp_path)) == 31 * len(notes)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"inference_log_uri": "gopher://x"}, "unknown scheme"),
        ({"inference_log_uri": "s3://some-bucket"}, "AWS_"),
        ({"inference_log_key": "too short"}, "9 bytes; at least 16"),
        ({"inference_log_key_file": "/dev/null"}, "0 bytes; at least 16"),
        ({"inference_log_key_file": "nowhere"}, "nowhere: No such file"),
        ({"inference_log_key_file": "nowhere", "inference_log_key": "a key of enough bytes"}, "give one of them"),
        ({"inference_log_spool": "/dev/null"}, "/dev/null"),
        ({"inference_log_spool_bytes": 1000}, "two segments"),
    ],
)
def test_log_that_cannot_be_opened_is_refused(
    tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch, options: dict, reason: str
) -> None:
    """A wrong setting of the log is an error that says which and why, and never holds the key."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    places = {"inference_log_uri": str(tmp_path / "store"), "inference_log_spool": tmp_path / "spool"}
    settings = ServingSettings(**{**places, **options})

    with pytest.raises(ConfigError, match=reason) as caught:
        open_request_log(settings, tagger.manifest, CollectorRegistry())
    assert "a key of enough" not in str(caught.value)
    assert "too short" not in str(caught.value)


def test_server_without_the_log_it_was_told_to_write_ends(model_folder: Path, tmp_path: Path) -> None:
    """A log that cannot be opened ends the server with status 1 before it is ready."""
    with ServerProcess(model_folder, tmp_path / "log", *log_options(tmp_path), "--inference-log-uri", "gopher://x") as server:
        assert server.wait() == 1
        assert "inference_log_not_opened" in server.log
        assert "unknown scheme" in server.log
        assert '"event":"ready"' not in server.log


def test_failed_requests_and_long_names_are_logged(tmp_path: Path, tagger: Tagger) -> None:
    """A request whose tagging fails leaves a record a note with the error's class; what callers call things is kept in part."""
    storage, registry = open_storage(str(tmp_path / "store")), CollectorRegistry()
    metrics = LogMetrics(registry, tagger.served_version)
    log = InferenceLog(tmp_path / "spool", storage, LogLimits(), metrics, required=False)
    annotator = Annotator(FailingTagger(tagger.manifest), ServingMetrics(registry), RequestLog(log, tagger.manifest, b""))

    with pytest.raises(ValueError, match="fail"):
        annotator.answer(InferenceRequest(["well", "fail"], id="1"))
    annotator.answer(InferenceRequest(["well"], id="x" * 1000, sites=["é" * 1000]))
    annotator.answer(InferenceRequest([]))
    log.close(10)

    failed, also_failed, well = rows_in(tmp_path)
    assert failed["status"] == also_failed["status"] == "ValueError"
    assert (failed["token_count"], failed["labels"], failed["note_bytes"], failed["text_hash"]) == (0, [], 4, "")
    assert (well["status"], well["token_count"]) == ("ok", 2)
    assert (well["request_id"], well["site"]) == ("x" * LONGEST_NAME, "é" * LONGEST_NAME)
