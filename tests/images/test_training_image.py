"""The whole training pipeline, every stage in a container of the built image."""

from pathlib import Path
from typing import Any

import kfp.local
import pytest

from clinical_ner.pipeline_runs.local import ARTIFACTS, Runner, run_locally
from clinical_ner.pipeline_runs.progress import RunProgress
from clinical_ner.pipeline_runs.results import collect_results
from clinical_ner.registry import Registry
from clinical_ner.storage import open_storage
from tests.images.conftest import RESTRICTED
from tests.pipelines.training_run import SMALL, Approved
from tests.servers.versitygw import VersityGateway

STAGES = {"ingest", "preprocess", "tune", "train", "evaluate", "quality-gate", "register"}


def train(package: Path, registry_uri: str, output: Path, runner: Runner) -> dict[str, Any]:
    """What ``run.json`` holds of one run of the compiled training pipeline."""
    parameters = {**SMALL, "registry_uri": registry_uri}
    progress = RunProgress()
    run_locally(package, parameters, output, progress, runner)
    return collect_results(package, output, parameters, progress.seconds_by_task())


@pytest.mark.slow
def test_training_pipeline_runs_in_containers(
    training_package: Path, s3_server: VersityGateway, s3_uri: str, approved: Approved, tmp_path: Path
) -> None:
    """Unknown user, read-only root, no capability, registry in a bucket: the model is the one of processes, to the bit."""
    writable = tmp_path / "containers" / ARTIFACTS
    writable.mkdir(parents=True)
    writable.chmod(0o777)  # the user of the containers is not the one of this test
    runner = kfp.local.DockerRunner(environment=s3_server.environment, **RESTRICTED)
    in_containers = train(training_package, s3_uri, tmp_path / "containers", runner)
    in_processes = approved.results

    assert set(in_containers["seconds"]) >= STAGES
    assert Path(in_containers["log"]).read_text().count("Found image") >= len(STAGES)
    champion = Registry(open_storage(s3_uri)).champion("clinical-ner")
    assert champion is not None
    assert (champion.version, champion.state) == ("v1", "live")
    assert champion.digest == in_containers["model"]["digest"] == in_processes["model"]["digest"]
    assert in_containers["metrics"] == in_processes["metrics"]
