"""BioText: a folder with tokens in one file and labels in the other."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.corpora import biotext
from clinical_ner.documents import Entity
from clinical_ner.errors import DataError


@pytest.fixture
def folder(write, tmp_path):
    """Writes the two files of a corpus and returns its folder."""

    def write_both(sentences, labels):
        write("bio/train_sent", sentences)
        write("bio/train_label", labels)
        return tmp_path / "bio"

    return write_both


def test_biotext_joins_neighbours_of_one_label(folder, read):
    """Neighbouring tokens of a label are one span, of two labels two spans, and sentences do not run together."""
    path = folder("gall\nstones\nsurgery\nhelped\n\nstones\n\n", "D\nD\nT\nO\n\nD\n\n")
    first, second = read(path, "biotext").documents
    assert first.text == "gall stones surgery helped"
    assert first.entities == (Entity(0, 11, "D"), Entity(12, 19, "T"))
    assert (second.text, second.entities) == ("stones", (Entity(0, 6, "D"),))
    assert first.metadata == {"source": "train_sent"}


def test_biotext_reads_bom_crlf_and_a_missing_last_blank_line(folder, read):
    """Byte order marks, carriage returns and the number of blank lines at the end change nothing."""
    path = folder(b"\xef\xbb\xbfgall\r\nstones\r\n\r\n\r\n", b"D\r\nO")
    (document,) = read(path, "biotext").documents
    assert (document.text, document.entities) == ("gall stones", (Entity(0, 4, "D"),))


def test_biotext_keeps_repeated_sentences_apart(folder, read):
    """The same sentence twice is two documents with two ids, since a corpus of sentences repeats short ones."""
    first, second = read(folder("a\n\na\n\n", "D\n\nO\n\n"), "biotext").documents
    assert second.id == f"{first.id}-2"


TOKENS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=5)
SENTENCES = st.lists(st.tuples(TOKENS, st.sampled_from("ODT")), min_size=1, max_size=8)


@given(SENTENCES)
def test_biotext_offsets_rebuild_the_tokens(sentence):
    """Every span's text is its tokens joined by blanks, and spans and O together give back every token's label."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "x_sent").write_text("".join(f"{token}\n" for token, _ in sentence) + "\nx\n")
        (path / "x_label").write_text("".join(f"{label}\n" for _, label in sentence) + "\nO\n")
        document = next(biotext.read(path)).document
    labels, position = [], 0
    for token, _ in sentence:
        assert document.text[position : position + len(token)] == token
        holders = [entity.label for entity in document.entities if entity.start <= position < entity.end]
        labels.extend(holders or ["O"])
        position += len(token) + 1
    assert labels == [label for _, label in sentence]


@pytest.mark.parametrize(
    ("sentences", "labels", "message"),
    [
        ("Zebulon\nhad\n\ngout\n", "O\nO\nO\n\nD\n", "train_sent:3: blank, but the same line of train_label is not"),
        ("Zebulon\nhad\ngout\n", "O\n\nD\n", "train_label:2: blank, but the same line of train_sent is not"),
        ("Zebulon\nhad\ngout\n", "O\nO\n", "train_sent: 3 lines, but train_label has 2"),
        ("O\nD\n", "Zebulon\ngout\n", "no line is labelled O; are the two files swapped?"),
        ("", "O\n", "train_sent: empty file"),
        ("Zebulon\n", " \n", "train_label: empty file"),
        ("Zebulon\n".encode("utf-16"), "O\n", "train_sent: begins as UTF-16"),
    ],
)
def test_biotext_refuses_files_that_do_not_fit(folder, read, sentences, labels, message):
    """Files that do not go line by line are refused whole, with the first line where they part."""
    with pytest.raises(DataError, match=message):
        read(folder(sentences, labels), "biotext")


@pytest.mark.parametrize("extra", ["bio/dev_sent", "bio/dev_label"])
def test_biotext_refuses_a_second_file_of_a_kind(folder, write, read, extra):
    """With two files of a kind it is unknown which belongs to which, and the message says what was expected."""
    path = folder("a\n", "O\n")
    write(extra, "Zebulon\n")
    with pytest.raises(DataError, match=r"2 files named .* expected exactly 1"):
        read(path, "biotext")


def test_biotext_refuses_a_single_file(folder, read):
    """A file in place of the folder is refused with what the format is."""
    with pytest.raises(DataError, match="not a folder; biotext is a folder with one"):
        read(folder("a\n", "O\n") / "train_sent", "biotext")


@pytest.mark.parametrize("is_label", [False, True])
def test_biotext_sets_a_sentence_aside_that_is_not_utf8(folder, read, is_label):
    """A bad byte costs its sentence only; the reason names the file that holds it and the byte's offset."""
    sentences = b"ok\n\nZebulon\n" + (b"x\n" if is_label else b"\xe9\n")
    labels = b"O\n\nO\n" + (b"\xe9\n" if is_label else b"D\n")
    reading = read(folder(sentences, labels), "biotext")
    (bad,) = reading.bad_records
    assert bad.file.endswith("_label" if is_label else "_sent")
    assert bad.reason.startswith(f"not UTF-8 at byte {5 if is_label else 12} of the file")
    assert bad.line == 3
    assert b"Zebulon\tO" in bad.raw
    assert [document.text for document in reading.documents] == ["ok"]
