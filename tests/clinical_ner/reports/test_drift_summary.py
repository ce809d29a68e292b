import pytest

from clinical_ner.drift.decision import decide
from clinical_ner.drift.novelty import measure_novelty
from clinical_ner.drift.profile import empty_profile
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.scores import score_columns
from clinical_ner.drift.windows import judge_window
from clinical_ner.reports.drift_summary import bars_of, render_drift_summary
from tests.clinical_ner.drift.conftest import HOUR, LABELS, MODEL, START, profile, reference


def judge(window, of_reference, number=0):
    return judge_window(window, of_reference, start=START + number * HOUR, end=START + (number + 1) * HOUR, rules=DriftRules())


@pytest.fixture(scope="module")
def drifted():
    """A page of two windows of longer notes from a site whose name is markup."""
    known = reference(1_000)
    windows = [profile(400, number, longer=1.3, site="<b>south</b>") for number in (0, 1)]
    judged = [judge(window, known, number) for number, window in enumerate(windows)]
    return render_drift_summary(
        decide(judged[1], judged[0]),
        windows[1],
        known.profile,
        scores=score_columns(known.profile, windows[1]),
        novelty=measure_novelty(windows[1], judged[1]),
    )


def test_drift_summary_says_what_was_decided_and_why(drifted):
    """Decision, reason and columns are on the page, the column that deviates most first."""
    assert "<h1>Drift: Experiment</h1>" in drifted
    assert "in both of two consecutive windows" in drifted
    assert drifted.index("<th>tokens</th>") < drifted.index("<th>score.DISEASE</th>")


def test_drift_summary_escapes_what_callers_sent(drifted):
    """A site's name is text, never markup."""
    assert "<b>south</b>" not in drifted
    assert "&lt;b&gt;south&lt;/b&gt;" in drifted


def test_drift_summary_loads_nothing(drifted):
    """The page opens without network."""
    assert "src=" not in drifted
    assert "default-src 'none'" in drifted


def test_drift_summary_of_an_empty_window_has_its_reason_and_no_table():
    """A window that cannot be judged is a short page that says why."""
    window = empty_profile(MODEL, LABELS)
    page = render_drift_summary(decide(judge(window, None)), window, None)
    assert "holds no answered note of clinical-ner v3" in page
    assert "<table" not in page


def test_bars_are_shares_of_reference_and_window():
    """Each side's bars add up to 1, and the outermost are marked as outside."""
    bars = bars_of("tokens", reference(300).profile.columns["tokens"], profile(100, longer=2.0).columns["tokens"])
    assert sum(bar.reference for bar in bars) == pytest.approx(1)
    assert sum(bar.window for bar in bars) == pytest.approx(1)
    assert [bar.outside for bar in bars] == [True, *([False] * (len(bars) - 2)), True]
    assert bars[0].name.startswith("below ")
    assert bars[-1].name.endswith(" and more")
