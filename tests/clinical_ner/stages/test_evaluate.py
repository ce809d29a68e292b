"""The evaluate stage: scores and an error browser, which shows notes only when asked to."""

import pytest

from clinical_ner.errors import DataError, ModelFormatError
from clinical_ner.evaluation.evaluation import Evaluation
from clinical_ner.stages.artifacts import read_documents, read_model, write_model
from tests.clinical_ner.stages.stage_runs import run_evaluate


def test_evaluate_writes_what_it_returns(finished, tmp_path):
    """The JSON artifact is the evaluation, of all test documents."""
    evaluation = run_evaluate(finished.into(tmp_path), finished.folder)
    assert Evaluation.model_validate_json((tmp_path / "evaluation").read_bytes()) == evaluation
    documents = read_documents(finished.folder / "test")
    assert evaluation.documents == len(documents)
    assert evaluation.strict.gold_spans == sum(len(document.entities) for document in documents)
    assert 0.3 < evaluation.strict.f1 < 1


@pytest.mark.parametrize("shown", [True, False])
def test_error_browser_shows_notes_only_when_asked(finished, tmp_path, shown):
    """With show_note_text words of the notes are in the page, else none of them; scores are the same either way."""
    run_evaluate(finished.into(tmp_path), finished.folder, show_note_text=shown)
    page = (tmp_path / "error_browser").read_text()
    words = {
        entity_text(document, entity) for document in read_documents(finished.folder / "test") for entity in document.entities
    }
    long = {word for word in words if word.isalpha() and len(word) > 7}
    assert len(long) > 10
    assert (sum(word in page for word in long) > len(long) / 2) is shown
    assert shown or not [word for word in long if word in page]
    assert (tmp_path / "evaluation").read_bytes() == (finished.folder / "evaluation").read_bytes()


def entity_text(document, entity):
    return document.text[entity.start : entity.end]


def test_damaged_model_is_refused_before_it_is_parsed(finished, tmp_path):
    """A changed byte in the CRF's file would crash the process: its digest is compared first."""
    files = read_model(finished.folder / "model")
    damaged = bytearray(files["model.crfsuite"])
    damaged[100] ^= 1
    write_model(tmp_path / "model", {**files, "model.crfsuite": bytes(damaged)})
    (tmp_path / "test").write_bytes((finished.folder / "test").read_bytes())
    with pytest.raises(ModelFormatError, match=r"model\.crfsuite: damaged"):
        run_evaluate(finished.into(tmp_path / "out"), tmp_path)
    assert not (tmp_path / "out").exists()


def test_damaged_test_documents_are_named(finished, tmp_path):
    """The error names the artifact that is damaged."""
    (tmp_path / "model").write_bytes((finished.folder / "model").read_bytes())
    (tmp_path / "test").write_bytes(b"damaged")
    with pytest.raises(DataError, match=f"{tmp_path}/test: damaged artifact"):
        run_evaluate(finished.into(tmp_path / "out"), tmp_path)
    assert not (tmp_path / "out").exists()
