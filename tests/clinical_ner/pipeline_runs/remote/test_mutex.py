"""Submissions of one key at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinical_ner.errors import PipelineRunError
from clinical_ner.pipeline_runs.remote import SubmitOptions, submit
from clinical_ner.pipeline_runs.remote.creation import Patience, run_id_for
from tests.doubles.kfp_api import Fault, KfpApi

Options = Callable[..., SubmitOptions]
RUNS = "/apis/v2beta1/runs"
CALLERS = 16
QUICK = Patience(settle_seconds=0.05, poll_seconds=0.02)


def mutexes(api: KfpApi) -> list[str]:
    return sorted(each.display_name for each in api.store.experiments.values() if each.display_name.startswith("mutex"))


def test_callers_of_one_key_create_one_workflow(api: KfpApi, options: Options, package_path: Path) -> None:
    """Of 16 at once, with a slow create, one creates and all get that run."""
    api.faults.append(Fault("POST", RUNS, delay_seconds=0.3, times=CALLERS))
    with ThreadPoolExecutor(CALLERS) as pool:
        runs = list(pool.map(lambda _: submit(package_path, {}, options(key="k", request_seconds=30)), range(CALLERS)))
    assert api.store.workflows == [run_id_for("k")]
    assert {run.run_id for run in runs} == {run_id_for("k")}
    assert sum(run.created for run in runs) == 1
    assert mutexes(api) == [f"mutex-{run_id_for('k')}-1"]


def test_submission_without_key_takes_no_mutex(api: KfpApi, options: Options, package_path: Path) -> None:
    """What nobody can repeat needs none."""
    submit(package_path, {}, options())
    assert not mutexes(api)


def test_clear_refusal_gives_the_mutex_back(api: KfpApi, options: Options, package_path: Path) -> None:
    """After a missing right was granted, the same key works at once."""
    api.faults.append(Fault("POST", RUNS, status=403))
    with pytest.raises(PipelineRunError, match="no right"):
        submit(package_path, {}, options(key="k"))
    assert not mutexes(api)
    assert submit(package_path, {}, options(key="k", request_seconds=1000)).created
    assert len(api.store.workflows) == 1


def test_holder_that_died_is_waited_for_and_followed(api: KfpApi, options: Options, package_path: Path) -> None:
    """A mutex without a run, as a killed caller leaves it, delays the next one and does not block it."""
    first = options(key="k")
    api.faults.append(Fault("POST", RUNS, status=403))
    api.faults.append(Fault("DELETE", "/experiments/", status=503))
    with pytest.raises(PipelineRunError, match="no right"):
        submit(package_path, {}, first)
    run = submit(package_path, {}, options(key="k", patience=QUICK, request_seconds=0.3))
    assert run.created
    assert len(api.store.workflows) == 1
    assert mutexes(api) == [f"mutex-{run_id_for('k')}-{number}" for number in (1, 2)]


def test_lost_reply_to_the_mutex_is_looked_up(api: KfpApi, options: Options, package_path: Path) -> None:
    """The mutex was taken and the reply lost: its own name in it tells the caller."""
    submit(package_path, {}, options())  # the experiment of the runs is there
    api.faults.append(Fault("POST", "/experiments", status=0, carry_out=True))
    assert submit(package_path, {}, options(key="k")).created
    assert len(api.store.workflows) == 2
