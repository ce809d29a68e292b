"""Model, test documents and the champion's version in, one word out."""

from kfp import dsl

from components._image import TRAIN_IMAGE


@dsl.component(base_image=TRAIN_IMAGE, install_kfp_package=False)
def quality_gate(
    model: dsl.Input[dsl.Model],
    test_documents: dsl.Input[dsl.Dataset],
    evaluation: dsl.Input[dsl.Artifact],
    champion: str,
    reviewed_corpus_uri: str,
    model_name: str,
    registry_uri: str,
    min_f1: float,
    max_f1_drop: float,
    min_test_spans: int,
    min_reviewed_spans: int,
    min_slice_f1: float,
    min_slice_spans: int,
    max_unalignable_rate: float,
    max_model_bytes: int,
    max_latency_ratio: float,
    latency_decides: bool,
    gate: dsl.Output[dsl.Artifact],
    gate_report: dsl.Output[dsl.Markdown],
    model_card: dsl.Output[dsl.Markdown],
) -> str:
    """Say whether the model may replace the one that serves.

    Args:
        model: The model archive.
        test_documents: Documents to judge on.
        evaluation: The evaluate step's scores.
        champion: Version that serves now, or empty.
        reviewed_corpus_uri: Reviewed notes to beat the champion on (dataset://DIGEST), or empty.
        model_name: The champion's name.
        registry_uri: Where the champion lives.
        min_f1: Floor of strict F1 for each label.
        max_f1_drop: Non-inferiority margin against the champion.
        min_test_spans: Gold spans of a label below which nothing can be said.
        min_reviewed_spans: Gold spans in the reviewed notes below which nobody is better on them.
        min_slice_f1: Floor of strict F1 for each site and specialty.
        min_slice_spans: Gold spans below which a slice is not judged.
        max_unalignable_rate: Largest share of gold spans that tokens cannot express.
        max_model_bytes: Largest model.
        max_latency_ratio: Time a note against the champion's.
        latency_decides: Reject, not warn, above max_latency_ratio.
        gate: The answer as JSON.
        gate_report: The answer, a check a row.
        model_card: The model card.

    Returns:
        approve or reject.
    """
    from clinical_ner.gate import GateThresholds
    from clinical_ner.stages import quality_gate as stage

    floors = {"min_f1": min_f1, "min_slice_f1": min_slice_f1, "max_f1_drop": max_f1_drop}
    evidence = {"min_test_spans": min_test_spans, "min_slice_spans": min_slice_spans, "min_reviewed_spans": min_reviewed_spans}
    limits = {"max_unalignable_rate": max_unalignable_rate, "max_model_bytes": max_model_bytes}
    limits |= {"max_latency_ratio": max_latency_ratio, "latency_decides": latency_decides}
    return stage.quality_gate(
        model_path=model.path,
        test_path=test_documents.path,
        evaluation_path=evaluation.path,
        champion=champion,
        reviewed_corpus_uri=reviewed_corpus_uri,
        model_name=model_name,
        registry_uri=registry_uri,
        thresholds=GateThresholds.checked(**floors, **evidence, **limits),
        gate_path=gate.path,
        gate_report_path=gate_report.path,
        model_card_path=model_card.path,
    )
