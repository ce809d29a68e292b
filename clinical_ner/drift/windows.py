"""A window of the inference log, judged or not: when, how many notes, which model, how far from its reference."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict

from clinical_ner.drift.deviation import ColumnDeviation, compare, deviation_of
from clinical_ner.drift.profile import Model, Profile, empty_profile, profile_table
from clinical_ner.drift.reference import Reference
from clinical_ner.drift.rules import DriftRules
from clinical_ner.errors import DataError


class WindowDrift(BaseModel):
    """A window of one model's answers. ``start`` and ``end`` are UTC, the end not included."""

    model_config = ConfigDict(frozen=True)

    model_name: str
    model_version: str
    model_digest: str
    start: datetime
    end: datetime
    notes: int
    refused: int
    reference_notes: int = 0
    deviation: float = 0.0
    columns: tuple[ColumnDeviation, ...] = ()
    unjudged: str = ""
    """Why the window cannot be judged, in words; empty when it was."""


def models_in(table: pa.Table) -> list[Model]:
    """The models whose answers a log table holds, that with most records first."""
    names = ("model_name", "model_version", "model_digest")
    grouped = table.group_by(list(names)).aggregate([([], "count_all")])
    rows = sorted(grouped.to_pylist(), key=lambda row: (-row["count_all"], row["model_version"]))
    return [Model(*(row[name] for name in names)) for row in rows]


def profiles_by_model(table: pa.Table, labels: Mapping[str, tuple[str, ...]]) -> dict[Model, Profile]:
    """A profile for each model in a log table; ``labels`` are those of each model's digest.

    A window in the middle of a rollout holds several models: each is judged against its own reference. A model whose labels are
    not known is counted and has no values.

    Raises:
        DataError: the table is not one of the inference log.
    """
    missing = [name for name in ("model_name", "model_version", "model_digest") if name not in table.column_names]
    if missing:
        raise DataError(f"inference log: column {', '.join(missing)} is missing; is this a table of the inference log?")
    return {model: profile_table(_of_model(table, model), model, labels.get(model.digest, ())) for model in models_in(table)}


def _of_model(table: pa.Table, model: Model) -> pa.Table:
    same = pc.equal(table["model_digest"], model.digest)
    same = pc.and_(same, pc.equal(table["model_version"], model.version))
    return table.filter(pc.and_(same, pc.equal(table["model_name"], model.name)))


def judge_window(
    window: Profile, reference: Reference | None, *, start: datetime, end: datetime, rules: DriftRules
) -> WindowDrift:
    """Compare a window with its model's reference; one that cannot be judged says why and deviates by 0."""
    facts: dict[str, Any] = {
        "model_name": window.model.name,
        "model_version": window.model.version,
        "model_digest": window.model.digest,
        "start": start,
        "end": end,
        "notes": window.notes,
        "refused": window.refused,
        "reference_notes": reference.profile.notes if reference else 0,
    }
    unjudged = _why_unjudged(window, reference, rules)
    if unjudged or reference is None:
        return WindowDrift(**facts, unjudged=unjudged)
    columns = compare(reference, window, alpha=rules.alpha)
    return WindowDrift(**facts, deviation=deviation_of(columns), columns=tuple(columns))


def empty_window(model: Model, *, start: datetime, end: datetime) -> WindowDrift:
    """The window of a model without a record."""
    return judge_window(empty_profile(model, ()), None, start=start, end=end, rules=DriftRules())


def _why_unjudged(window: Profile, reference: Reference | None, rules: DriftRules) -> str:
    model = f"{window.model.name} {window.model.version}"
    if not window.notes:
        refused = f" ({window.refused:,} were refused)" if window.refused else ""
        return f"The window holds no answered note of {model}{refused}."
    if reference is None:
        return f"{model} has no reference profile: evaluate the version again, or promote one that has one."
    if reference.profile.model.digest != window.model.digest:
        return f"The reference is another model's than {model}, whose answers the window holds."
    if window.notes < rules.min_window_notes:
        return f"{window.notes:,} notes; a window is judged from {rules.min_window_notes:,} on (min_window_notes)."
    if reference.profile.notes < rules.min_reference_notes:
        return (
            f"The reference of {model} holds {reference.profile.notes:,} notes; {rules.min_reference_notes:,} are needed "
            f"(min_reference_notes)."
        )
    return ""
