"""What a server leaves for review: of answers, through outages of the store, and when it cannot sample at all."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from clinical_ner.errors import ConfigError, SpoolError
from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.review import ReviewSample, SamplingPlan
from clinical_ner.review.store import read_samples
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Tagger
from serving.inference import Annotator, InferenceRequest
from serving.metrics import ServingMetrics
from serving.request_log import RequestLog
from serving.review import open_review
from serving.settings import ServingSettings
from tests.servers.versitygw import VersityGateway
from tests.serving.logged_requests import FailingTagger, log_options, request_of, rows_in
from tests.serving.server_process import ROOT, ServerProcess, free_ports, wait_until
from tests.serving.test_observability import series
from tests.serving.transports import GrpcContents, RestJson

pytestmark = pytest.mark.slow

KEY = "a key of enough bytes"
EVERY_NOTE = ("--review-uniform-probability", "1")
IDENTIFIED = "Dr. Zebulon Trask (MRN 4471902, phone 555-867-5309) treats her asthma with metformin."
IDENTIFIERS = ("Zebulon", "Trask", "4471902", "867-5309")


def samples_in(uri: str) -> dict[str, ReviewSample]:
    """Every sample in the store, by record id."""
    reading = read_samples(open_storage(uri), "clinical-ner")
    assert (reading.duplicates, reading.rejected) == (0, ())
    return {sample.record_id: sample for sample in reading.samples}


def counted(server: ServerProcess, name: str, tagger: Tagger, **labels: str) -> float:
    wanted = tuple(sorted({**labels, "model_version": tagger.served_version}.items()))
    return series(server)[f"clinical_ner_review_{name}", wanted]


def test_answers_of_every_transport_become_samples(
    model_folder: Path, tmp_path: Path, tagger: Tagger, notes: list[str], s3_uri: str
) -> None:
    """With probability 1 each answered note is in the S3 store under its reply's and its log record's id, with what the model
    found, whatever min_score, at the new places, and none of its identifiers is in the store or the server's log.
    """
    options = [*log_options(tmp_path), "--review-samples-uri", s3_uri, *EVERY_NOTE]
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        assert counted(server, "lost_samples_total", tagger, reason="not-stored") == 0
        rest = RestJson(server).infer(request_of([IDENTIFIED, *notes, " "], site=["north"] * (len(notes) + 2)))
        grpc = GrpcContents(server).infer(request_of([IDENTIFIED]))
        strict = {"instances": [IDENTIFIED], "parameters": {"min_score": 1}}
        v1 = httpx.post(f"{server.url}/v1/models/clinical-ner:predict", json=strict).json()
        wait_until(lambda: counted(server, "samples_total", tagger, stratum="uniform") == len(notes) + 3)
        server.terminate()
        assert server.wait() == 0

    samples, rows = samples_in(s3_uri), {row["record_id"]: row for row in rows_in(tmp_path)}
    by_rest = [each.decode() for each in rest.outputs["record_id"]]
    answered = [*by_rest[:-1], grpc.outputs["record_id"][0].decode(), v1["predictions"][0]["record_id"]]
    assert sorted(samples) == sorted(answered)
    assert sorted(rows) == sorted([*answered, by_rest[-1]])
    for record_id, text in zip(answered, [IDENTIFIED, *notes, IDENTIFIED, IDENTIFIED], strict=True):
        check_sample(samples[record_id], rows[record_id], text, tagger)
    assert "asthma" in samples[answered[0]].text
    assert samples[answered[0]].site == "north"
    stored = repr(samples.values()) + "".join(sample.text for sample in samples.values()) + repr(rows)
    assert not [each for each in IDENTIFIERS if each in stored or each in server.log]
    assert "asthma" not in server.log


def check_sample(sample: ReviewSample, row: dict, text: str, tagger: Tagger) -> None:
    """``sample`` is of the note ``text``, says of it what the model does, and agrees with its record in the log."""
    annotation = tagger.annotate(text)
    assert (sample.stratum, sample.probability) == ("uniform", 1.0)
    assert (sample.time, sample.model_version, sample.model_digest) == (row["time"], tagger.served_version, tagger.digest)
    assert len(sample.entities) + sample.dropped_entities == len(annotation.entities) == len(row["labels"])
    found = [(text[each.start : each.end], each.label, each.score) for each in annotation.entities]
    moved = [(sample.text[each.start : each.end], each.label, each.score) for each in sample.entities]
    assert [each for each in found if each in moved] == moved


def test_strata_and_probabilities_are_recorded(model_folder: Path, tmp_path: Path, notes: list[str]) -> None:
    """Exactly the notes that the plan draws by the log's key are stored, in the log's own store, each with its stratum and the
    probability of that.
    """
    (tmp_path / "key").write_text(KEY)
    plan = SamplingPlan(0.3, 0.5, 0.99, KEY.encode())
    options = [*log_options(tmp_path), "--inference-log-key-file", str(tmp_path / "key")]
    options += ["--review-uniform-probability", "0.3", "--review-low-confidence-probability", "0.5"]
    options += ["--review-low-confidence-threshold", "0.99"]
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        for _ in range(12):
            assert RestJson(server).infer(request_of(notes)).status == 200
        server.terminate()
        assert server.wait() == 0

    draws = {row["record_id"]: plan.draw(row["record_id"], row["scores"]) for row in rows_in(tmp_path)}
    samples = samples_in(str(tmp_path / "store"))
    drawn = {record_id: draw for record_id, draw in draws.items() if draw is not None}
    assert {record_id: (sample.stratum, sample.probability) for record_id, sample in samples.items()} == drawn
    assert {draw.probability for draw in drawn.values()} == {0.3, 0.7 * 0.5}
    assert len(drawn) < len(draws) == 12 * len(notes)


def test_store_that_is_down_costs_samples_and_nothing_else(
    model_folder: Path, tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nobody at the store's address every request is answered and logged, what does not fit into memory is counted,
    SIGTERM ends in the grace period and says how many samples went with the server, and no log line holds a note's words.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    options = [*log_options(tmp_path), "--review-samples-uri", "s3://nowhere", *EVERY_NOTE, "--grace-seconds", "2"]
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        call, started = RestJson(server), time.monotonic()
        for _ in range(20):
            assert call.infer(request_of([IDENTIFIED] * 20)).status == 200
        assert time.monotonic() - started < 10
        lost = counted(server, "lost_samples_total", tagger, reason="queue-full")
        assert 400 - 256 - 2 <= lost <= 400 - 256
        wait_until(lambda: "review_sample_not_stored" in server.log)
        started = time.monotonic()
        server.terminate()
        assert server.wait() == 0
        assert time.monotonic() - started < 15
        left = next(line for line in server.log.splitlines() if "review_samples_lost" in line)

    assert f'"notes":{400 - int(lost)}' in left
    assert len(rows_in(tmp_path)) == 400
    assert not [word for word in (*IDENTIFIERS, "asthma") if word in server.log]


def test_samples_wait_for_a_store_that_comes_back(
    model_folder: Path, tmp_path: Path, tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples drawn while a real S3 server was dead are in it when it is back."""
    gateway = VersityGateway(tmp_path / "s3")
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    gateway.make_bucket("review-bucket")
    options = ["--review-samples-uri", "s3://review-bucket", *EVERY_NOTE, "--drain-seconds", "0"]
    with ServerProcess(model_folder, tmp_path / "log", *options) as server:
        server.wait_ready()
        reply = RestJson(server).infer(request_of([IDENTIFIED, IDENTIFIED]))
        wait_until(lambda: "review_sample_not_stored" in server.log)
        gateway.start()
        try:
            wait_until(lambda: counted(server, "samples_total", tagger, stratum="uniform") == 2)
            assert sorted(samples_in("s3://review-bucket")) == sorted(each.decode() for each in reply.outputs["record_id"])
        finally:
            gateway.kill()


def test_missing_package_is_named_with_its_extra(model_folder: Path, tmp_path: Path) -> None:
    """Without Presidio a server told to sample ends with status 1 before it is ready; one that is not needs none."""
    script = ("-m", "tests.serving.server_without_presidio")
    options = ["--review-samples-uri", str(tmp_path / "store"), *EVERY_NOTE]
    with ServerProcess(model_folder, tmp_path / "log", *options, script=script) as server:
        assert server.wait() == 1
        assert "review_samples_not_opened" in server.log
        assert "'presidio_analyzer'; install clinical-ner[serve]" in server.log
        assert '"event":"ready"' not in server.log

    with ServerProcess(model_folder, tmp_path / "log", script=script) as server:
        assert RestJson(server.wait_ready()).infer(request_of([IDENTIFIED])).status == 200


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "--review-samples-uri or --inference-log-uri"),
        ({"review_samples_uri": "gopher://x"}, "unknown scheme"),
        ({"review_samples_uri": "somewhere", "inference_log_key": "too short"}, "9 bytes; at least 16"),
    ],
)
def test_sampler_that_cannot_be_opened_is_refused(tagger: Tagger, options: dict, reason: str) -> None:
    """A wrong setting is an error that says which, and never holds the key."""
    settings = ServingSettings(**options, review_low_confidence_probability=0.1)
    with pytest.raises(ConfigError, match=reason) as caught:
        open_review(settings, tagger.manifest, CollectorRegistry())
    assert "too short" not in str(caught.value)


@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan", "often"])
def test_share_that_is_none_is_a_wrong_option(model_folder: Path, tmp_path: Path, value: str) -> None:
    """A probability outside 0 to 1 ends the server with status 2 and the option's name."""
    with ServerProcess(model_folder, tmp_path / "log", f"--review-uniform-probability={value}") as server:
        assert server.wait() == 2
        assert "--review-uniform-probability" in server.log


def test_server_that_samples_nothing_imports_nothing_for_it() -> None:
    """With both probabilities 0 there is no sampler, and Presidio is not imported."""
    script = (
        "import sys\n"
        "import serving.server\n"
        "from serving.review import open_review\n"
        "from serving.settings import ServingSettings\n"
        "assert open_review(ServingSettings(review_samples_uri='x'), None, None) is None\n"
        "assert not {'presidio_analyzer', 'clinical_ner.review.sampler'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_only_answered_notes_are_samples(tmp_path: Path, tagger: Tagger) -> None:
    """A note whose tagging failed, or that could not be logged and had to be, is not sampled; an answered one beside it is."""
    registry, uri = CollectorRegistry(), str(tmp_path / "store")
    settings = ServingSettings(review_samples_uri=uri, review_uniform_probability=1)
    review = open_review(settings, tagger.manifest, registry)
    metrics = LogMetrics(registry, tagger.served_version)
    log = InferenceLog(tmp_path / "spool", open_storage(uri), LogLimits(), metrics, required=True)
    log_of_all = RequestLog(log, tagger.manifest, b"")
    annotator = Annotator(FailingTagger(tagger.manifest), ServingMetrics(registry), log_of_all, review)

    with pytest.raises(ValueError, match="fail"):
        annotator.answer(InferenceRequest(["well", "fail"]))
    answered = annotator.answer(InferenceRequest(["well"], sites=["é" * 1000]))
    log.close(10)
    (tmp_path / "spool").rename(tmp_path / "gone")
    with pytest.raises(SpoolError):
        annotator.answer(InferenceRequest(["well"]))
    review.close(10)

    assert list(samples_in(uri)) == list(answered.record_ids)
    assert samples_in(uri)[answered.record_ids[0]].site == "é" * 256
