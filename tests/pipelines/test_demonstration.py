"""The demonstration's model server: started, asked, stopped."""

import json
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from clinical_ner.errors import PipelineRunError
from pipelines.demonstration.loop import NOTE
from pipelines.demonstration.server import START_SECONDS, serve


def is_listening(url):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port)) == 0


@pytest.fixture(autouse=True)
def no_draining(monkeypatch):
    """Nobody balances load to a server of a test: it may stop at once."""
    monkeypatch.setenv("CLINICAL_NER_DRAIN_SECONDS", "0")


def ask_and_fail(model_dir, log, answers):
    """Ask a server about the note, leave its address and the spans in ``answers``, and fail while it runs."""
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [NOTE]}]}
    with serve(model_dir, log) as url:
        reply = requests.post(f"{url}/v2/models/clinical-ner/infer", json=body, timeout=30).json()
        outputs = {tensor["name"]: tensor["data"] for tensor in reply["outputs"]}
        spans = [(entity["start"], entity["end"], entity["label"]) for entity in json.loads(outputs["entities"][0])]
        answers.append((url, spans))
        raise KeyError("stop")


def test_serve_answers_and_stops(model_folder, tagger, tmp_path):
    """Inside the context the model answers about a note; after it, even after an error, nobody listens."""
    answers = []
    with pytest.raises(KeyError, match="stop"):
        ask_and_fail(model_folder, tmp_path / "server.log", answers)
    ((url, spans),) = answers
    assert spans == [tuple(found.entity) for found in tagger.annotate(NOTE).entities] != []
    assert not is_listening(url)
    assert (tmp_path / "server.log").stat().st_size > 0


def test_server_that_cannot_load_its_model_is_told_at_once(tmp_path):
    """A folder without a model ends the wait well before its limit; the error names the log, which says why."""
    started = time.monotonic()
    with (
        pytest.raises(PipelineRunError, match=rf"ended with status 1.*{tmp_path}/server\.log"),
        serve(tmp_path, tmp_path / "server.log"),
    ):
        pass
    assert time.monotonic() - started < START_SECONDS
    assert "manifest.json" in (tmp_path / "server.log").read_text()
