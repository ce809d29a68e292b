"""Evidently: its column scores and its report. The only module that knows it.

Evidently is given values from profiles, of reference and window alike; a bin is at most 1/4,096 of a share or 1/2,048 of a
number wide. Columns have their own numbers of values and are filled up with missing ones, which Evidently leaves out.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from numpy.typing import NDArray

from clinical_ner.drift.columns import REPORTED
from clinical_ner.drift.grid import grid_of
from clinical_ner.drift.profile import Profile
from clinical_ner.drift.scores import THRESHOLD, ColumnScore, method_of, score_columns

EVIDENTLY_MAX_ROWS = 50_000
"""Values a column up to which Evidently computes the scores; above, the same formulas on the profile do."""
SAMPLE_ROWS = 5_000
"""Values a column that Evidently draws from when there are more than it computes on."""
_POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:; font-src data:\">"
)
_NOT_GIVEN = "(not given)"


@dataclass(frozen=True, slots=True)
class EvidentlyReport:
    """Scores of the decision columns, and Evidently's page: one HTML file that opens without network."""

    scores: list[ColumnScore]
    html: str
    sampled: bool
    """The page was drawn from a sample, and its own scores are the sample's; ``scores`` never are."""


def evidently_report(
    reference: Profile,
    window: Profile,
    *,
    time: datetime | None = None,
    max_rows: int = EVIDENTLY_MAX_ROWS,
    workspace: Path | None = None,
    seed: int = 0,
) -> EvidentlyReport:
    """Score and draw a window against its reference.

    ``time`` is the window's (UTC). With ``workspace`` the snapshot is kept there too, in a project named as the model, for
    ``evidently ui --workspace`` to show as a trend; its name is the model's version.
    """
    sampled = max(_largest(reference), _largest(window)) > max_rows
    generator = np.random.default_rng(seed)
    limit = SAMPLE_ROWS if sampled else max_rows
    names = [name for name in reference.columns if reference.values(name) and window.values(name)]
    frames = [_frame(profile, names, limit, generator) for profile in (reference, window)]
    snapshot = _run(frames[0], frames[1], names, window.model.version, time)
    if workspace is not None:
        _keep(snapshot, workspace, window.model.name, names)
    scores = score_columns(reference, window) if sampled else _read_scores(snapshot, names)
    return EvidentlyReport(scores, _seal(snapshot.get_html_str(as_iframe=False)), sampled)


def _seal(html: str) -> str:
    """The page with a policy that forbids it every request."""
    return html.replace("<head>", f"<head>{_POLICY}", 1)


def _largest(profile: Profile) -> int:
    return max(profile.notes, *(profile.values(name) for name in profile.columns))


def _frame(profile: Profile, names: Sequence[str], limit: int, generator: np.random.Generator) -> pd.DataFrame:
    """A column for each of ``names`` and :data:`REPORTED`; the longest column's length is the frame's."""
    columns: dict[str, pd.Series] = {}
    for name in names:
        counts = _at_most(profile.columns[name], limit, generator)
        columns[name] = pd.Series(np.repeat(grid_of(name).value(np.arange(len(counts))), counts))
    for name in REPORTED:
        given = profile.categories[name] or {_NOT_GIVEN: 1}
        counts = _at_most(np.array(list(given.values()), dtype=np.int64), limit, generator)
        columns[name] = pd.Series(np.repeat([value or _NOT_GIVEN for value in given], counts))
    return pd.DataFrame(columns)


def _at_most(counts: NDArray[np.int64], limit: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Counts of a sample without replacement, of ``limit`` values or of all when they are no more."""
    if counts.sum() <= limit:
        return counts
    return generator.multivariate_hypergeometric(counts, limit, method="marginals")


def _run(reference: pd.DataFrame, window: pd.DataFrame, names: list[str], version: str, time: datetime | None) -> Any:
    """Evidently's snapshot, with the methods set by name."""
    os.environ["DO_NOT_TRACK"] = "1"  # read at import: no usage statistics leave the machine
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]
    from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]

    columns = [*names, *REPORTED]
    categorical = [name for name in columns if method_of(name) == "jensenshannon"]
    definition = DataDefinition(
        numerical_columns=[name for name in columns if name not in categorical],
        categorical_columns=categorical,
    )
    methods: dict[str, Any] = {name: method_of(name) for name in columns}
    preset = DataDriftPreset(columns=columns, per_column_method=methods, threshold=THRESHOLD)
    data = [Dataset.from_pandas(frame, data_definition=definition) for frame in (window, reference)]
    return Report([preset]).run(*data, timestamp=time, name=version or None)


def _read_scores(snapshot: Any, names: Sequence[str]) -> list[ColumnScore]:
    values = {
        metric["config"]["column"]: float(metric["value"])
        for metric in snapshot.dict()["metrics"]
        if "column" in metric["config"]
    }
    return [
        ColumnScore(column=name, method=method_of(name), score=values[name], drifted=values[name] >= THRESHOLD)
        for name in names
    ]


def _keep(snapshot: Any, folder: Path, project_name: str, names: Sequence[str]) -> None:
    """Add the snapshot to the project of that name; one is made when there is none, with a dashboard of scores over time."""
    from evidently.ui.workspace import Workspace  # type: ignore[import-untyped]

    workspace = Workspace.create(str(folder))
    found = [project for project in workspace.list_projects() if project.name == project_name]
    project = found[0] if found else workspace.create_project(project_name)
    if not project.dashboard.model().panels:
        _add_panels(project.dashboard, names)
    workspace.add_run(project.id, snapshot)


def _add_panels(dashboard: Any, names: Sequence[str]) -> None:
    """A line for the share of drifted columns and one for the score of each column, a point a snapshot."""
    from evidently.sdk.models import PanelMetric  # type: ignore[import-untyped]
    from evidently.sdk.panels import line_plot_panel  # type: ignore[import-untyped]

    share = [PanelMetric(legend="share", metric="DriftedColumnsCount", metric_labels={"value_type": "share"})]
    dashboard.add_panel(line_plot_panel("Share of columns that Evidently calls drifted", share))
    scores = [PanelMetric(legend=name, metric="ValueDrift", metric_labels={"column": name}) for name in names]
    dashboard.add_panel(line_plot_panel(f"Evidently's drift score of each column; {THRESHOLD:g} is drift", scores))
