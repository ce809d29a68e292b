"""Model and test documents in, scores and error browser out."""

import structlog

from clinical_ner.evaluation.evaluation import Evaluation, annotate_all
from clinical_ner.evaluation.evaluation import evaluate as score
from clinical_ner.reports.error_browser import render_error_browser
from clinical_ner.stages.artifacts import PathLike, read_documents, read_model, write_text
from clinical_ner.tagger import Tagger

_log = structlog.get_logger()


def evaluate(
    *, model_path: PathLike, test_path: PathLike, show_note_text: bool, evaluation_path: PathLike, error_browser_path: PathLike
) -> Evaluation:
    """Score the model on the test documents; write the evaluation as JSON, and the error browser.

    The error browser holds note text only when ``show_note_text``; otherwise letters and digits are masked.
    """
    tagger = Tagger.from_files(read_model(model_path))
    documents = read_documents(test_path)
    annotations = annotate_all(tagger, documents)
    evaluation = score(documents, annotations)
    write_text(evaluation_path, evaluation.model_dump_json(indent=2))
    write_text(error_browser_path, render_error_browser(documents, annotations, show_note_text=show_note_text))
    _log.info("evaluated", documents=len(documents), strict_f1=round(evaluation.strict.f1, 4))
    return evaluation
