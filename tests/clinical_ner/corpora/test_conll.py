"""CoNLL columns: IOB1, IOB2, BIOES, with sentences or marked documents."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.corpora import conll
from clinical_ner.documents import Entity
from clinical_ner.errors import DataError


def spans(document):
    return [(document.text[entity.start : entity.end], entity.label) for entity in document.entities]


@pytest.mark.parametrize(
    ("tags", "expected", "without_b"),
    [
        ("B-D I-D O B-D", ["a b", "d"], 0),  # IOB2
        ("B-D B-D I-D O", ["a", "b c"], 0),
        ("I-D I-D O I-D", ["a b", "d"], 2),  # IOB1
        ("I-D B-D I-D O", ["a", "b c"], 1),
        ("B-D E-D S-D S-D", ["a b", "c", "d"], 0),  # BIOES
        ("B-D I-D E-D B-D", ["a b c", "d"], 0),
        ("B-D L-D U-D O", ["a b", "c"], 0),  # BILOU
        ("B-D L-D I-D U-D", ["a b", "c", "d"], 1),
        ("B-D E-D I-D O", ["a b", "c"], 1),
        ("O O O O", [], 0),
    ],
)
def test_conll_reads_every_tagging_scheme(write, read, tags, expected, without_b):
    """The schemes are read as the conlleval script reads them; spans that begin without a B are counted."""
    lines = [f"{token}\t{tag}\n" for token, tag in zip("abcd", tags.split(), strict=True)]
    reading = read(write("a.tsv", "".join(lines)), "conll")
    assert spans(reading.documents[0]) == [(text, "D") for text in expected]
    assert reading.counters[conll.BEGUN_WITHOUT_B] == without_b


def test_conll_ends_a_span_where_the_label_changes(write, read):
    """I of another label begins a span of its own instead of prolonging the one before."""
    reading = read(write("a.tsv", "a\tB-D\nb\tI-T\nc\tI-T\n"), "conll")
    assert spans(reading.documents[0]) == [("a", "D"), ("b c", "T")]


@pytest.mark.parametrize(
    "content",
    [
        "gall\tNN\tx\tB-D\nstones\tNN\tx\tI-D\n",
        "gall NN B-D\nstones  NN  I-D\n",
        "gall B-D \r\nstones I-D\r\n",
        "\ufeffgall\tB-D\nstones\tI-D",
    ],
)
def test_conll_takes_first_and_last_column(write, read, content):
    """The token is the first and the tag the last of 2 to 4 columns, by tabs or blanks, whatever the line ends."""
    (document,) = read(write("a.tsv", content), "conll").documents
    assert (document.text, document.entities) == ("gall stones", (Entity(0, 11, "D"),))


def test_conll_keeps_blanks_inside_tokens_of_tabbed_lines(write, read):
    """Where tabs divide the columns, a blank belongs to the token, and offsets count it."""
    (document,) = read(write("a.tsv", "5 mg\tO\ngout\tB-D\n"), "conll").documents
    assert (document.text, spans(document)) == ("5 mg gout", [("gout", "D")])


def test_conll_makes_documents_of_sentences(write, read):
    """Without document markers each sentence is a document, however many blank lines lie between."""
    documents = read(write("a.tsv", "\na\tO\n\n\nb\tB-D\n"), "conll").documents
    assert [document.text for document in documents] == ["a", "b"]


def test_conll_makes_documents_at_markers(write, read):
    """With markers the sentences of a document are lines of one text, spans lie at their offsets, and ids are read."""
    content = "-DOCSTART- -X- O\n\na O\n\ngall B-D\nstones I-D\n\n-DOCSTART- (n7)\nb S-D\n"
    first, second = read(write("a.conll", content), "conll").documents
    assert (first.text, spans(first)) == ("a\ngall stones", [("gall stones", "D")])
    assert (second.id, second.text, spans(second)) == ("n7", "b", [("b", "D")])


def test_conll_keeps_what_stands_before_the_first_marker(write, read):
    """Sentences before the first marker are a document too: nothing is dropped."""
    documents = read(write("a.conll", "a O\n\nb O\n\n-DOCSTART- O\n\nc O\n"), "conll").documents
    assert [document.text for document in documents] == ["a\nb", "c"]


def test_conll_reports_a_marked_document_without_tokens(write, read):
    """A marker that nothing follows is a bad record, not a document of no text."""
    reading = read(write("a.conll", "-DOCSTART- O\n\n-DOCSTART- O\n\nZebulon O\n"), "conll")
    assert [(bad.line, bad.reason) for bad in reading.bad_records] == [(1, "text: empty")]


TOKENS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=5)
RUNS = st.lists(st.tuples(st.lists(TOKENS, min_size=1, max_size=3), st.sampled_from(["", "D", "T"])), min_size=1, max_size=6)


def iob2(size, label):
    return ["B-" + label] + ["I-" + label] * (size - 1)


def bioes(size, label):
    return ["S-" + label] if size == 1 else ["B-" + label] + ["I-" + label] * (size - 2) + ["E-" + label]


@given(RUNS, st.sampled_from([iob2, bioes]))
def test_conll_offsets_rebuild_the_tokens(runs, encode):
    """Whatever the tokens and the scheme, each span's text is its tokens joined by blanks, in order."""
    lines = []
    for tokens, label in runs:
        tags = encode(len(tokens), label) if label else ["O"] * len(tokens)
        lines += [f"{token}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tsv"
        path.write_bytes("".join(lines).encode())
        (record,) = conll.read(path)
    assert spans(record.document) == [(" ".join(tokens), label) for tokens, label in runs if label]
    assert record.document.text == " ".join(token for tokens, _ in runs for token in tokens)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"Zebulon", "1 columns, most lines of the file have 2"),
        (b"Zebulon\tNN\tO", "3 columns, most lines of the file have 2"),
        (b"\tO", "column 1: empty token"),
        (b"of\tZebulon", "column 2: neither O nor a label with one of B-"),
        (b"of\tB-", "column 2: neither O nor"),
        (b"Zebulon\t", "column 2: neither O nor"),
        (b"Zebul\xe9n\tO", "not UTF-8 at byte 41 of the file"),
    ],
)
def test_conll_names_the_line_of_a_bad_sentence(write, read, line, reason):
    """A line that cannot be read costs its sentence; the bad record names that line and holds the whole sentence."""
    sentence = b"Zebulon\tO\nhad\tO\ngout\tB-D\n" + line + b"\n"
    path = write("a.tsv", b"ok\tO\nok\tO\n\n" + sentence + b"\nend\tB-D\n")
    reading = read(path, "conll")
    (bad,) = reading.bad_records
    assert (bad.line, bad.mentions) == (7, 1)
    assert reason in bad.reason
    assert bad.raw == sentence.removesuffix(b"\n")
    assert [document.text for document in reading.documents] == ["ok ok", "end"]


@pytest.mark.parametrize("content", ["Zebulon\nhad\ngout\n", "a b c d e\n", "-DOCSTART- O\n"])
def test_conll_refuses_a_file_of_other_columns(write, read, content):
    """A file most of whose lines have too few or too many columns is not of the format."""
    with pytest.raises(DataError, match=r"a\.tsv: most lines have \d columns; conll has 2 to 4"):
        read(write("a.tsv", content), "conll")
