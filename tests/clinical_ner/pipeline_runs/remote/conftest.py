"""The real training pipeline, compiled, and an API to submit it to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clinical_ner.pipeline_runs.remote import SubmitOptions
from clinical_ner.pipeline_runs.remote.creation import Patience
from clinical_ner.pipeline_runs.remote.scheduling import Plan, Scheduled, schedule
from pipelines.compilation import compile_pipeline
from pipelines.platform import Platform
from tests.clinical_ner.pipeline_runs.remote.schedules import HOURLY, Options, Plans
from tests.doubles.kfp_api import KfpApi, running_kfp_api

SERVICE_ACCOUNT = "trainer"


@pytest.fixture(scope="session")
def package_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "training.yaml"
    compile_pipeline(path, Platform(image="python-clinical-ner:0.1.0", service_account=SERVICE_ACCOUNT))
    return path


@pytest.fixture(scope="session")
def changed_package_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("changed") / "training.yaml"
    compile_pipeline(path, Platform(image="python-clinical-ner:0.2.0"))
    return path


@pytest.fixture
def api() -> Iterator[KfpApi]:
    with running_kfp_api() as running:
        yield running


@pytest.fixture
def options(api: KfpApi, tmp_path: Path) -> Callable[..., SubmitOptions]:
    """Options for ``api`` that wait for nothing longer than a moment."""

    def build(**changes: object) -> SubmitOptions:
        defaults: dict[str, object] = {
            "host": api.host,
            "token_file": tmp_path / "no-token",
            "request_seconds": 5,
            "patience": Patience(settle_seconds=0.2, poll_seconds=0.02),
        }
        return SubmitOptions(**{**defaults, **changes})  # type: ignore[arg-type]

    return build


@pytest.fixture
def hourly(options: Options, package_path: Path) -> Plans:
    """``hourly(arguments, **plan)``: schedule the training each hour as "nightly", unless ``plan`` says otherwise."""

    def build(arguments: dict[str, object] | None = None, /, package: Path = package_path, **plan: object) -> Scheduled:
        chosen = {"name": "nightly", "trigger": HOURLY, **plan}
        return schedule(package, arguments or {}, Plan(**chosen), options())  # type: ignore[arg-type]

    return build
