"""Judged windows as they travel from the stage that compares to the one that decides."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from clinical_ner.drift.novelty import Novelty
from clinical_ner.drift.rules import DriftRules
from clinical_ner.drift.scores import ColumnScore
from clinical_ner.drift.windows import WindowDrift
from clinical_ner.errors import DataError


class JudgedWindows(BaseModel):
    """Two windows, the newest last, the rules that they were judged under, and what Evidently and novelty say of the newest."""

    model_config = ConfigDict(frozen=True)

    rules: DriftRules
    windows: tuple[WindowDrift, WindowDrift]
    scores: tuple[ColumnScore, ...] = ()
    novelty: Novelty | None = None


def dump_judged(
    rules: DriftRules,
    windows: tuple[WindowDrift, WindowDrift],
    scores: Sequence[ColumnScore],
    novelty: Novelty | None = None,
) -> bytes:
    """Judged windows as JSON."""
    judged = JudgedWindows(rules=rules, windows=windows, scores=tuple(scores), novelty=novelty)
    return judged.model_dump_json(indent=2).encode()


def load_judged(data: bytes) -> JudgedWindows:
    """Judged windows of :func:`dump_judged`.

    Raises:
        DataError: ``data`` is something else.
    """
    try:
        return JudgedWindows.model_validate_json(data)
    except ValidationError as error:
        raise DataError("judged windows: damaged, not what the drift-report stage writes") from error
