"""The few kinds of panels that the boards are made of. Titles are Chinese and English; each panel leads to its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, dashboard, geomap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel = stat.Panel | timeseries.Panel | bargauge.Panel | table.Panel | geomap.Panel
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
DISPATCH, SUPERVISION, ROUTER, RUNBOOKS = "${dispatch}", "${supervision}", "${router}", "${runbooks}"
LATITUDE, LONGITUDE = "lat", "lon"


@dataclass(frozen=True)
class Ask:
    """One query and what its lines are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Look:
    """How a panel looks, and where one finds what is behind its number. `unit` is Grafana's; from `yellow` and `red` on
    the value is of that colour, or below them where it `falls`; `width` is of 24."""

    link: str
    unit: str = "short"
    yellow: float | None = None
    red: float | None = None
    width: int = 6
    height: int = 6
    about: str = ""
    falls: bool = False

    def thresholds(self) -> dashboard.ThresholdsConfig:
        """Colours by value."""
        marks = (
            [(self.red, "yellow"), (self.yellow, "green")]
            if self.falls
            else [(self.yellow, "yellow"), (self.red, "red")]
        )
        first = "red" if self.falls else "green"
        steps = [model.Threshold(value=at, color=color) for at, color in marks if at is not None]
        return dashboard.ThresholdsConfig().steps([model.Threshold(value=None, color=first), *steps])


Placed = tuple[Panel, Look]


def number(title: str, expr: str, look: Look, legend: str = "") -> Placed:
    """One big number, or one for each label."""
    text = shapes.BigValueTextMode.VALUE_AND_NAME if legend else shapes.BigValueTextMode.VALUE
    panel = stat.Panel().color_mode(shapes.BigValueColorMode.BACKGROUND).text_mode(text).reduce_options(_last())
    return _dressed(panel, title, [Ask(expr, legend)], look, instant=True), look


def trend(title: str, asks: Sequence[Ask], look: Look) -> Placed:
    """Lines over time."""
    return _dressed(timeseries.Panel().min(0), title, asks, look), look


def bars(title: str, ask: Ask, look: Look) -> Placed:
    """One bar for each label, the longest first."""
    panel = bargauge.Panel().reduce_options(_last()).orientation(shapes.VizOrientation.HORIZONTAL)
    return _dressed(panel, title, [Ask(f"sort_desc({ask.expr})", ask.legend)], look, instant=True), look


def rows(title: str, asks: Sequence[Ask], look: Look) -> Placed:
    """A table of the values as they are now: a column for each query, headed by its legend."""
    return _dressed(_tabled(table.Panel(), asks), title, asks, look, instant=True, form=PromQueryFormat.TABLE), look


def city_map(title: str, ask: Ask, look: Look) -> Placed:
    """A spot for each place, as large as its number; the query brings the labels `lat` and `lon`."""
    where = (
        common.FrameGeometrySource().mode(shapes.FrameGeometrySourceMode.COORDS).latitude(LATITUDE).longitude(LONGITUDE)
    )
    size = {"field": ask.legend, "fixed": 8, "min": 6, "max": 40}
    style = {"size": size, "color": {"field": ask.legend, "fixed": "blue"}, "text": {"field": "name", "mode": "field"}}
    layer = (
        common.MapLayerOptions()
        .type("markers")
        .name(title)
        .location(where)
        .config({"style": style, "showLegend": True})
        .tooltip(True)
    )
    numbers = [{"targetField": name, "destinationType": "number"} for name in (LATITUDE, LONGITUDE)]
    panel = _tabled(geomap.Panel().layers([layer]), [ask]).with_transformation(
        model.DataTransformerConfig(id_val="convertFieldType", options={"conversions": numbers})
    )
    panel = panel.view(geomap.MapViewConfig().id("fit").all_layers(True))
    return _dressed(panel, title, [ask], look, instant=True, form=PromQueryFormat.TABLE), look


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _tabled(panel: Any, asks: Sequence[Ask]) -> Any:
    """One row for each set of labels; values go by their query's legend."""
    letters = {f"Value #{chr(ord('A') + n)}" if len(asks) > 1 else "Value": ask.legend for n, ask in enumerate(asks)}
    hidden = dict.fromkeys(("Time", "__name__", "instance", "job", "process"), True)
    return panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={})).with_transformation(
        model.DataTransformerConfig(id_val="organize", options={"excludeByName": hidden, "renameByName": letters})
    )


def _dressed(
    panel: Any,
    title: str,
    asks: Sequence[Ask],
    look: Look,
    *,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> Any:
    panel = (
        panel.title(title)
        .description(look.about)
        .datasource(SOURCE)
        .unit(look.unit)
        .thresholds(look.thresholds())
        .links([dashboard.DashboardLink("名单 list").url(look.link).target_blank(True)])
    )
    for n, ask in enumerate(asks):
        query = prometheus.Dataquery().expr(ask.expr).legend_format(ask.legend or "__auto").ref_id(chr(ord("A") + n))
        query = query.format(form)
        panel = panel.with_target(query.instant() if instant else query.range())
    return panel
