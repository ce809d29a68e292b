import optuna
import pytest
from optuna.trial import TrialState

from clinical_ner.documents import Document, Entity
from clinical_ner.errors import TooLittleData
from clinical_ner.features import FeatureSpec
from clinical_ner.training import CrfParameters, label_document
from clinical_ner.tuning import (
    STARTUP_TRIALS,
    TuningData,
    best_parameters,
    open_study,
    run_trials,
    study_name,
    suggest_parameters,
)
from tests.clinical_ner.quick_studies import ITERATIONS, QuickData, SlowData, search


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


def test_negative_seed_is_a_seed():
    """Any integer that the pipeline takes draws trials."""
    assert values_of(search(seed=-1)) == values_of(search(seed=-1)) != values_of(search(seed=1))
