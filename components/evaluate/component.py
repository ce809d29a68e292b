"""Model and test documents in, scores and error browser out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    test_documents: dsl.Input[dsl.Dataset],
    show_note_text: bool,
    evaluation: dsl.Output[dsl.Artifact],
    reference_profile: dsl.Output[dsl.Artifact],
    error_browser: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    confusion: dsl.Output[dsl.ClassificationMetrics],
) -> None:
    """Score the model on the test documents, strictly and by overlap.

    Args:
        model: The model archive.
        test_documents: Documents to judge on.
        show_note_text: Show notes in the error browser; otherwise letters and digits are masked.
        evaluation: All scores as JSON.
        reference_profile: What the model answers on the test documents, counted; what drift is measured from.
        error_browser: Highlighted notes with errors.
        metrics: Scores to compare runs by.
        confusion: Confusion matrix of spans.
    """
    from clinical_ner.stages import evaluate as stage

    result = stage.evaluate(
        model_path=model.path,
        test_path=test_documents.path,
        show_note_text=show_note_text,
        evaluation_path=evaluation.path,
        reference_path=reference_profile.path,
        error_browser_path=error_browser.path,
    )
    for name, value in result.metrics().items():
        metrics.log_metric(name, value)
    confusion.log_confusion_matrix(list(result.confusion.labels), [list(row) for row in result.confusion.matrix])
