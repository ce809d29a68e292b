"""PubTator records."""

import pytest

from clinical_ner.corpora import pubtator
from clinical_ner.documents import Entity

GOOD = "7|t|Gout\n7|a|is painful.\n7\t0\t4\tGout\tDisease\tD006073\n\n"


def test_pubtator_counts_offsets_over_title_and_abstract(write, read):
    """One character stands between title and abstract, so that the offsets of the file hold in the text."""
    content = "12|t|On gout\n12|a|Gout hurts.\n12\t3\t7\tgout\tDisease\tD1\n12\t8\t12\tGout\tDisease\n"
    (document,) = read(write("a.txt", content), "pubtator").documents
    assert (document.id, document.text) == ("12", "On gout\nGout hurts.")
    assert document.entities == (Entity(3, 7, "Disease"), Entity(8, 12, "Disease"))


def test_pubtator_counts_code_points(write, read):
    """Offsets count code points, not bytes or UTF-16 units."""
    (document,) = read(write("a.txt", "1|t|😀é gout\n1|a|\n1\t3\t7\tgout\tDisease\n"), "pubtator").documents
    assert document.text == "😀é gout"


def test_pubtator_reads_ids_with_a_blank_before_the_bar(write, read):
    """``123 |t| title`` is the same record as ``123|t|title``."""
    content = "12 |t| On gout\n12 |a| Gout hurts.\n12\t3\t7\tgout\tDisease\tD1\n"
    (document,) = read(write("a.txt", content), "pubtator").documents
    assert (document.id, document.text) == ("12", "On gout\nGout hurts.")


def test_pubtator_passes_relations_over_and_counts_them(write, read):
    """Relation lines are no mentions and no error, and are counted."""
    reading = read(write("a.txt", GOOD.rstrip() + "\n7\tCID\tD1\tD2\n7\tCID\tD1\tD3\t\n"), "pubtator")
    assert reading.counters == {pubtator.RELATION_LINES: 2}
    assert reading.mentions_seen == 1


def test_pubtator_keeps_a_composite_mention_as_one_span(write, read):
    """A mention of two concepts is the one span that it is in the text."""
    content = "7|t|ocular and auditory toxicity\n7|a|x\n7\t0\t28\tocular and auditory toxicity\tDisease\tA|B\tocular|auditory\n"
    assert read(write("a.txt", content), "pubtator").documents[0].entities == (Entity(0, 28, "Disease"),)


def test_pubtator_keeps_overlapping_spans_and_merges_equal_ones(write, read):
    """Overlapping spans are legal; a span that is there twice counts as seen twice and stays once."""
    content = "7|t|renal failure\n7|a|x\n7\t0\t13\trenal failure\tD\n7\t0\t5\trenal\tD\n7\t0\t5\trenal\tD\n"
    reading = read(write("a.txt", content), "pubtator")
    assert reading.documents[0].entities == (Entity(0, 5, "D"), Entity(0, 13, "D"))
    assert (reading.mentions_seen, reading.mentions_merged) == (3, 1)


def test_pubtator_reads_bom_crlf_and_blank_lines(write, read):
    """A byte order mark, carriage returns and extra blank lines reach no document."""
    content = "\ufeff\r\n" + GOOD.replace("\n", "\r\n") + "\r\n\r\n" + GOOD.replace("7", "8").replace("\n", "\r\n")
    first, second = read(write("a.txt", content), "pubtator").documents
    assert first.text == second.text == "Gout\nis painful."


HEAD = "5|t|Zebulon had gout\n5|a|and Zebulon suffered.\n"


@pytest.mark.parametrize(
    ("record", "line", "reason", "mentions"),
    [
        (HEAD + "5\t12\t16\tgout\tD\n5\t11\t15\tgout\tD\n", 4, "mention: differs from the text at its offsets 11:15", 2),
        (HEAD + "5\t0\t7\tZebulom\tD\n", 3, "mention: differs from the text at its offsets 0:7", 1),
        (HEAD + "5\t12\t99\tgout\tD\n", 3, "annotation: offsets 12:99 do not lie within the text's 38 code points", 1),
        (HEAD + "5\t16\t12\tgout\tD\n", 3, "annotation: offsets 16:12 do not lie", 1),
        (HEAD + "5\t0,12\t7\tZebulon\tD\n", 3, "start: not a number; discontinuous", 0),
        (HEAD + "5\tZebulon\t7\tZebulon\tD\n", 3, "start: not a number", 0),
        (HEAD + "5\t0\t²\tZebulon\tD\n", 3, "end: not a number", 0),
        (HEAD + "5\t12\t16\tgout\n", 3, "annotation: 4 columns, at least 5 expected", 0),
        (HEAD + "5\tCID\tD1\n", 3, "annotation: 3 columns, at least 5 expected", 0),
        (HEAD + "5\t12\t16\tgout\t \n", 3, "type: empty", 1),
        (HEAD + "6\t12\t16\tgout\tD\n", 3, "annotation does not begin with the record's id 5", 1),
        (HEAD + "Zebulon\n", 3, "annotation does not begin with the record's id 5", 0),
        (HEAD.replace("5|a", "6|a"), 1, "id|t| and id|a| lines name different ids", 0),
        ("5|t|Zebulon\n", 1, "record ends after its id|t| line", 0),
        ("5|a|Zebulon\n5|t|Zebulon\n", 1, "expected a line that begins with id|t|", 0),
        (HEAD + HEAD.replace("5|", "6|"), 3, "annotation does not begin with the record's id 5", 0),
        ("5|t| \n5|a|\n", 1, "text: empty", 0),
    ],
)
def test_pubtator_names_line_and_field_of_a_bad_record(write, read, record, line, reason, mentions):
    """A wrong record is set aside whole with the line, field and offsets at fault; the records around it are read."""
    path = write("a.txt", GOOD + record + "\n" + GOOD.replace("7", "8"))
    reading = read(path, "pubtator")
    (bad,) = reading.bad_records
    assert (bad.file, bad.line, bad.mentions) == (str(path), line + 4, mentions)
    assert reason in bad.reason
    assert bad.raw == record.removesuffix("\n").encode()
    assert [document.id for document in reading.documents] == ["7", "8"]


def test_pubtator_sets_a_record_aside_that_is_not_utf8(write, read):
    """A bad byte costs its record only and is named by its offset in the file; the record's mentions are counted."""
    record = b"5|t|Zebulon\n5|a|\xff had gout\n5\t14\t18\tgout\tD\n\n"
    reading = read(write("a.txt", GOOD.encode() + record), "pubtator")
    (bad,) = reading.bad_records
    assert bad.reason.startswith(f"not UTF-8 at byte {len(GOOD) + 16} of the file")
    assert (bad.mentions, reading.mentions_seen) == (1, 2)


def test_pubtator_sets_the_second_of_equal_records_aside(write, read):
    """A PMID that comes twice is named with both places, and that its records are equal; the first is kept."""
    path = write("a.txt", GOOD + GOOD)
    reading = read(path, "pubtator")
    (bad,) = reading.bad_records
    assert (bad.line, bad.mentions, len(reading.documents)) == (5, 1, 1)
    assert bad.reason == f"id '7' was already used at {path}:1, by an equal document"
