"""Several workers of one study, killed, late and in PostgreSQL; and the storages that a study is opened in."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage, JournalStorage

from clinical_ner.errors import ConfigError
from clinical_ner.tuning import (
    best_parameters,
    finished_trials,
    is_shared_between_pods,
    open_study,
    open_study_storage,
    run_trials,
)
from tests.clinical_ner.postgresql import find_programs, running_server
from tests.clinical_ner.quick_studies import ITERATIONS, QuickData, SlowData, search

ROOT = Path(__file__).parents[2]

WORKER = """
import sys, time
from types import SimpleNamespace
from clinical_ner.tuning import open_study, run_trials

def f1(parameters):
    time.sleep(0.15)
    return 0.5 / (1 + parameters.c1)

study = open_study("study", sys.argv[1], seed=int(sys.argv[2]))
print("ready", flush=True)
run_trials(study, SimpleNamespace(f1=f1), n_trials=int(sys.argv[3]), max_iterations=3, count_running=sys.argv[4] == "count",
           progress=lambda line: print(line, flush=True))
"""


def journal(tmp_path):
    return f"journal://{tmp_path / 'new folder' / 'study.log'}"


def start_worker(storage, *, seed, n_trials, count_running):
    arguments = [storage, str(seed), str(n_trials), "count" if count_running else "alone"]
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_complete_study_runs_no_more(tmp_path):
    """A step that runs twice finds its trials done; asked for more, it only adds what is missing."""
    search(journal(tmp_path), n_trials=4)
    data = QuickData()
    assert len(search(journal(tmp_path), n_trials=4, data=data).trials) == 4
    assert data.seen == []
    assert len(search(journal(tmp_path), n_trials=6, data=data).trials) == 6
    assert len(data.seen) == 2


def test_worker_that_joins_later_repeats_no_trial(tmp_path):
    """Started again with the same seed it draws anew, the random start included."""
    for n_trials in (2, 3, 4, 5, 6):
        study = search(journal(tmp_path), n_trials=n_trials, seed=3)
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 6


def test_killed_worker_loses_no_finished_trial(tmp_path):
    """A worker killed in the middle of a trial: what it finished stays, and the next completes the study."""
    storage = journal(tmp_path)
    worker = start_worker(storage, seed=0, n_trials=50, count_running=False)
    lines = [worker.stdout.readline() for _ in range(4)]
    time.sleep(0.1)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert lines[-1].startswith("trial 3/50: strict F1 0.")
    before = finished_trials(open_study("study", storage, seed=0))
    assert len(before) >= 3
    n_trials = len(before) + 3
    after = search(storage, n_trials=n_trials)
    assert finished_trials(after)[: len(before)] == before
    assert len(finished_trials(after)) == n_trials
    assert best_parameters(after, max_iterations=9).max_iterations == 9


def test_two_workers_share_a_study(tmp_path):
    """Both do trials of one study and stop when it is complete, but for what the other was at."""
    check_two_workers(journal(tmp_path))


def check_two_workers(storage, n_trials=12):
    helper = start_worker(storage, seed=0, n_trials=n_trials, count_running=True)
    assert helper.stdout.readline() == "ready\n"
    study = search(storage, seed=1, n_trials=n_trials, data=SlowData(), count_running=True)
    output = helper.communicate(timeout=120)[0]
    assert helper.returncode == 0
    trials = finished_trials(study)
    assert n_trials <= len(trials) <= n_trials + 1
    assert len(study.trials) == len(trials)
    assert 2 <= output.count("trial ") <= n_trials - 2
    assert len({tuple(trial.params.values()) for trial in trials}) >= len(trials) - 1


def test_running_trials_of_others_count_only_for_helpers():
    """A helper leaves what another is at to it; whoever collects does not trust that one to live."""
    study = open_study("study", "", seed=0)
    study.ask()
    study.ask()
    data = QuickData()
    run_trials(study, data, n_trials=2, max_iterations=ITERATIONS, count_running=True)
    assert data.seen == []
    run_trials(study, data, n_trials=2, max_iterations=ITERATIONS)
    assert len(data.seen) == len(finished_trials(study)) == 2


def test_storage_follows_from_its_url(tmp_path):
    """Nothing is memory, journal:// a file whose folder is made; only a database is seen by other machines."""
    assert isinstance(open_study_storage(""), InMemoryStorage)
    assert isinstance(open_study_storage(journal(tmp_path)), JournalStorage)
    assert not is_shared_between_pods("")
    assert not is_shared_between_pods(journal(tmp_path))
    assert is_shared_between_pods("postgresql+psycopg://tuner@database/studies")


@pytest.mark.parametrize(
    ("storage", "problem"),
    [
        ("study.log", "neither journal:///absolute/file nor a database URL"),
        ("journal://study.log", "absolute path"),
        ("journal:///dev/null/study.log", "the journal cannot be opened"),
        ("nosuch://tuner:SECRET@host/db", r"the database cannot be opened \(NoSuchModuleError\)"),
        ("postgresql+psycopg://tuner:SECRET@127.0.0.1:1/db", r"the database cannot be opened \(OperationalError\)"),
        ("sqlite:////nosuch/SECRET/study.db", r"the database cannot be opened \(OperationalError\)"),
    ],
)
def test_storage_that_cannot_be_opened_is_refused(storage, problem):
    """The message names the parameter and the problem, and never shows a password."""
    with pytest.raises(ConfigError, match=f"^study_storage: .*{problem}") as caught:
        open_study_storage(storage)
    assert "SECRET" not in str(caught.value)


def test_workers_share_a_study_in_postgresql():
    """The storage that workers on several machines share: two of them complete one study, and joining again adds nothing."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL server not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path has at most 107 bytes
    try:
        with running_server(programs, folder) as url:
            check_two_workers(url)
            data = QuickData()
            assert search(url, n_trials=12, data=data).best_value > 0.5
            assert data.seen == []
    finally:
        shutil.rmtree(folder)
