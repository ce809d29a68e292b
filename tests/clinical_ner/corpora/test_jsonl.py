"""Canonical JSON Lines."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_ner.corpora import jsonl
from clinical_ner.corpora.records import Record
from clinical_ner.documents import Document, Entity, dump_documents

GOOD = b'{"id":"good","text":"aspirin","entities":[{"start":0,"end":7,"label":"DRUG"}]}\n'


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
    starts = draw(st.lists(st.integers(0, len(text) - 1), max_size=4))
    entities = {Entity(start, draw(st.integers(start + 1, len(text))), draw(st.sampled_from("AB"))) for start in starts}
    metadata = draw(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.just("é\u2028"), max_size=2))
    return Document(draw(st.from_regex(r"[a-z]{1,5}", fullmatch=True)), text, tuple(sorted(entities)), metadata)


@given(st.lists(documents(), min_size=1, max_size=3))
def test_jsonl_reads_back_what_is_dumped(written):
    """Any documents of any Unicode text come back equal, line separators within texts included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        path.write_bytes(dump_documents(written))
        records = list(jsonl.read(path))
    assert [record.document for record in records if isinstance(record, Record)] == written
    assert [record.line for record in records] == list(range(1, len(written) + 1))


def test_jsonl_keeps_metadata_and_group(write, read):
    """group_id and any other metadata of a line stay with its document, which names its file as source."""
    path = write("a.jsonl", '{"id":"1","text":"x","metadata":{"group_id":"p1","ward":3}}')
    (document,) = read(path, "jsonl").documents
    assert document.metadata == {"group_id": "p1", "ward": "3", "source": "a.jsonl"}
    assert document.group == "p1"


def test_jsonl_keeps_a_source_of_its_own(write, read):
    """A line that names its source keeps it, so that converting a corpus twice loses nothing."""
    path = write("a.jsonl", '{"text":"x","metadata":{"source":"first.txt"}}')
    assert read(path, "jsonl").documents[0].metadata["source"] == "first.txt"


def test_jsonl_reads_bom_and_crlf(write, read):
    """A byte order mark and carriage returns belong to the file and reach no document."""
    path = write("a.jsonl", b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n")
    (document,) = read(path, "jsonl").documents
    assert (document.text, document.entities) == ("aspirin", (Entity(0, 7, "DRUG"),))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text":"Zebulon"', "not JSON"),
        (b'["Zebulon"]', "not a JSON object"),
        (b'{"id":"1","note":"Zebulon"}', "text: missing"),
        (b'{"text":"  "}', "text: empty"),
        (b'{"text":"Zebulon","entities":{"Zebulon":1}}', "entities: not a list"),
        (b'{"text":"Zebulon","entities":[{"start":0,"end":7,"label":"A"},{"start":"Zebulon"}]}', "entities[1].label"),
        (b'{"text":"Zebulon","entities":[{"start":true,"end":7,"label":"A"}]}', "entities[0].start"),
        (b'{"text":"Zebulon","entities":[{"start":0,"end":8,"label":"A"}]}', "offsets 0:8 do not lie within"),
        (b'{"text":"Zebulon","entities":[{"start":-1,"end":7,"label":"A"}]}', "offsets -1:7 do not lie within"),
        (b'{"text":"Zebulon","entities":[{"start":3,"end":3,"label":"A"}]}', "offsets 3:3 do not lie within"),
        (b'{"text":"Zebulon","entities":[{"start":0,"end":7,"label":""}]}', "entities[0]: empty label"),
        (b'{"text":"Zebulon","metadata":{"ward":["Zebulon"]}}', "metadata.ward"),
        (b'{"text":"Zebulon","id":7}', "id: not a string"),
        (b'{"text":"' + b"Zebulon " * 30 + b'"}', "240 bytes, more than max_note_bytes = 200"),
        (b'{"text":"Zebulon \xe9"}', "not UTF-8 at byte 96 of the file"),
        (b'{"text":"Zebulon \\ud800"}', "not JSON"),
    ],
)
def test_jsonl_names_line_and_field_of_a_bad_line(write, read, line, reason):
    """A line that is no document is a bad record that names file, line and field; the others are read."""
    path = write("a.jsonl", GOOD + line + b"\n" + GOOD.replace(b"good", b"also good"))
    reading = read(path, "jsonl")
    assert [document.id for document in reading.documents] == ["good", "also good"]
    (bad,) = reading.bad_records
    assert (bad.file, bad.line, bad.raw) == (str(path), 2, line)
    assert reason in bad.reason
