import pytest

from clinical_ner.drift.columns import decision_columns
from clinical_ner.drift.decision import decide
from clinical_ner.drift.novelty import measure_novelty
from clinical_ner.drift.profile import empty_profile
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.scores import score_columns
from clinical_ner.drift.unknown_words import UnknownWords
from clinical_ner.drift.windows import judge_window
from clinical_ner.reports.drift_summary import bars_of, render_drift_summary
from tests.clinical_ner.drift.conftest import HOUR, LABELS, MODEL, START, profile, reference
from tests.clinical_ner.reports.page import Page

WORDS = UnknownWords(
    notes=400, earlier_notes=2_800, different=912, new=500, recurring=300, recurring_new=77, recurring_new_by_chance=1.25
)


def judge(window, of_reference, number=0):
    return judge_window(window, of_reference, start=START + number * HOUR, end=START + (number + 1) * HOUR, rules=DriftRules())


@pytest.fixture(scope="module")
def drifted():
    """A page of two windows of longer notes from a site whose name is markup."""
    known = reference(1_000)
    windows = [profile(400, number, longer=1.3, site="<b>south</b>") for number in (0, 1)]
    judged = [judge(window, known, number) for number, window in enumerate(windows)]
    novelty = measure_novelty(windows[1], judged[1], WORDS)
    decision = decide(judged[1], judged[0], novelty=novelty)
    return render_drift_summary(decision, windows[1], known.profile, scores=score_columns(known.profile, windows[1]))


def test_drift_summary_says_what_was_decided_and_why(drifted):
    """Decision, reason and columns are on the page, the column that deviates most first."""
    assert "<h1>Drift: Experiment</h1>" in drifted
    assert "in both of two consecutive windows" in drifted
    assert drifted.index(">tokens</th>") < drifted.index(">score.DISEASE</th>")


def test_drift_summary_has_each_column_against_its_reference_and_the_window_before(drifted):
    """Band, deviation, that of the window before, both means and Evidently's score, a row a column."""
    rows = Page(drifted).rows["columns"][1:]
    assert len(rows) == len(decision_columns(LABELS))
    bands = [row[1] for row in rows]
    assert bands == sorted(bands, key=["experiment", "retrain", "watch", "below watch", "noise"].index)
    tokens = next(row for row in rows if row[0] == "tokens")
    assert tokens[2].endswith(" %")
    assert tokens[3].endswith(" %")
    assert float(tokens[5]) < float(tokens[6])
    assert tokens[7].endswith(" drift")


def test_drift_summary_marks_the_band(drifted):
    """Of the four actions that a deviation can ask for, the decision's is marked, with its limits."""
    assert drifted.count('aria-current="true"') == 1
    assert '<li class="now" aria-current="true"><b>experiment</b>over 10 %</li>' in drifted
    assert "<b>watch</b>2 to 5 %" in drifted


def test_drift_summary_escapes_what_callers_sent(drifted):
    """A site's name is text, never markup."""
    assert "<b>south</b>" not in drifted
    assert "&lt;b&gt;south&lt;/b&gt;" in drifted


def test_drift_summary_shows_new_words(drifted):
    """Rate against reference, different words, the new ones and those that recur, with an alert and its reason."""
    rows = {row[0]: row[1:] for row in Page(drifted).rows["novelty"]}
    assert rows["In the window"] == ["912", "300"]
    assert rows["in no note before"] == ["500", "77"]
    assert rows["by chance"] == ["", "1.2"]
    assert all("%" in share for share in rows["Share of all words"])
    assert "Compared with 2,800 notes" in drifted
    assert "77 of 300 unknown words that recur" in drifted
    assert '<span class="badge warning">alert</span>' in drifted


def test_drift_summary_says_why_new_words_were_not_asked_for():
    """Without hashes the block has the rate and the reason, and no alert."""
    window = profile(400)
    judged = judge(window, reference(1_000))
    novelty = measure_novelty(window, judged, UnknownWords.model_validate(WORDS.model_dump() | {"different": 0}))
    page = render_drift_summary(decide(judged, novelty=novelty), window, reference(1_000).profile)
    assert "servers hash them when they are given a key" in page
    assert "in no note before" not in page
    assert ">alert<" not in page


def test_drift_summary_of_a_short_window_has_seconds(drifted):
    """Windows of minutes are told apart; longer ones need no seconds."""
    window = profile(60)
    judged = judge_window(window, None, start=START, end=START + HOUR / 120, rules=DriftRules())
    page = render_drift_summary(decide(judged), window, None)
    assert "2030-01-02 00:00:00 to 2030-01-02 00:00:30 UTC" in page
    assert "2030-01-02 01:00 to 2030-01-02 02:00 UTC" in drifted


def test_drift_summary_loads_nothing(drifted):
    """The page opens without network."""
    assert "src=" not in drifted
    assert "default-src 'none'" in drifted


def test_drift_summary_of_an_empty_window_has_its_reason_and_no_table():
    """A window that cannot be judged is a short page that says why."""
    window = empty_profile(MODEL, LABELS)
    page = render_drift_summary(decide(judge(window, None)), window, None)
    assert "holds no answered note of clinical-ner v3" in page
    assert "<h1>Drift: Not judged</h1>" in page
    assert 'aria-current="true"' not in page
    assert "<table" not in page


def test_bars_are_shares_of_reference_and_window():
    """Each side's bars add up to 1, and the outermost are marked as outside."""
    bars = bars_of("tokens", reference(300).profile.columns["tokens"], profile(100, longer=2.0).columns["tokens"])
    assert sum(bar.reference for bar in bars) == pytest.approx(1)
    assert sum(bar.window for bar in bars) == pytest.approx(1)
    assert [bar.outside for bar in bars] == [True, *([False] * (len(bars) - 2)), True]
    assert bars[0].name.startswith("below ")
    assert bars[-1].name.endswith(" and more")
