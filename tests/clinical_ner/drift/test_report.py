"""Evidently itself is run: it takes seconds to import."""

import re

import numpy as np
import pytest

from clinical_ner.drift.columns import columns_of
from clinical_ner.drift.profile import profile_of
from clinical_ner.drift.report import evidently_report
from clinical_ner.drift.scores import method_of, score_columns
from tests.clinical_ner.drift.conftest import LABELS, MODEL, START, log_table, profile


@pytest.fixture(scope="module")
def pair():
    """Column values of a reference and of a window of longer notes, and their profiles."""
    columns = [
        columns_of(log_table(notes, seed, longer=longer), LABELS) for notes, seed, longer in ((900, 1, 1.0), (700, 2, 1.1))
    ]
    return columns, [profile_of(part, MODEL) for part in columns]


@pytest.fixture(scope="module")
def report(pair):
    return evidently_report(*pair[1], time=START)


def test_scores_from_profiles_are_evidentlys_of_the_raw_values(pair):
    """Both methods, computed from a profile, are within 1e-3 of what Evidently's own functions give for the values."""
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    (before, now), profiles = pair
    scores = score_columns(*profiles)
    assert {score.method for score in scores} == {"wasserstein", "jensenshannon"}
    for score in scores:
        raw = [pd.Series(columns.values[score.column]) for columns in (before, now)]
        kind = ColumnType.Categorical if score.method == "jensenshannon" else ColumnType.Numerical
        test = get_stattest(*raw, kind, score.method)
        value, drifted = test.func(*raw, kind, test.default_threshold)
        assert score.score == pytest.approx(value, abs=1e-3)
        assert score.drifted == drifted
        assert score.threshold == test.default_threshold


def test_report_scores_are_those_of_the_profile(pair, report):
    """Evidently's report and the profile's formulas agree within 1e-3 on every decision column."""
    ours = {score.column: score for score in score_columns(*pair[1])}
    assert not report.sampled
    assert {score.column for score in report.scores} == ours.keys()
    for score in report.scores:
        assert score.score == pytest.approx(ours[score.column].score, abs=1e-3)
        assert score.method == method_of(score.column)


def test_report_page_is_one_file_that_loads_nothing(report):
    """The page has no reference to another file, and forbids itself all requests."""
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", report.html)
    assert tags
    assert not [tag for tag in tags if "src=" in tag or "href=" in tag]
    assert "default-src 'none'" in report.html
    assert "tokens" in report.html


def test_report_of_many_rows_is_drawn_from_a_sample_and_scored_on_all(pair, report):
    """Above the limit the profile computes the scores, of all rows, and the page shows the same sample each time."""
    sampled = evidently_report(*pair[1], time=START, max_rows=500)
    assert sampled.sampled
    assert sampled.scores == score_columns(*pair[1])
    assert [score.score for score in sampled.scores] == pytest.approx([score.score for score in report.scores], abs=1e-3)


def test_report_is_kept_in_a_workspace_under_the_models_name(pair, tmp_path):
    """Snapshots of one model go to one project, and each is a run of it."""
    from evidently.ui.workspace import Workspace

    for _ in range(2):
        evidently_report(*pair[1], time=START, workspace=tmp_path)
    (project,) = Workspace(str(tmp_path)).list_projects()
    assert project.name == "clinical-ner"
    assert len(Workspace(str(tmp_path)).list_runs(project.id)) == 2


def test_report_leaves_out_columns_without_values(pair):
    """A window without entities has no scores to compare, and the report is made of the other columns."""
    silent = profile(0)
    columns = dict(pair[1][1].columns)
    columns["score.DISEASE"] = np.zeros(0, dtype=np.int64)
    window = type(silent)(MODEL, 700, 0, columns, pair[1][1].categories)
    report = evidently_report(pair[1][0], window)
    assert "score.DISEASE" not in {score.column for score in report.scores}
    assert len(report.scores) == len(columns) - 1
