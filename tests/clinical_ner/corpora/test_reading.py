"""What holds of a corpus in any format: ids, sources, labels, lists of files."""

import random

import pytest

from clinical_ner.corpora import FORMATS, settle
from clinical_ner.documents import Entity, content_id
from clinical_ner.errors import ConfigError, DataError


def test_unknown_format_is_refused_with_the_known_ones(read):
    """A format that is not read is a ConfigError that lists those that are."""
    with pytest.raises(ConfigError, match="'xml' is not one of biotext, brat, conll, jsonl, label-studio, pubtator"):
        read("x", "xml")


@pytest.mark.parametrize("corpus_format", sorted(FORMATS))
def test_missing_file_is_named(read, tmp_path, corpus_format):
    """A corpus that is not there is a DataError with its path, in every format."""
    with pytest.raises(DataError, match=r"missing: no such file or folder"):
        read(tmp_path / "missing", corpus_format)


@pytest.mark.parametrize("content", ["", "\ufeff", " \r\n\n\t\n"])
@pytest.mark.parametrize("corpus_format", ["conll", "jsonl", "pubtator"])
def test_empty_file_is_named(read, write, corpus_format, content):
    """A file of nothing, a byte order mark or white space is a DataError, also beside a good one."""
    with pytest.raises(DataError, match=r"a\.txt: empty file"):
        read(write("a.txt", content), corpus_format)


@pytest.mark.parametrize(("name", "corpus_format"), [("a.tsv", "conll"), ("a.jsonl", "jsonl"), ("a.txt", "pubtator")])
def test_file_of_another_format_gives_no_document(read, write, marker, name, corpus_format):
    """Free text read as any format gives an error that names the file, never a document."""
    path = write(name, f"Patient {marker} complains of severe headache today\nand {marker} of vertigo and of nausea\n")
    with pytest.raises(DataError, match=name):
        settle(read(path, corpus_format), "quarantine")


def test_folder_gives_its_files_of_the_format_by_name(read, write, tmp_path):
    """A folder is read in the order of names, without files of other endings; each document says its file."""
    write("b.jsonl", '{"text":"b"}')
    write("a.jsonl", '{"text":"a"}')
    write("readme.md", "#")
    reading = read(tmp_path, "jsonl")
    assert [(document.text, document.metadata["source"]) for document in reading.documents] == [
        ("a", "a.jsonl"),
        ("b", "b.jsonl"),
    ]
    assert reading.files == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]


def test_folder_without_files_of_the_format_says_which_were_expected(read, write, tmp_path):
    """An empty choice is a DataError that lists the endings."""
    write("notes.md", "Zebulon")
    with pytest.raises(DataError, match=r"no file of this format in the folder \(names ending in \.jsonl \.ndjson\)"):
        read(tmp_path, "jsonl")


def test_list_of_paths_and_uris_is_read_in_order(read, write):
    """Paths and file:// URIs can be mixed in a list, in which %20 is a blank."""
    first, second = write("b b.jsonl", '{"text":"1"}'), write("a.jsonl", '{"text":"2"}')
    reading = read(f"{first.as_uri()}, {second}", "jsonl")
    assert "%20" in first.as_uri()
    assert [document.text for document in reading.documents] == ["1", "2"]


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "corpus_uri: empty"),
        ("gs://bucket/a", "gs:// is not read here"),
        ("dataset://sha256:1", "dataset:// is not read here"),
        ("file://host/a", "file://host/... names another host"),
    ],
)
def test_uri_of_another_kind_is_refused(read, uri, message):
    """What is no local path is a ConfigError that names its scheme or host."""
    with pytest.raises(ConfigError, match=message):
        read(uri, "jsonl")


def test_path_named_twice_is_refused(read, write, tmp_path):
    """A file given by itself and by its folder would double the corpus, and is named."""
    path = write("a.jsonl", '{"text":"1"}')
    with pytest.raises(ConfigError, match=r"a\.jsonl is named twice"):
        read(f"{tmp_path},{path}", "jsonl")


def test_made_ids_do_not_depend_on_order_or_place(read, write):
    """Without ids of their own, documents get the same ids in any order of the lines and in any folder."""
    lines = [f'{{"text":"note {number}"}}' for number in range(20)]
    shuffled = random.Random(1).sample(lines, len(lines))
    first, second = (
        read(write(name, "\n".join(content)), "jsonl") for name, content in (("a.jsonl", lines), ("x/a.jsonl", shuffled))
    )
    assert {document.id: document.text for document in first.documents} == {
        document.id: document.text for document in second.documents
    }
    assert first.documents[0].id == content_id("a.jsonl", "note 0")
    assert first.documents[0].id != content_id("b.jsonl", "note 0")


def test_repeated_ids_name_both_places(read, write):
    """An id used again is a bad record that names the first place, across files and whatever the texts."""
    first = write("a.jsonl", '{"id":"n1","text":"Zebulon"}\n\n{"id":"n1","text":"Zebulon"}')
    second = write("b.jsonl", '{"id":"n2","text":"x"}\n{"id":"n1","text":"Zebulon again"}')
    reading = read(f"{first},{second}", "jsonl")
    assert [str(bad) for bad in reading.bad_records] == [
        f"{first}:3: id 'n1' was already used at {first}:1, by an equal document",
        f"{second}:2: id 'n1' was already used at {first}:1, by a different document",
    ]
    assert [document.id for document in reading.documents] == ["n1", "n2"]


CORPUS = '{"text":"Zebulon gout","entities":[{"start":0,"end":7,"label":"P"},{"start":8,"end":12,"label":"D"}]}'


def test_label_map_renames_and_drops_and_counts(read, write):
    """Mapped labels are the documents' labels; what the map drops is counted, not forgotten."""
    reading = read(write("a.jsonl", CORPUS), "jsonl", "D=DISEASE,P=")
    assert reading.documents[0].entities == (Entity(8, 12, "DISEASE"),)
    assert reading.mentions_by_label == {"DISEASE": 1}
    assert (reading.mentions_seen, reading.mentions_dropped) == (2, 1)


def test_label_map_merges_spans_that_become_equal(read, write):
    """Two labels on one span that map to one label become one mention, and the other is counted as merged."""
    line = '{"text":"gout","entities":[{"start":0,"end":4,"label":"A"},{"start":0,"end":4,"label":"B"}]}'
    reading = read(write("a.jsonl", line), "jsonl", "*=DISEASE")
    assert (reading.mentions_by_label, reading.mentions_merged) == ({"DISEASE": 1}, 1)


def test_unlisted_label_is_a_bad_record(read, write):
    """A label that a non-empty map does not list makes its record bad, named with what to add to the map."""
    reading = read(write("a.jsonl", CORPUS), "jsonl", "D=DISEASE")
    (bad,) = reading.bad_records
    assert bad.reason.startswith("label 'P' is not in label_map; add P=NAME")
    assert bad.mentions == 2


def test_label_map_that_drops_everything_is_an_error(read, write):
    """A map that leaves no mention of a corpus that had some is a mistake, named with the labels that it drops."""
    with pytest.raises(DataError, match=r"label_map 'T=TREATMENT,\*=' leaves none of the 2 mentions.*: D, P"):
        read(write("a.jsonl", CORPUS), "jsonl", "T=TREATMENT,*=")


def test_corpus_without_mentions_is_read(read, write):
    """A corpus that never had a mention can be read, with or without a map: notes to be tagged are one."""
    assert read(write("a.jsonl", '{"text":"x"}'), "jsonl", "D=DISEASE").mentions_seen == 0
