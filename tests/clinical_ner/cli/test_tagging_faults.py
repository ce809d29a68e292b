"""What clinical-ner predict says of input, output and models that it cannot use."""

import pytest

from tests.clinical_ner.cli.tagged_notes import NOTE, jsonl


@pytest.fixture
def predict_error(cli, model_folder):
    """The one line that a failing prediction ends with, on the given status."""

    def run(*arguments, stdin=b"", status=1):
        out, err = cli("predict", "--model-dir", model_folder, *arguments, stdin=stdin, status=status)
        assert out == ""
        assert err.count("\n") == 1
        return err

    return run


BAD_INPUT = {
    "broken JSON": (jsonl({"text": NOTE}) + b'{"text": "Zebulon', "{}:2: not JSON: column 18"),
    "no text": (jsonl({"note": NOTE}), "{}:1: text: missing or not a string"),
    "not an object": (b'["Zebulon"]\n', "{}:1: not a JSON object"),
    "a wrong type": (b"\n" + jsonl({"text": NOTE, "id": 3}), "{}:2: id: not a string"),
    "an empty text": (jsonl({"text": "  "}), "{}:1: text: empty"),
    "a lone surrogate": (b'{"text": "Zebulon \\ud800"}\n', "{}:1: not JSON"),
    "no UTF-8": (jsonl({"text": NOTE}) + b'{"text": "Zebulon \xe9"}\n', "{}:2: not UTF-8 at byte"),
    "a note that is too long": (jsonl({"text": "Zebulon " * 250}), "{}:1: text: 2,000 bytes, more than max_note_bytes = 1,000"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_predict_names_file_and_line_of_bad_input(predict_error, tmp_path, monkeypatch, case):
    """One line with file, line and reason, never note text, and nothing written, not even for the good notes before."""
    monkeypatch.setenv("CLINICAL_NER_MAX_NOTE_BYTES", "1000")
    data, message = BAD_INPUT[case]
    (tmp_path / "notes.jsonl").write_bytes(data)
    assert predict_error("notes.jsonl", "-o", "found.jsonl").startswith("error: " + message.format("notes.jsonl"))
    assert not (tmp_path / "found.jsonl").exists()


def test_predict_names_the_line_of_bad_stdin(predict_error, monkeypatch):
    """Standard input has lines too, JSON or not."""
    monkeypatch.setenv("CLINICAL_NER_MAX_NOTE_BYTES", "1000")
    broken = NOTE.encode() + b'\n{"text": "Zebulon'
    assert predict_error(stdin=broken) == "error: standard input:2: not JSON: column 18\n"
    long = f"{NOTE}\n{'Zebulon ' * 250}\n".encode()
    assert "standard input:2: text: 2,000 bytes, more than max_note_bytes" in predict_error(stdin=long)


def test_predict_names_a_text_file_in_another_encoding(predict_error, tmp_path):
    """The line and the byte say where."""
    (tmp_path / "note.txt").write_bytes(b"\xef\xbb\xbfZebulon\nhas \xe9czema\n")
    assert predict_error("note.txt") == "error: note.txt:2: not UTF-8 at byte 12\n"


@pytest.mark.parametrize(("name", "reason"), [("gone.txt", "No such file or directory"), (".", "Is a directory")])
def test_predict_names_a_file_it_cannot_read(predict_error, name, reason):
    """A missing file or a folder is an error of one line."""
    assert predict_error(name) == f"error: {name}: {reason}\n"


def test_predict_names_an_output_it_cannot_write(predict_error):
    """The option is named; it was asked wrongly."""
    message = predict_error("--output", "no/folder/found.jsonl", stdin=NOTE.encode(), status=2)
    assert message == "error: --output no/folder/found.jsonl: No such file or directory\n"


@pytest.mark.parametrize("score", ["1.5", "-1", "much"])
def test_predict_refuses_a_score_that_is_none(cli, model_folder, score):
    """Scores lie between 0 and 1."""
    _, err = cli("predict", "--model-dir", model_folder, "--min-score", score, stdin=NOTE.encode(), status=2)
    assert "--min-score" in err


def test_predict_without_a_model_says_where_it_looked(cli, tmp_path):
    """An empty registry, a folder without a model and an unknown store are each named."""
    _, err = cli("predict", "--registry-uri", tmp_path / "registry", stdin=NOTE.encode(), status=1)
    place = (tmp_path / "registry" / "models" / "clinical-ner").as_uri()
    assert err.startswith(f"error: clinical-ner has no version 'live'; it has none in {place} (elsewhere? --registry-uri, ")
    _, err = cli("predict", "--model-dir", tmp_path, stdin=NOTE.encode(), status=1)
    assert err == f"error: {tmp_path}: no model here (manifest.json is missing)\n"
    _, err = cli("predict", "--registry-uri", "ftp://host/", stdin=NOTE.encode(), status=2)
    assert "unknown scheme 'ftp'" in err


def test_predict_refuses_a_damaged_model(cli, model_files, tmp_path):
    """A changed byte is found before CRFsuite, which would crash, sees it."""
    for path, data in model_files.items():
        (tmp_path / path).write_bytes(data)
    crf = bytearray(model_files["model.crfsuite"])
    crf[200] ^= 4
    (tmp_path / "model.crfsuite").write_bytes(crf)
    _, err = cli("predict", "--model-dir", tmp_path, stdin=NOTE.encode(), status=1)
    assert err.startswith("error: model.crfsuite: damaged")
