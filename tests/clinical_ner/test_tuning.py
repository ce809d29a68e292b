import math
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.trial import TrialState

from clinical_ner.documents import Document, Entity
from clinical_ner.errors import ConfigError, TooLittleData
from clinical_ner.features import FeatureSpec
from clinical_ner.training import CrfParameters, label_document
from clinical_ner.tuning import (
    STARTUP_TRIALS,
    TuningData,
    best_parameters,
    finished_trials,
    is_shared_between_pods,
    open_study,
    open_study_storage,
    run_trials,
    study_name,
    suggest_parameters,
)
from tests.clinical_ner.postgresql import find_programs, running_server

ROOT = Path(__file__).parents[2]
ITERATIONS = 3
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


class SlowData:
    """A response surface with its best at c1 = c2 = 0.03, 0.15 s a trial: tests of workers need no model."""

    def f1(self, parameters):
        time.sleep(0.15)
        return surface(parameters)


class QuickData:
    """The same at once; counts its trials."""

    def __init__(self):
        self.seen = []

    def f1(self, parameters):
        self.seen.append(parameters)
        return surface(parameters)


def surface(parameters):
    distance = abs(math.log10(parameters.c1 / 0.03)) + abs(math.log10(parameters.c2 / 0.03))
    return max(0.0, 0.9 - 0.1 * distance - 0.01 * parameters.min_freq)


def search(storage="", *, seed=0, n_trials=8, data=None, **options):
    study = open_study("study", storage, seed=seed)
    run_trials(study, data or QuickData(), n_trials=n_trials, max_iterations=ITERATIONS, **options)
    return study


def journal(tmp_path):
    return f"journal://{tmp_path / 'new folder' / 'study.log'}"


def start_worker(storage, *, seed, n_trials, count_running):
    arguments = [storage, str(seed), str(n_trials), "count" if count_running else "alone"]
    return subprocess.Popen([sys.executable, "-c", WORKER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def values_of(study):
    return [(trial.params, trial.value) for trial in study.trials]


@pytest.fixture(scope="module")
def tuning_data(labelled_sentences):
    return TuningData(labelled_sentences[:300], labelled_sentences[300:450], FeatureSpec(groups=("word", "affix")))


def test_same_seed_gives_the_same_trials(tuning_data):
    """One worker with real training: parameters and scores repeat exactly; another seed tries others."""
    runs = []
    for seed in (1, 1, 2):
        study = open_study("study", "", seed=seed)
        run_trials(study, tuning_data, n_trials=7, max_iterations=20)
        runs.append(values_of(study))
    assert runs[0] == runs[1] != runs[2]
    assert len({value for _, value in runs[0]}) > 2
    assert all(0 <= value <= 1 for _, value in runs[0])
    assert max(value for _, value in runs[0]) > 0.2


def test_first_trial_is_the_defaults():
    """Tuning never does worse on the development part than no tuning."""
    study = search(n_trials=3)
    defaults = CrfParameters()
    assert study.trials[0].params == {"c1": defaults.c1, "c2": defaults.c2, "min_freq": defaults.min_freq, "entity_bias": 0.5}
    assert sum(trial.params == study.trials[0].params for trial in study.trials) == 1


def test_parameters_stay_within_the_space():
    """Penalties from 0.001 to 2 on a logarithmic scale, cut from 0 to 3, bias from 0 to 2, iterations as given."""
    data = QuickData()
    search(n_trials=60, data=data)
    assert all(0.001 <= value <= 2 for parameters in data.seen for value in (parameters.c1, parameters.c2))
    assert {parameters.min_freq for parameters in data.seen} == {0, 1, 2, 3}
    assert all(0 <= parameters.entity_bias <= 2 for parameters in data.seen)
    assert {parameters.max_iterations for parameters in data.seen} == {ITERATIONS}
    random_ones = sorted(parameters.c1 for parameters in data.seen[1 : STARTUP_TRIALS + 1])
    assert len(set(random_ones)) == STARTUP_TRIALS
    fixed = {"c1": 0.001, "c2": 2.0, "min_freq": 3, "entity_bias": 1.5}
    trial = optuna.trial.FixedTrial(fixed)
    assert suggest_parameters(trial, max_iterations=9) == CrfParameters(**fixed, max_iterations=9)
    assert trial.distributions["c1"].log
    assert trial.distributions["c2"].log


def test_search_learns_from_its_trials():
    """After the random start it looks where scores were high."""
    values = [trial.value for trial in search(n_trials=40).trials]
    assert sum(values[-15:]) / 15 > sum(values[:STARTUP_TRIALS]) / STARTUP_TRIALS


def test_score_is_strict_f1_of_the_development_part(labelled_sentences):
    """Trained on what it is scored on, a CRF gets it right; with another's sentences it does not."""
    sentences = labelled_sentences[:120]
    spec, parameters = FeatureSpec(complete=False), CrfParameters(c1=0, c2=0.001, max_iterations=60, entity_bias=0)
    assert TuningData(sentences, sentences, spec).f1(parameters) == 1
    assert 0.1 < TuningData(sentences, labelled_sentences[700:900], spec).f1(parameters) < 0.95


def test_score_counts_completed_mentions(tokenizer):
    """Trials are judged by what the tagger answers: an abbreviation that follows from its definition counts as found."""
    text = "He has systemic sclerosis (SSc). Again\nSSc was seen."
    spans = [(7, 25), (27, 30), (39, 42)]
    note = Document("n", text, tuple(Entity(*span, "DISEASE") for span in spans))
    definition_only = Document("n", text, note.entities[:1])
    train, dev = label_document(definition_only, tokenizer)[0] * 5, label_document(note, tokenizer)[0]
    parameters = CrfParameters(c1=0, c2=0.01, entity_bias=0)
    assert TuningData(train, dev, FeatureSpec(complete=False)).f1(parameters) == 0.5
    assert TuningData(train, dev, FeatureSpec()).f1(parameters) == 1


def test_empty_development_part_is_refused(labelled_sentences):
    """So is a training part without entities; both name what is short."""
    with pytest.raises(TooLittleData, match="development part is empty"):
        TuningData(labelled_sentences[:10], [], FeatureSpec())
    with pytest.raises(TooLittleData, match="no entity"):
        TuningData([], labelled_sentences[:10], FeatureSpec())


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


def test_time_limit_ends_the_search():
    """No trial starts after it; the trial that runs is finished."""
    study = search(n_trials=1000, data=SlowData(), timeout_seconds=0.4)
    assert 1 <= len(study.trials) <= 4
    assert all(trial.state is TrialState.COMPLETE for trial in study.trials)


def test_progress_tells_how_far_and_how_good():
    """One line a trial, with the best so far."""
    lines = []
    study = search(n_trials=3, progress=lines.append)
    assert [line.split(":")[0] for line in lines] == ["trial 1/3", "trial 2/3", "trial 3/3"]
    assert lines[-1].endswith(f"strict F1 {study.trials[-1].value:.4f}, best {study.best_value:.4f}")


def test_best_parameters_are_of_the_best_finished_trial():
    """Of equal ones the earliest; those still running do not count."""
    study = open_study("study", "", seed=0)
    for value in (0.5, 0.9, 0.9, 0.2):
        trial = study.ask()
        suggest_parameters(trial, max_iterations=1)
        study.tell(trial, value)
    study.ask()
    assert best_parameters(study, max_iterations=77) == CrfParameters(**study.trials[1].params, max_iterations=77)


def test_study_without_a_finished_trial_is_refused():
    """There are no parameters to train with; the message says what to raise."""
    study = open_study("study", "", seed=0)
    study.ask()
    with pytest.raises(TooLittleData, match="tuning_timeout_seconds or n_trials"):
        best_parameters(study, max_iterations=9)


def test_study_name_follows_from_what_is_searched():
    """The same key is the same study, in any process; another key, or the same parts joined otherwise, is another."""
    name = study_name("clinical-ner", "digest", "all", "7")
    assert name == study_name("clinical-ner", "digest", "all", "7")
    assert name.startswith("clinical-ner-")
    assert len(name) == len("clinical-ner-") + 16
    others = [("other", "digest", "all", "7"), ("clinical-ner", "digest", "all", "8"), ("clinical-ner", "digest,all", "7")]
    assert name not in [study_name(*other) for other in others]


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


def test_negative_seed_is_a_seed():
    """Any integer that the pipeline takes draws trials."""
    assert values_of(search(seed=-1)) == values_of(search(seed=-1)) != values_of(search(seed=1))
