"""brat standoff pairs."""

import pytest

from clinical_ner.corpora import brat
from clinical_ner.documents import Entity
from clinical_ner.errors import DataError


@pytest.fixture
def pair(write, tmp_path):
    """Writes one pair and returns its folder."""

    def write_pair(text, annotations, name="n1"):
        write(f"brat/{name}.txt", text)
        write(f"brat/{name}.ann", annotations)
        return tmp_path / "brat"

    return write_pair


def test_brat_reads_every_pair_of_a_folder(pair, read):
    """The file's name is the id, spans lie at their offsets, other files of the folder are none of it."""
    pair("Gout.\nAspirin.\n", "T1\tD 0 4\tGout\nT2\tT 6 13\tAspirin\n")
    pair("Nothing.", "", name="n0")
    folder = pair("x", "", name="n2")
    (folder / "annotation.conf").write_text("[entities]")
    first, second, _ = read(folder, "brat").documents
    assert (first.id, first.entities, first.metadata["source"]) == ("n0", (), "n0.txt")
    assert (second.id, second.entities) == ("n1", (Entity(0, 4, "D"), Entity(6, 13, "T")))


def test_brat_reads_one_pair_by_its_text_file(pair, read):
    """The .txt file of a pair can be given by itself."""
    folder = pair("Gout", "T1\tD 0 4\tGout")
    assert [document.id for document in read(folder / "n1.txt", "brat").documents] == ["n1"]


def test_brat_counts_line_ends_as_they_are(pair, read):
    """Offsets count carriage returns, which stay in the text; a mention over a line end is written with a blank."""
    folder = pair(b"gout\r\nand\r\nflu", b"T1\tD 0 4\tgout\r\nT2\tD 6 14\tand flu\r\n")
    (document,) = read(folder, "brat").documents
    assert document.text == "gout\r\nand\r\nflu"
    assert [document.text[entity.start : entity.end] for entity in document.entities] == ["gout", "and\r\nflu"]


def test_brat_reads_past_byte_order_marks(pair, read):
    """A byte order mark of either file belongs to the file: the text does not hold it and offsets do not count it."""
    (document,) = read(pair("\ufeffgout", "\ufeffT1\tD 0 4\tgout\n"), "brat").documents
    assert (document.text, document.entities) == ("gout", (Entity(0, 4, "D"),))


def test_brat_passes_over_and_counts_other_annotations(pair, read):
    """Relations, events, attributes, normalizations, equivalences and notes are no entities and no errors."""
    others = (
        "R1\tX Arg1:T1 Arg2:T1\nE1\tX:T1\nA1\tNeg T1\nN1\tRef T1 X:1\tgout\n*\tEquiv T1 T1\n#1\tAnnotatorNotes T1\tZebulon\n"
    )
    reading = read(pair("gout", "T1\tD 0 4\tgout\n" + others), "brat")
    assert reading.documents[0].entities == (Entity(0, 4, "D"),)
    assert reading.counters == {brat.OTHER_LINES: 6}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("T2\tD 0 7;12 16\tZebulon gout", "offsets 0 7;12 16: a discontinuous span; only contiguous ones can be learnt"),
        ("T2\tD 0 7;Zebulon\tZebulon", "offsets 0 7;???????: a discontinuous span"),
        ("T2\tD 11 15\tgout", "mention: differs from the text at its offsets 11:15"),
        ("T2\tD 12 99\tgout", "offsets 12:99 do not lie within the text's 16 code points"),
        ("T2\tD 16 12\tgout", "offsets 16:12 do not lie within"),
        ("T2\tD zero Zebulon\tgout", "offsets: not of the form START END"),
        ("T2 D 0 7 Zebulon", "not of the form T1<TAB>LABEL START END<TAB>MENTION"),
        ("Zebulon", "not of the form T1<TAB>LABEL"),
    ],
)
def test_brat_names_line_and_offsets_of_a_bad_annotation(pair, read, line, reason):
    """A wrong or discontinuous annotation sets the pair aside, with the annotation file's line and the offsets."""
    pair("ok", "", name="n0")
    folder = pair("Zebulon had gout", "T1\tD 12 16\tgout\n" + line)
    reading = read(folder, "brat")
    (bad,) = reading.bad_records
    assert (bad.file, bad.line) == (str(folder / "n1.ann"), 2)
    assert reason in bad.reason
    assert bad.raw == b"Zebulon had gout\nT1\tD 12 16\tgout\n" + line.encode()
    assert [document.id for document in reading.documents] == ["n0"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("brat/n2.txt", "there is no n2.ann beside it; an empty one says"), ("brat/n2.ann", "there is no n2.txt beside it")],
)
def test_brat_reports_half_a_pair(pair, write, read, name, reason):
    """A text without annotations, or annotations without a text, is a bad record that names what is missing."""
    folder = pair("ok", "")
    path = write(name, "T1\tD 0 7\tZebulon")
    (bad,) = read(folder, "brat").bad_records
    assert (bad.file, bad.raw) == (str(path), b"T1\tD 0 7\tZebulon")
    assert reason in bad.reason


@pytest.mark.parametrize("in_text", [True, False])
def test_brat_sets_a_pair_aside_that_is_not_utf8(pair, read, in_text):
    """A bad byte is named with its file and its offset there."""
    folder = pair(b"Zebulon \xe9" if in_text else b"Zebulon", b"" if in_text else b"#1\tx\tx\n#2\t\xe9\tZebulon\n")
    (bad,) = read(folder, "brat").bad_records
    assert bad.file.endswith(".txt" if in_text else ".ann")
    assert bad.reason.startswith(f"not UTF-8 at byte {8 if in_text else 10} of the file")


def test_brat_refuses_a_folder_without_pairs(write, read):
    """A folder of other files is refused with what was looked for."""
    folder = write("brat/readme.md", "Zebulon").parent
    with pytest.raises(DataError, match=r"no \.txt and \.ann files"):
        read(folder, "brat")
