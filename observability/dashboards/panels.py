"""Building blocks of all dashboards: variables, queries and panels with one look."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
EVERYWHERE = 'namespace=~"$namespace"'
"""Chooses the series of the environments that the person asked for; also those without a namespace."""
OF_VERSION = f'{EVERYWHERE}, model_version=~"$model_version"'
HEIGHT = 8
TAGS = ["clinical-ner"]

Panel = Any
"""A builder of one of the SDK's panels; they share no type of their own."""


class Line(NamedTuple):
    """A query and how its series are called."""

    query: str
    legend: str


def lines(title: str, meaning: str, unit: str, *shown: Line, span: int = 8, limit: float | None = None) -> Panel:
    """Values over time; ``limit`` is drawn as a dashed line."""
    panel = _described(timeseries.Panel(), title, meaning, span).unit(unit).min(0)
    panel = panel.fill_opacity(8).show_points(common.VisibilityMode.NEVER)
    panel = panel.legend(
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull"])
    )
    panel = panel.tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    if limit is not None:
        panel = panel.thresholds(_steps(limit)).thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    return _with(panel, shown)


def number(title: str, meaning: str, unit: str, shown: Line, *, span: int = 4, limit: float | None = None) -> Panel:
    """The present value, red from ``limit`` on."""
    panel = _described(stat.Panel(), title, meaning, span).unit(unit)
    panel = panel.thresholds(_steps(limit)) if limit is not None else panel
    return panel.with_target(_query(shown, "A").instant())


def bars(title: str, meaning: str, unit: str, shown: Line, *, span: int = 8, limit: float | None = None) -> Panel:
    """One bar for each series, of the present values."""
    panel = _described(bargauge.Panel(), title, meaning, span).unit(unit).min(0)
    panel = panel.orientation(common.VizOrientation.HORIZONTAL)
    panel = panel.thresholds(_steps(limit)) if limit is not None else panel
    return panel.with_target(_query(shown, "A").instant())


def states(title: str, meaning: str, *shown: Line, span: int = 8) -> Panel:
    """When which series was 1."""
    panel = _described(statetimeline.Panel(), title, meaning, span).min(0).max(1)
    return _with(panel.show_value(common.VisibilityMode.NEVER), shown)


def buckets(title: str, meaning: str, unit: str, query: str, *, span: int = 8) -> Panel:
    """A histogram over time, from its buckets by ``le``."""
    panel = _described(heatmap.Panel(), title, meaning, span)
    panel = panel.calculate(False).y_axis(heatmap.YAxisConfig().unit(unit))
    return panel.with_target(_query(Line(query, "{{le}}"), "A").format(PromQueryFormat.HEATMAP))


def listing(title: str, meaning: str, query: str, *, span: int = 12) -> Panel:
    """The labels of all series as a table."""
    panel = _described(table.Panel(), title, meaning, span)
    return panel.with_target(_query(Line(query, ""), "A").instant().format(PromQueryFormat.TABLE))


def rows(title: str, uid: str, meaning: str, sections: Mapping[str, Sequence[Panel]], *, since: str) -> dict[str, Any]:
    """The whole dashboard as Grafana's JSON: a row for each section, and the three variables above."""
    built = builders.Dashboard(title).uid(uid).description(meaning).tags(TAGS).timezone("browser").readonly()
    built = built.time(f"now-{since}", "now").refresh("1m").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    others = builders.DashboardLink("Clinical NER").type(dashboard.DashboardLinkType.DASHBOARDS).tags(TAGS)
    built = built.link(others.include_vars(True).keep_time(True))
    for variable in _variables():
        built = built.with_variable(variable)
    for name, panels in sections.items():
        built = built.with_row(builders.Row(name))
        for panel in panels:
            built = built.with_panel(panel)
    found: dict[str, Any] = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    # The SDK numbers rows 0 and panels not at all; Grafana would renumber them at each load, and links to a panel would break.
    return found | {"panels": [{**panel, "id": number} for number, panel in enumerate(found["panels"], start=1)]}


def queries_of(dashboard_json: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and PromQL of every query of every panel."""
    panels = [panel for each in dashboard_json["panels"] for panel in (each, *each.get("panels", ()))]
    return [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", ())]


def _variables() -> list[Any]:
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    chosen = [
        ("namespace", "Namespace", "label_values(clinical_ner_model_info, namespace)"),
        ("model_version", "Version", 'label_values(clinical_ner_model_info{namespace=~"$namespace"}, model_version)'),
    ]
    return [source, *(_variable(*each) for each in chosen)]


def _variable(name: str, label: str, query: str) -> Any:
    variable = builders.QueryVariable(name).label(label).query(query).datasource(SOURCE).multi(True)
    variable = variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    # ".*" instead of a list of values, so that series without a namespace, and versions of the past, are among all.
    return variable.include_all(True).all_value(".*").current(dashboard.VariableOption(text="All", value="$__all"))


def _described(panel: Panel, title: str, meaning: str, span: int) -> Panel:
    return panel.title(title).description(meaning).datasource(SOURCE).span(span).height(HEIGHT)


def _with(panel: Panel, shown: Sequence[Line]) -> Panel:
    for place, line in enumerate(shown):
        panel = panel.with_target(_query(line, chr(ord("A") + place)))
    return panel


def _query(line: Line, ref_id: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(line.query).legend_format(line.legend).ref_id(ref_id).datasource(SOURCE)


def _steps(limit: float) -> builders.ThresholdsConfig:
    steps = [dashboard.Threshold(value=None, color="green"), dashboard.Threshold(value=limit, color="red")]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
