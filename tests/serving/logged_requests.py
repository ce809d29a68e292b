"""Requests to a server that keeps an inference log, and what is in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinical_ner.inference_log.reading import read_window
from clinical_ner.model_package import Manifest
from clinical_ner.storage import open_storage
from clinical_ner.tagger import Annotation, Tagger
from tests.serving.server_process import ServerProcess
from tests.serving.test_observability import series
from tests.serving.transports import Request, Tensor

SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def log_options(folder: Path) -> list[str]:
    """The options of a server that logs into a folder and stops at once."""
    return [
        "--inference-log-uri",
        str(folder / "store"),
        "--inference-log-spool",
        str(folder / "spool"),
        "--drain-seconds",
        "0",
    ]


def rows_in(folder: Path) -> list[dict]:
    """Every record in the folder's store, in order of time."""
    return read_window(open_storage(str(folder / "store")), "clinical-ner", SINCE, SINCE + timedelta(days=100_000)).to_pylist()


def request_of(texts: Sequence[str], **columns: Sequence[str]) -> Request:
    columns = {"text": texts, **columns}
    return Request([Tensor(name, [value.encode() for value in values]) for name, values in columns.items()], id="visit-17")


def metric(server: ServerProcess, name: str, tagger: Tagger, **labels: str) -> float:
    return series(server)[f"clinical_ner_log_{name}", tuple(sorted({**labels, "model_version": tagger.served_version}.items()))]


class FailingTagger:
    """Finds nothing in notes, and fails at the one that says so."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def annotate(self, text: str) -> Annotation:
        if text == "fail":
            raise ValueError(text)
        return Annotation((), 1, 2, 1)

    def explain(self, text: str, entities: Sequence[object]) -> list[object]:
        return []
