"""What a search tries first, never, and how far it goes."""

import json

import optuna
import pytest

from clinical_ner.errors import ConfigError
from clinical_ner.search_plan import SPACES, SearchPlan
from clinical_ner.training import CrfParameters
from clinical_ner.tuning import finished_trials, open_study, run_trials

POINT = {"c1": 0.02, "c2": 0.5, "min_freq": 2, "entity_bias": 1.0}
DEFAULTS = CrfParameters().model_dump(exclude={"max_iterations"})


class Data:
    """A response surface that likes small penalties; counts its trials."""

    def __init__(self):
        self.seen = []

    def f1(self, parameters):
        self.seen.append(parameters)
        return 1 / (1 + parameters.c1 + parameters.c2)


def search(plan, *, seed=0, n_trials=6):
    study, data = open_study("study", "", seed=seed, plan=plan), Data()
    run_trials(study, data, n_trials=n_trials, max_iterations=3, plan=plan)
    return study, data


def test_first_trial_is_the_plans():
    """A retrain begins with the champion's parameters, an ordinary search with the defaults."""
    assert search(SearchPlan.of(first=POINT))[0].trials[0].params == POINT
    assert search(SearchPlan.of())[0].trials[0].params == DEFAULTS


def test_first_trial_out_of_the_narrow_space_widens_it():
    """What a wide search found can be tried first; beyond the wide space the nearest point is."""
    study, _ = search(SearchPlan.of(first={**POINT, "c1": 5.0}))
    assert study.trials[0].params["c1"] == 5.0
    study, _ = search(SearchPlan.of(first={"c1": 0.0, "c2": 99.0, "min_freq": 20, "entity_bias": 9.0}))
    assert study.trials[0].params == {"c1": 1e-5, "c2": 10.0, "min_freq": 8, "entity_bias": 4.0}


@pytest.mark.parametrize(
    ("point", "excluded"),
    [
        (POINT, True),
        ({**POINT, "c1": 0.0215}, True),
        ({**POINT, "c1": 0.023}, False),
        ({**POINT, "c2": 0.4}, False),
        ({**POINT, "min_freq": 1}, False),
        ({**POINT, "entity_bias": 1.05}, True),
        ({**POINT, "entity_bias": 1.2}, False),
    ],
)
def test_exclusion_reaches_ten_percent(point, excluded):
    """Penalties within a factor of 1.1 at the same cut make much the same model."""
    assert SearchPlan.of(excluded=[POINT]).is_excluded(point) is excluded


def test_excluded_trials_are_neither_trained_nor_counted():
    """The trial that another seed's search would begin with is passed over, and the study still gets all its trials."""
    before, _ = search(SearchPlan.of(), seed=3)
    rejected = before.trials[2].params
    study, data = search(SearchPlan.of(excluded=[rejected]), seed=3)
    assert study.trials[2].params == rejected
    assert study.trials[2].state is optuna.trial.TrialState.PRUNED
    assert len(finished_trials(study)) == len(data.seen) == 6
    assert CrfParameters(**rejected, max_iterations=3) not in data.seen


def test_excluded_defaults_are_not_the_first_trial():
    """Neither the defaults nor a given point are enqueued when they are excluded."""
    assert SearchPlan.of(excluded=[DEFAULTS]).first == ()
    assert SearchPlan.of(first=POINT, excluded=[POINT]).first == ()
    assert search(SearchPlan.of(excluded=[DEFAULTS]))[0].trials[0].params != DEFAULTS


def test_wide_space_holds_the_narrow_one():
    """An experiment can find what a retrain can, and more: lower and higher penalties, rarer features cut."""
    narrow, wide = SPACES["narrow"], SPACES["wide"]
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.max_min_freq > narrow.max_min_freq
    edge = optuna.trial.FixedTrial({"c1": wide.low, "c2": wide.high, "min_freq": wide.max_min_freq, "entity_bias": 4.0})
    assert SearchPlan.of(space="wide").suggest(edge, max_iterations=1).c2 == wide.high


def test_plan_of_a_runs_parameters():
    """Empty texts are the default plan; JSON gives the others, and another plan has another key."""
    assert SearchPlan.parse() == SearchPlan.of()
    given = SearchPlan.parse(
        first_trial=json.dumps(POINT),
        excluded_trials=json.dumps([DEFAULTS]),
        search_space="wide",
    )
    assert given == SearchPlan.of(first=POINT, excluded=[DEFAULTS], space="wide")
    assert given.key != SearchPlan.of().key


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("search_space", "huge", "search_space: 'huge' is neither 'narrow' nor 'wide'"),
        ("first_trial", "{", "first_trial: Invalid JSON"),
        ("first_trial", "[]", "first_trial: .*JSON of c1, c2, min_freq.* is expected"),
        ("first_trial", '{"c1": 1}', "first_trial: exactly c1, c2, min_freq"),
        ("first_trial", json.dumps({**POINT, "c1": -1}), "must be numbers of 0 or more"),
        ("excluded_trials", json.dumps([{**POINT, "c2": "x"}]), "excluded_trials: "),
    ],
)
def test_plan_that_cannot_be_read_is_refused(field, text, expected):
    """The message names the parameter and what it should be."""
    with pytest.raises(ConfigError, match=expected):
        SearchPlan.parse(**{field: text})
