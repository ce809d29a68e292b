"""A log over a folder store, and what it counts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clinical_ner.inference_log.log import InferenceLog, LogLimits
from clinical_ner.inference_log.metrics import LogMetrics
from clinical_ner.inference_log.shipping import Shipper
from clinical_ner.inference_log.spool import Spool
from tests.clinical_ner.inference_log.records import VERSION, SwitchedStorage


@pytest.fixture
def storage(tmp_path: Path) -> SwitchedStorage:
    return SwitchedStorage(tmp_path / "store")


@pytest.fixture
def spool_folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> LogMetrics:
    return LogMetrics(registry, VERSION)


@pytest.fixture
def counted(registry: CollectorRegistry) -> Callable[..., float]:
    """``counted("lost_records_total", reason="damaged")``: a metric's value."""

    def value(name: str, **labels: str) -> float:
        return registry.get_sample_value(f"clinical_ner_log_{name}", {"model_version": VERSION, **labels})

    return value


@pytest.fixture
def open_log(storage: SwitchedStorage, spool_folder: Path, metrics: LogMetrics) -> Iterator[Callable[..., InferenceLog]]:
    """Opens a log on the test's spool and store; logs that the test leaves open are closed after it."""
    logs: list[InferenceLog] = []

    def open_one(*, required: bool = False, **limits: float) -> InferenceLog:
        logs.append(InferenceLog(spool_folder, storage, LogLimits(**limits), metrics, required=required))
        return logs[-1]

    yield open_one
    storage.down = False
    storage.free.set()
    for log in logs:
        log.close(10)


@pytest.fixture
def spool(spool_folder: Path, metrics: LogMetrics) -> Spool:
    return Spool(spool_folder, cap_bytes=2**20, segment_bytes=2**16, metrics=metrics)


@pytest.fixture
def shipper(spool: Spool, storage: SwitchedStorage, metrics: LogMetrics) -> Shipper:
    """One whose thread is not started: the test sends."""
    return Shipper(spool, storage, metrics, flush_seconds=0)
