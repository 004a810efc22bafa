"""A board: its variables, its rows, and where each panel lies."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from deploy.monitoring.boards.panels import SOURCE, Placed

WIDTH = 24


class Sheet:
    """Builds one board; panels of a row lie side by side and go on in the next line when it is full."""

    def __init__(self, uid: str, title: str, about: str, *, variables: Sequence[str] = ()) -> None:
        self._board = (
            dashboard.Dashboard(title)
            .uid(uid)
            .description(about)
            .tags(["paidan"])
            .refresh("30s")
            .time("now-6h", "now")
            .timezone("browser")
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .link(dashboard.DashboardLink("派单 Paidan").type(model.DashboardLinkType.DASHBOARDS).tags(["paidan"]))
            .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
        )
        for name, url in _ADDRESSES.items():
            self._board.with_variable(dashboard.TextBoxVariable(name).default_value(url).label(name))
        for name in variables:
            label, query = VARIABLES[name]
            self._board.with_variable(
                dashboard.QueryVariable(name)
                .label(label)
                .datasource(SOURCE)
                .query(query)
                .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
                .include_all(True)
                .all_value(".*")
                .multi(True)
            )
        self._y = 0

    def row(self, title: str, *panels: Placed) -> "Sheet":
        """A titled row of panels."""
        self._board.with_row(dashboard.Row(title).grid_pos(model.GridPos(h=1, w=WIDTH, x=0, y=self._y)))
        self._y += 1
        x = high = 0
        for panel, look in panels:
            if x + look.width > WIDTH:
                x, self._y, high = 0, self._y + high, 0
            panel.grid_pos(model.GridPos(h=look.height, w=look.width, x=x, y=self._y))
            self._board.with_panel(panel)
            x, high = x + look.width, max(high, look.height)
        self._y += high
        return self

    def build(self) -> model.Dashboard:
        """The board as Grafana reads it."""
        return self._board.build()


# Where the lists are: a city puts its own addresses here once, and every link of every board goes there.
_ADDRESSES = {
    "dispatch": "http://127.0.0.1:8103",
    "supervision": "http://127.0.0.1:8104",
    "router": "http://127.0.0.1:8102",
    "runbooks": "https://example.org/paidan/docs/runbooks",
}
VARIABLES = {
    "district": ("区 district", "label_values(paidan_place_info, key)"),
    "source": ("来源 source", 'label_values(paidan_reports_accepted_total{source!="canary"}, source)'),
    "tier": ("层级 tier", 'label_values(paidan_kpi_denominator{group="tier"}, key)'),
    "major": ("大类 class", 'label_values(paidan_kpi_denominator{group="major"}, key)'),
    "unit": ("单位 unit", 'label_values(paidan_kpi_denominator{group="unit"}, key)'),
}
