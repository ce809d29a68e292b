from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.corpora.records import BadRecord
from clinical_ner.documents import Entity
from clinical_ner.reports.data_summary import LISTED_RECORDS, count_overlapping, summarize_data
from clinical_ner.splitting import Split
from tests.clinical_ner.reports.conftest import PATIENT, note

SPAN = st.builds(lambda start, length: Entity(start, start + length, "D"), st.integers(0, 30), st.integers(1, 9))


def test_summary_counts_documents_and_spans(documents):
    """Sizes are of all documents; labels stand most frequent first."""
    summary = summarize_data(documents)
    assert (summary.documents, summary.entities, summary.without_entities) == (3, 5, 1)
    assert summary.characters == sum(len(document.text) for document in documents)
    assert [(label.label, label.entities, label.documents, label.distinct) for label in summary.labels] == [
        ("DISEASE", 3, 2, 3),
        ("TREATMENT", 2, 2, 2),
    ]
    assert summary.metadata["site"] == (("south", 2), ("north", 1))
    assert summary.metadata["specialty"] == (("", 2), ("pulmonology", 1))


def test_summary_counts_spans_that_labels_cannot_express():
    """A span within a word is unalignable, stays counted as an entity, and lowers its label's ceiling alone."""
    summary = summarize_data([note("n", "Hyperglycaemia, gout.", ("glycaemia", "D"), ("gout", "D"), ("Hyperglycaemia", "F"))])
    by_label = {label.label: label for label in summary.labels}
    assert (by_label["D"].entities, by_label["D"].unalignable, by_label["D"].recall_ceiling) == (2, 1, 0.5)
    assert by_label["F"].recall_ceiling == 1
    assert summary.overlapping == 2


@given(st.lists(SPAN, max_size=8))
def test_summary_counts_overlapping_entities_as_pairwise_comparison_does(spans):
    """An entity overlaps when any other of its document shares a code point with it."""
    expected = sum(any(a.overlaps(b) for j, b in enumerate(spans) if i != j) for i, a in enumerate(spans))
    assert count_overlapping(spans) == expected


def test_summary_measures_entities_in_tokens_they_touch():
    """A span that ends within a word touches that word."""
    lengths = summarize_data([note("n", "acute on chronic renal failure", ("chronic renal fail", "D"))]).entity_tokens
    assert (lengths.minimum, lengths.maximum) == (3, 3)


def test_summary_finds_texts_that_repeat_another(documents):
    """White space aside, and however often."""
    again = replace(documents[1], id="again", text="Aspirin  for\nstroke.", entities=())
    assert summarize_data([*documents, again, replace(again, id="third")]).duplicates == 2


def test_summary_counts_strings_with_more_than_one_label():
    """Case and white space do not make another string."""
    notes = [note("a", "Oxygen low.", ("Oxygen", "TREATMENT")), note("b", "oxygen need", ("oxygen", "DISEASE"))]
    assert summarize_data(notes).ambiguous == 1


def test_summary_of_a_split_says_what_training_has_seen(documents):
    """Half of the test part's entities are strings of the training part; the training part has no such share."""
    test = note("t", "Gout and stroke", ("Gout", "DISEASE"), ("stroke", "DISEASE"), group_id="p9")
    split = Split(train=documents[:1], dev=documents[1:2], test=[test, replace(test, id="u")], duplicates=documents[2:])
    summary = summarize_data([*documents, test], (), split)
    train, dev, last = summary.parts
    assert (train.seen, dev.seen, last.seen) == (None, 0.0, 0.5)
    assert (last.documents, last.groups, last.entities) == (2, 1, {"DISEASE": 4})
    assert summary.left_out == 1


def test_summary_lists_the_first_bad_records_and_counts_all():
    """A corpus that is bad throughout does not make an endless report."""
    bad = [BadRecord("notes.jsonl", line, "text: empty", PATIENT.encode()) for line in range(1, LISTED_RECORDS + 11)]
    summary = summarize_data([], bad)
    assert (summary.bad_records, len(summary.bad_lines)) == (LISTED_RECORDS + 10, LISTED_RECORDS)
    assert summary.bad_lines[0].line == 1


def test_summary_holds_no_note_text(documents):
    """Neither words of notes nor strings of entities nor what a bad record holds."""
    bad = BadRecord("notes.jsonl", 1, "text: empty", PATIENT.encode())
    summary = repr(summarize_data(documents, [bad], Split(documents[:1], documents[1:2], documents[2:])))
    assert not [word for word in ("Zebulon", "Quackenbush", "asthma", "Aspirin") if word in summary]
