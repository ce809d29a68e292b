import re

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from clinical_ner.reports.tuning import IMPORTANCE_TRIALS, LISTED_TRIALS, render_tuning
from tests.clinical_ner.reports.page import Page

RANGES = {
    "c1": optuna.distributions.FloatDistribution(1e-3, 2.0, log=True),
    "min_freq": optuna.distributions.IntDistribution(0, 3),
}


def study_of(*values: float | None) -> optuna.Study:
    """A study with a trial for each value, failed where it is None."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="clinical-ner-0123", direction="maximize")
    for number, value in enumerate(values):
        params = {"c1": 0.01 * (number % 100 + 1), "min_freq": number % 4}
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=RANGES))
    return study


def plots(page: Page) -> list[str]:
    return [attributes["id"] for attributes in page.attributes("div") if "plotly-graph-div" in attributes.get("class", "")]


def test_tuning_page_lists_trials_best_first_and_failed_ones_last():
    """The best trial is the first row and gives the best parameters."""
    page = Page(render_tuning(study_of(0.7, None, 0.9, 0.8), fixed={"max_iterations": 50}))
    assert [row[0] for row in page.rows["trials"][1:]] == ["2", "3", "0", "1"]
    assert page.rows["trials"][1][:4] == ["2", "0.9000", "0.03", "2"]
    assert page.rows["trials"][4][1] == "-"
    assert page.rows["trials"][4][-1] == "failed"
    assert page.rows["best"] == [
        ["c1", "0.03", "searched"],
        ["min_freq", "2", "searched"],
        ["max_iterations", "50", "fixed"],
    ]


@pytest.mark.parametrize("values", [(), (None,), (None, None)])
def test_tuning_page_without_a_finished_trial_says_so(values):
    """There are no best parameters to show, and no plot."""
    page = Page(render_tuning(study_of(*values)))
    assert "No trial finished: there are no best parameters." in page.shown
    assert "best" not in page.rows
    assert plots(page) == []


def test_tuning_page_of_one_trial_compares_nothing():
    """One trial needs no plot, and no plotting library in the page."""
    html = render_tuning(study_of(0.8))
    assert "nothing was compared" in Page(html).shown
    assert len(html) < 50_000


def test_tuning_page_of_few_trials_leaves_importances_out():
    """Importances of few trials follow the noise; the page says why they are missing."""
    page = Page(render_tuning(study_of(0.8, 0.7, None)))
    assert plots(page) == ["optimisation-history", "slices", "parallel-coordinates"]
    assert "Only 2 trials finished." in page.shown


def test_tuning_page_of_many_trials_has_every_plot():
    """plotly.js is in the page once, and the page loads nothing."""
    html = render_tuning(study_of(*(0.8 - 0.01 * (n % 7) for n in range(IMPORTANCE_TRIALS))))
    page = Page(html)
    assert plots(page) == ["optimisation-history", "parameter-importances", "slices", "parallel-coordinates"]
    assert "Only" not in page.shown
    assert len(re.findall(r"plotly\.js v\d", html)) == 1
    assert page.loads == []
    assert page.forbids_network


def test_tuning_page_of_equal_scores_has_no_importances():
    """Where nothing varies nothing can be explained."""
    assert "parameter-importances" not in plots(Page(render_tuning(study_of(*[0.8] * IMPORTANCE_TRIALS))))


def test_tuning_page_lists_at_most_so_many_trials():
    """A long study says how many of its trials are not listed."""
    page = Page(render_tuning(study_of(0.5, *[None] * (LISTED_TRIALS + 4))))
    assert len(page.rows["trials"]) == LISTED_TRIALS + 1
    assert "5 more are not listed." in page.shown


def test_tuning_page_escapes_the_names_of_study_and_parameters():
    """A study named like a tag is text."""
    study = optuna.create_study(study_name="<script>alert(1)</script>")
    page = Page(render_tuning(study, fixed={"<i>": "<u>"}))
    assert [tag for tag, _ in page.elements if tag in {"script", "i", "u"}] == []


def test_tuning_page_of_the_same_study_is_the_same():
    """Importances are drawn with a fixed seed, ids of plots are names."""
    study = study_of(*(0.8 - 0.01 * (n % 7) for n in range(IMPORTANCE_TRIALS)))
    assert render_tuning(study) == render_tuning(study)
