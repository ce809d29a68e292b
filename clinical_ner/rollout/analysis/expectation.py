"""What the canary should show against the stable, as the quality gate measured it on the same notes."""

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from clinical_ner.errors import ModelFormatError, NotFound
from clinical_ner.model_versions import model_folder
from clinical_ner.rollout.written import Written
from clinical_ner.storage import Storage

GATE_REPORT = "release/gate.json"
ENTITIES = "entities_per_100_tokens."
MEAN_SCORE = "mean_score"
REVIEWED = "reviewed."


class _GateReport(BaseModel):
    """Of :class:`clinical_ner.gate.GateReport` what matters; whoever watches a rollout need not load what trains models."""

    champion: str
    comparison: Mapping[str, Mapping[str, float]]


class Ratio(Written):
    """Challenger over champion.

    A retrain is measured on reference notes and on reviewed notes of a drifted window; what arrives is a mixture of such notes,
    so its ratio is expected between the two.
    """

    low: float
    high: float


class Expectation(Written):
    """The gate's ratios of what a running server counts too."""

    champion: str
    """The version that the ratios are over; they say nothing of any other."""
    entities: Mapping[str, Ratio] = {}
    """By label: entities per token; 0 when the challenger found none. A label that the champion did not find is left out."""
    mean_score: Ratio | None = None


def parse_expectation(data: bytes, *, source: str) -> Expectation | None:
    """The expectation in a gate report; None when the gate compared with no champion.

    Raises:
        ModelFormatError: it is no gate report.
    """
    try:
        report = _GateReport.model_validate_json(data)
    except ValidationError as error:
        raise ModelFormatError(f"{source}: not a gate report") from error
    ratios = _ratios(report.comparison)
    if not report.champion or not ratios:
        return None
    entities = {name.removeprefix(ENTITIES): ratio for name, ratio in ratios.items() if name.startswith(ENTITIES)}
    score = ratios.get(MEAN_SCORE)
    return Expectation(champion=report.champion, entities=entities, mean_score=score if score and score.low > 0 else None)


def _ratios(comparison: Mapping[str, Mapping[str, float]]) -> dict[str, Ratio]:
    found: dict[str, list[float]] = {}
    for name, row in comparison.items():
        if row.get("champion", 0.0) > 0:
            found.setdefault(name.removeprefix(REVIEWED), []).append(row["ratio"])
    return {name: Ratio(low=min(values), high=max(values)) for name, values in found.items()}


def read_expectation(storage: Storage, model: str, version: str) -> Expectation | None:
    """The expectation of a registered version; None when it was released without a gate report, or as the first.

    Raises:
        ModelFormatError: its gate report is damaged.
    """
    key = f"{model_folder(model, version)}/{GATE_REPORT}"
    try:
        data = storage.read(key)
    except NotFound:
        return None
    return parse_expectation(data, source=key)
