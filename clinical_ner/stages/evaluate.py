"""Model and test documents in, scores and error browser out."""

import structlog

from clinical_ner.drift.profile import Model
from clinical_ner.drift.reference import reference_of
from clinical_ner.evaluation.evaluation import Evaluation, annotate_all
from clinical_ner.evaluation.evaluation import evaluate as score
from clinical_ner.reports.error_browser import render_error_browser
from clinical_ner.stages.artifacts import PathLike, read_documents, read_model, write_bytes, write_text
from clinical_ner.tagger import Tagger

_log = structlog.get_logger()


def evaluate(
    *,
    model_path: PathLike,
    test_path: PathLike,
    show_note_text: bool,
    evaluation_path: PathLike,
    reference_path: PathLike,
    error_browser_path: PathLike,
) -> Evaluation:
    """Score the model on the test documents; write the evaluation, the reference profile and the error browser.

    The reference profile counts what the model answers on notes that it was not trained on: drift is what the inference log
    shows beside it. The error browser holds note text only when ``show_note_text``; otherwise letters and digits are masked.
    """
    tagger = Tagger.from_files(read_model(model_path))
    documents = read_documents(test_path)
    annotations = annotate_all(tagger, documents)
    evaluation = score(documents, annotations)
    write_text(evaluation_path, evaluation.model_dump_json(indent=2))
    # The version is given at registration; the digest says which model it is.
    model = Model(tagger.manifest.name, "", tagger.digest)
    reference = reference_of(documents, annotations, model=model, labels=tagger.manifest.labels)
    write_bytes(reference_path, reference.to_json())
    write_text(error_browser_path, render_error_browser(documents, annotations, show_note_text=show_note_text))
    _log.info("evaluated", documents=len(documents), strict_f1=round(evaluation.strict.f1, 4))
    return evaluation
