from dataclasses import replace

import pytest

from clinical_ner.documents import Document
from clinical_ner.reports.data_summary import LabelSummary, PartSummary, summarize_data
from clinical_ner.reports.findings import Severity, find
from tests.clinical_ner.reports.conftest import note


@pytest.fixture
def sound():
    """A summary in which nothing stands out."""
    notes = [
        note(f"n{n}", f"Asthma, take drug {n}", ("Asthma", "DISEASE"), ("drug", "TREATMENT"), group_id=str(n)) for n in range(9)
    ]
    return summarize_data(notes)


def titles(summary) -> str:
    return "\n".join(f"{finding.severity}: {finding.title}" for finding in find(summary))


def test_find_says_nothing_of_a_sound_corpus(sound):
    """No finding for the sake of one."""
    assert find(sound) == []


def test_find_says_of_an_empty_corpus_only_that(sound):
    """Nothing is divided by 0 documents."""
    assert titles(summarize_data([])) == "problem: There is no document."


def test_find_puts_the_worst_first(sound):
    """Problems stand before warnings, warnings before notes."""
    summary = replace(sound, bad_records=3, ambiguous=2, duplicates=5)
    assert [finding.severity for finding in find(summary)] == [Severity.PROBLEM, Severity.WARNING, Severity.NOTE]
    assert "3 records could not be used" in find(summary)[0].title


@pytest.mark.parametrize(("unalignable", "severity"), [(1, None), (30, "warning"), (60, "problem")])
def test_find_names_the_ceiling_of_a_label(sound, unalignable, severity):
    """Up to 1 % is silent, above it a warning, above what the gate allows a problem."""
    summary = replace(sound, labels=(LabelSummary("DISEASE", 1000, 10, unalignable, 500),))
    expected = f"{severity}: {unalignable} spans of DISEASE cannot be expressed" if severity else ""
    assert titles(summary).startswith(expected)
    assert bool(find(summary)) == bool(severity)


def test_find_names_a_rare_label(sound):
    """Rare is less than a tenth of the largest label."""
    labels = (LabelSummary("DISEASE", 1000, 9, 0, 9), LabelSummary("DEVICE", 99, 9, 0, 9))
    assert "warning: DEVICE is rare: 99 spans, 9.9 % of" in titles(replace(sound, labels=labels))


def test_find_names_a_part_without_a_label_and_a_small_test_part(sound):
    """A label that a part lacks cannot be learnt, tuned or judged there."""
    part = PartSummary("test", 5, 5, {"DISEASE": 99}, 0.5)
    assert titles(replace(sound, parts=(part,))).splitlines() == [
        "problem: The test part has no TREATMENT.",
        "warning: The test part has 99 spans of DISEASE, fewer than 100.",
    ]


def test_find_names_notes_that_nobody_annotated(sound):
    """Most documents without an entity are more likely skipped than empty."""
    assert "66.7 % of the documents have no entity" in titles(replace(sound, without_entities=6))


def test_find_names_documents_without_a_patient():
    """Notes of one patient may stand on both sides of a split by note."""
    assert "100.0 % of the documents name no patient" in titles(summarize_data([note("n", "Gout", ("Gout", "DISEASE"))]))


def test_find_names_a_corpus_without_entities():
    """A label map that drops everything leaves this."""
    assert "problem: No document has an entity." in titles(summarize_data([Document("n", "Well.")]))


def test_find_names_a_site_that_dominates(sound):
    """The overall score is then that site's."""
    assert "88.9 % of the documents have site north." in titles(replace(sound, metadata={"site": (("north", 8), ("south", 1))}))


def test_find_names_a_note_far_longer_than_the_others(sound):
    """Twenty times the median is no note."""
    assert "The longest note has 101 tokens, the median one 5." in titles(
        replace(sound, note_tokens=replace(sound.note_tokens, maximum=101, median=5.0))
    )
