"""The tuning report (HTML): best parameters, every trial, and plots where there are trials enough to draw.

Plots are Optuna's own, drawn by plotly.js, which is put into the page once (4.5 MB): the page must open without network.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from markupsafe import Markup
from optuna import visualization
from optuna.trial import FrozenTrial, TrialState
from plotly.offline import get_plotlyjs

from clinical_ner.reports.theme import render_html

PLOTTED_TRIALS = 2
"""Finished trials below which there is nothing to plot."""
IMPORTANCE_TRIALS = 10
"""Finished trials below which parameter importances (fANOVA, Hutter et al. 2014) follow the noise."""
LISTED_TRIALS = 200

_TEMPLATE = {
    "template": "plotly_white",
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1c2833"},
    "title": None,
    "legend": {"orientation": "h", "y": 1.12, "x": 0},
    "margin": {"l": 64, "r": 24, "t": 32, "b": 56},
    "height": 340,
    "colorway": ["#0b6b74", "#b3541e", "#5b4b9a"],
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot as a ``div`` and its script, with how to read it."""

    title: str
    reading: str
    html: Markup
    wide: bool


def render_tuning(
    study: optuna.Study,
    *,
    title: str = "Tuning",
    metric: str = "strict span F1 on the development part",
    fixed: Mapping[str, object] | None = None,
) -> str:
    """One HTML page for any study: without a finished trial it says so, with few it leaves out what they cannot support.

    ``fixed`` are parameters that were not searched. Trials are listed best first, at most 200 of them.
    """
    trials = sorted(study.get_trials(deepcopy=False), key=_rank)
    finished = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    plots = _plots(study, finished) if len(finished) >= PLOTTED_TRIALS else []
    return render_html(
        "tuning",
        title=title,
        metric=metric,
        study_name=study.study_name,
        fixed=dict(fixed or {}),
        best=finished[0] if finished else None,
        parameters=sorted({name for trial in trials for name in trial.params}),
        trials=trials[:LISTED_TRIALS],
        hidden=max(len(trials) - LISTED_TRIALS, 0),
        states={state.name.lower(): sum(trial.state is state for trial in trials) for state in TrialState},
        first=min(finished, key=lambda trial: trial.number, default=None),
        remarks=_remarks(finished),
        plots=plots,
        plotly=Markup(get_plotlyjs()) if plots else "",  # noqa: S704  the library's own script
    )


def _rank(trial: FrozenTrial) -> tuple[bool, float, int]:
    """Finished trials by value, best first, then all others; in each by number."""
    finished = trial.state is TrialState.COMPLETE
    return not finished, -(trial.value or 0.0) if finished else 0.0, trial.number


def _remarks(finished: Sequence[FrozenTrial]) -> list[str]:
    if not finished:
        return ["No trial finished: there are no best parameters. Raise tuning_timeout_seconds or n_trials."]
    if len(finished) == 1:
        return ["One trial finished: nothing was compared, and there is nothing to plot."]
    if len(finished) < IMPORTANCE_TRIALS:
        few = (
            f"Only {len(finished)} trials finished. The best of so few may be best by chance; parameter importances are left "
            f"out below {IMPORTANCE_TRIALS} trials."
        )
        return [few]
    return []


def _plots(study: optuna.Study, finished: Sequence[FrozenTrial]) -> list[Plot]:
    importances = len(finished) >= IMPORTANCE_TRIALS and _varies(finished)
    plots = [
        _plot(
            "Optimisation history",
            "Each point is a trial, the line the best so far. A line that still climbs at the end asks for more trials.",
            visualization.plot_optimization_history(study, target_name="F1"),
            wide=not importances,
        ),
    ]
    if importances:
        from optuna.importance import FanovaImportanceEvaluator  # brings scikit-learn, seconds that small studies save

        plots.append(
            _plot(
                "Parameter importances",
                "Share of the score's variance that each parameter explains (fANOVA), 0 to 1.",
                visualization.plot_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0), target_name="F1"),
                wide=False,
            )
        )
    plots += [
        _plot(
            "Slices",
            "The score over each parameter. A best trial at the edge asks for a wider range.",
            visualization.plot_slice(study, target_name="F1"),
        ),
        _plot(
            "Parallel coordinates",
            "Each line is a trial: which combinations lead to high scores.",
            visualization.plot_parallel_coordinate(study, target_name="F1"),
        ),
    ]
    return plots


def _varies(finished: Sequence[FrozenTrial]) -> bool:
    """False when all trials score the same: there is no variance to explain."""
    values = [trial.value or 0.0 for trial in finished]
    return not math.isclose(min(values), max(values), abs_tol=1e-9)


def _plot(title: str, reading: str, figure: Any, *, wide: bool = True) -> Plot:
    figure.update_layout(**_TEMPLATE)
    figure.update_xaxes(title_font_size=13)
    figure.update_yaxes(title_font_size=13)
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=title.lower().replace(" ", "-"),
        config={"displayModeBar": False, "responsive": True},
    )
    return Plot(title, reading, Markup(html), wide)  # noqa: S704  plotly's own, and values of trials are numbers
