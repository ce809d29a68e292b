"""One run of the stages on synthetic notes, which tests read, and each stage to run once more."""

import shutil
from functools import partial

import pytest

from tests.clinical_ner.stages.monitored import (
    END,
    SHIFT,
    SHIFTED_END,
    answer_two_days,
    make_live,
    run_collect,
    run_drift_report,
)
from tests.clinical_ner.stages.stage_runs import run_evaluate, run_gate, run_ingest, run_preprocess, run_register, run_train


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A run of every stage up to the gate on 100 notes, none registered; tests only read it."""
    folder = tmp_path_factory.mktemp("finished")
    run = run_ingest(folder, folder / "registry", "synthetic://?notes=100&seed=0")
    run_preprocess(run)
    run_train(run)
    run_evaluate(run)
    assert run_gate(run) == "approve"
    return run


@pytest.fixture(scope="session")
def champion(finished):
    """A registry, not the run's own, in which the finished run's model is live; it holds the run's dataset too."""
    registry = finished.folder / "champions"
    run_ingest(finished.folder / "again", registry, "synthetic://?notes=100&seed=0")
    run_register(finished, registry)
    return registry


@pytest.fixture
def stages(finished, tmp_path):
    """Each stage of the finished run once more, by name, into a folder of its own; they take what is to be different."""
    run = finished.into(tmp_path / "artifacts")
    return {
        "ingest": partial(run_ingest, run.folder, tmp_path / "registry", "synthetic://?notes=100&seed=0"),
        "preprocess": partial(run_preprocess, run),
        "train": partial(run_train, run, finished.folder),
        "evaluate": partial(run_evaluate, run, finished.folder),
        "quality_gate": partial(run_gate, run, finished.folder),
    }


@pytest.fixture(scope="session")
def monitored(finished, tmp_path_factory):
    """URI of a registry and log: a live version, two days of ordinary notes up to END and of shifted ones to SHIFTED_END."""
    registry_uri = make_live(finished, tmp_path_factory.mktemp("monitored"))
    answer_two_days(registry_uri, 120, end=END)
    answer_two_days(registry_uri, 120, SHIFT, end=SHIFTED_END)
    return registry_uri


@pytest.fixture(scope="session")
def compared_once(monitored, tmp_path_factory):
    """A folder with two shifted windows, judged; tests only read it. Evidently takes half a second each time."""
    folder = tmp_path_factory.mktemp("compared")
    run_collect(monitored, folder, SHIFTED_END)
    run_drift_report(monitored, folder)
    return folder


@pytest.fixture
def compared(compared_once, tmp_path):
    """The same in a folder of the test's own."""
    return shutil.copytree(compared_once, tmp_path, dirs_exist_ok=True)
