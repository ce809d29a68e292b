"""``clinical-ner corpus``."""

import json

import pytest
from typer.testing import CliRunner

from clinical_ner.cli.corpus import app
from clinical_ner.documents import load_documents
from clinical_ner.errors import ConfigError, DataError

GOOD = "7|t|Gout\n7|a|is painful.\n7\t0\t4\tGout\tDisease\tD006073\n\n"
BAD = "8|t|Zebulon\n8|a|has gout.\n8\t0\t7\tgout\tDisease\n\n"


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(GOOD + BAD)
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_validate_accepts_a_good_corpus(corpus):
    """A corpus without bad records is shown with its counts after the label map, and the status is 0."""
    corpus.write_text(GOOD)
    result = run("validate", corpus, "--format", "pubtator", "--label-map", "*=DISEASE")
    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines() if "DISEASE" in line] == [["│", "DISEASE", "│", "1", "│"]]


def test_validate_counts_and_places_bad_records(corpus):
    """Bad records are counted with their mentions and listed as file:line: reason, without text; the status is 1."""
    result = run("validate", corpus, "--format", "pubtator")
    assert result.exit_code == 1
    rows = {line.split("│")[1].strip(): line.split("│")[2].strip() for line in result.output.splitlines() if line[0] == "│"}
    assert (rows["documents"], rows["bad records"], rows["mentions found"]) == ("1", "1", "2")
    assert f"{corpus}:7: mention: differs from the text at its offsets 0:7\n" in result.output
    assert result.stderr == "1 of 2 records are bad\n"
    assert "Zebulon" not in result.output


def test_validate_accepts_what_quarantine_would_accept(corpus):
    """Under quarantine the same corpus is good enough, and its bad records are still listed."""
    result = run("validate", corpus, "--format", "pubtator", "--on-bad-record", "quarantine")
    assert result.exit_code == 0
    assert f"{corpus}:7:" in result.output


def test_validate_says_how_many_it_does_not_list(corpus):
    """Bad records beyond --show are counted."""
    result = run("validate", corpus, "--format", "pubtator", "--show", "0")
    assert "... and 1 more bad records" in result.output


def test_validate_shows_brackets_of_a_reason(tmp_path):
    """Field names in brackets are shown as they are."""
    (tmp_path / "a.jsonl").write_text('{"text":"x","entities":[{"start":0,"end":2,"label":"A"}]}')
    assert "entities[0]: offsets 0:2" in run("validate", tmp_path / "a.jsonl", "--format", "jsonl").output


def test_note_limit_comes_from_the_settings(corpus, monkeypatch):
    """Without --max-note-bytes the limit is the setting that serving has as well."""
    monkeypatch.setenv("CLINICAL_NER_MAX_NOTE_BYTES", "5")
    assert "more than max_note_bytes = 5\n" in run("validate", corpus, "--format", "pubtator").output


def test_convert_writes_documents_and_quarantine(corpus, tmp_path):
    """Good documents and bad records go to their files, and together they are the corpus."""
    out, aside = tmp_path / "new" / "out.jsonl", tmp_path / "aside.jsonl"
    result = run("convert", corpus, "--format", "pubtator", "--out", out, "--quarantine", aside)
    assert result.exit_code == 0
    assert [document.id for document in load_documents(out.read_bytes())] == ["7"]
    assert json.loads(aside.read_bytes())["raw"] + "\n\n" == BAD
    assert "Zebulon" not in result.output
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.jsonl"]


@pytest.mark.parametrize("options", [[], ["--label-map", "Disease="], ["--max-note-bytes", "3"]])
def test_convert_leaves_everything_as_it_was_on_an_error(corpus, tmp_path, options):
    """When the corpus is refused no file is written or changed, nor an unfinished one left."""
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    result = run("convert", corpus, "--format", "pubtator", "--out", out, *options)
    assert isinstance(result.exception, DataError)
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "out.jsonl"]


def test_convert_replaces_a_file_whole(corpus, tmp_path):
    """A file that was there is replaced, not overwritten: who has it open or linked keeps the old one."""
    out, link = tmp_path / "out.jsonl", tmp_path / "link.jsonl"
    out.write_text("before")
    link.hardlink_to(out)
    corpus.write_text(GOOD)
    run("convert", corpus, "--format", "pubtator", "--out", out)
    assert link.read_text() == "before"
    assert len(load_documents(out.read_bytes())) == 1


@pytest.mark.parametrize("option", ["--out", "--quarantine"])
def test_convert_keeps_notes_to_their_owner_and_names_what_it_cannot_write(corpus, tmp_path, option):
    """Both files hold note text; a folder in a file's place is an error that names the option, and leaves nothing behind."""
    options = {"--out": tmp_path / "out.jsonl", "--quarantine": tmp_path / "bad.jsonl"}
    run("convert", corpus, "--format", "pubtator", *(word for pair in options.items() for word in pair))
    assert options[option].stat().st_mode & 0o077 == 0
    taken = tmp_path / "taken"
    taken.mkdir()
    options[option] = taken
    result = run("convert", corpus, "--format", "pubtator", *(word for pair in options.items() for word in pair))
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception) == f"{option} {taken}: Is a directory"
    assert not list(tmp_path.glob(".*"))


def test_synthesize_writes_the_same_notes_for_the_same_options(tmp_path):
    """Equal options give equal bytes, another seed or shift other notes, and the output is a corpus without bad records."""
    written = []
    for number, options in enumerate([(), (), ("--seed", 1), ("--shift", "new_diseases")]):
        out = tmp_path / f"{number}.jsonl"
        assert run("synthesize", "--notes", 5, "--out", out, *options).exit_code == 0
        assert run("validate", out, "--format", "jsonl").exit_code == 0
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert len(set(written)) == 3


def test_convert_of_its_own_output_changes_nothing(corpus, tmp_path):
    """Canonical JSON Lines convert to themselves, byte for byte."""
    corpus.write_text(GOOD)
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    run("convert", corpus, "--format", "pubtator", "--out", first)
    run("convert", first, "--format", "jsonl", "--out", second)
    assert first.read_bytes() == second.read_bytes() != b""
