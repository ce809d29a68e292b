"""The model card (Markdown), after Mitchell et al. 2019, "Model Cards for Model Reporting". It shows no note text."""

from collections.abc import Mapping

from clinical_ner.evaluation.evaluation import Evaluation, LabelScore, Scores
from clinical_ner.model_package import Manifest
from clinical_ner.reports.theme import render_markdown

ALL = "all"


def render_model_card(
    manifest: Manifest,
    evaluation: Evaluation,
    *,
    gate_verdict: str | None,
    counts: Mapping[str, int] | None = None,
) -> str:
    """Markdown; ``counts`` are sizes of the training data by name (documents, tokens, spans of a label), where known."""
    return render_markdown(
        "model_card",
        manifest=manifest,
        evaluation=evaluation,
        strict=_rows(evaluation.strict),
        overlap=_rows(evaluation.overlap),
        gate_verdict=gate_verdict,
        counts=dict(counts or {}),
    )


def _rows(scores: Scores) -> list[tuple[str, LabelScore]]:
    """Each label's scores, those of all labels last."""
    return [*scores.per_label.items(), (ALL, scores)]
