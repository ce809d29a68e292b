"""The story page: what a person reads of a whole loop."""

from pathlib import Path

import pytest

from clinical_ner.documents import Document, Entity, ScoredEntity
from clinical_ner.reports.rollout_story import Bar, Mark, RolloutStory
from clinical_ner.reports.story import Gain, Step, link_to, make_example, render_story
from clinical_ner.tagger import Annotation

NOTE = Document("n<1>", "gout & lupus", (Entity(0, 4, "DISEASE"), Entity(7, 12, "DISEASE")))


def annotation(*entities):
    return Annotation(entities, sentence_count=1, token_count=3, unknown_count=0)


def make_rollout(version, **fields):
    """A rollout that ended before its first step."""
    defaults = {"outcome": "rolled-back", "tone": "warning", "reason": "it is <worse>", "calls": 4000, "failed": 0}
    defaults |= {"answered": 40, "seconds": 20.0, "steps": (), "failing": ()}
    drawing = {"bars": [Bar(0.0, 10.0, 16.0, 40, 0.1, 0)], "marks": [Mark(5.0, "10 %", 0)]}
    return RolloutStory(version, "v1", **{**defaults, **drawing, **fields})


def render(rollouts=()):
    """A story of two steps."""
    steps = [
        Step(
            "Watch",
            12.4,
            ["x < y deviates."],
            "experiment",
            "problem",
            [link_to("/demo/a/drift_summary.html", Path("/demo/s.html"))],
        ),
        Step("Train", 30.0, ["Better."], "approve", "fine", command="python -m pipelines run"),
    ]
    gains = [Gain("all", 1234, 0.637, 0.931, 0.269, 0.315), Gain("unseen names", 12, 0.5, 0.25, -0.3, 0.1)]
    found = ScoredEntity(0, 4, "DISEASE", 0.9)
    example = make_example(NOTE, annotation(), annotation(found))
    return render_story(steps, gains, example, versions=("v1", "v2"), notes=300, shift="new_site=0.5", rollouts=rollouts)


@pytest.fixture
def page():
    return render()


def test_story_has_steps_in_order_and_the_gain(page):
    """Steps are numbered and carry their outcome; the page begins with both scores and their difference."""
    assert page.index("Watch") < page.index("Train")
    assert '<span class="badge problem">experiment</span> 12 s' in page
    for shown in ("0.64", "0.93", "+0.29", "42 s", "1,234", "-0.250", "-0.300 to +0.100", "python -m pipelines run"):
        assert shown in page


def test_story_links_are_relative_to_the_page(page):
    """The folder can be moved or archived as a whole."""
    assert '<a href="a/drift_summary.html">drift summary</a>' in page


def test_story_shows_what_each_version_found(page):
    """In the example the first version misses both entities and the second one of them."""
    before, after = page.split("<h2>v1</h2>")[1].split("<h2>v2</h2>")
    assert (before.count("missed DISEASE"), after.count("missed DISEASE")) == (2, 1)
    assert "DISEASE 0.90" in after


def test_story_escapes_and_loads_nothing(page):
    """Text is text, and the page opens without network."""
    assert "x &lt; y deviates." in page
    assert "&amp;" in page.split("<h2>v1</h2>")[1]
    assert "src=" not in page
    assert "default-src 'none'" in page


def test_story_without_rollouts_says_nothing_of_them(page):
    """A loop that ended before is told as it was."""
    assert "Who answered" not in page


def test_story_draws_each_rollout_and_counts_failed_calls():
    """Over all rollouts the calls and those that failed are told first; each has its drawing and its reason."""
    page = render([make_rollout("v2"), make_rollout("v3", failed=2, calls=1000)])
    assert "<b>2</b><span>of 5,000 calls failed while traffic moved" in page
    assert page.count('<svg class="split"') == 2
    assert "4,000 calls, of which v2 answered 40 and <b>0 failed</b>. In the end: it is &lt;worse&gt;." in page
    assert '<rect class="canary" x="0.0" y="144.0" width="10.2" height="16.0"><title>40 calls, 10' in page
