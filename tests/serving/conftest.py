"""Servers that tests of one session share; each is a real process on real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clinical_ner.corpora.synthetic import synthesize
from clinical_ner.tagger import Tagger
from tests.serving.server_process import ServerProcess

MAX_NOTES = 8
MAX_NOTE_BYTES = 4096
MAX_BODY_BYTES = 65536


@pytest.fixture(scope="session")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A ready server with small limits; it must survive every test that uses it."""
    limits = ("--max-notes", str(MAX_NOTES), "--max-note-bytes", str(MAX_NOTE_BYTES), "--max-body-bytes", str(MAX_BODY_BYTES))
    log = tmp_path_factory.mktemp("serving") / "server.log"
    with ServerProcess(model_folder, log, *limits) as process:
        yield process.wait_ready()
        assert process.running, process.log


@pytest.fixture(scope="session")
def roomy_server(model_folder: Path, tagger: Tagger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A ready server with the limits that it has by default, told the digest of its model."""
    log = tmp_path_factory.mktemp("serving") / "server.log"
    with ServerProcess(model_folder, log, "--model-digest", tagger.digest) as process:
        yield process.wait_ready()
        assert process.running, process.log


@pytest.fixture(scope="session")
def notes() -> list[str]:
    """Notes that the model was not trained on."""
    return [document.text for document in synthesize(6, seed=4242)]
