"""City vital signs 城市体征: five dimensions, each with the indicators that are registered for it in `vitals.toml`."""

import tomllib
from pathlib import Path

from grafana_foundation_sdk.models import dashboard as model
from msgspec import Struct, convert

from deploy.monitoring.boards.asking import PLACES
from deploy.monitoring.boards.panels import DISPATCH, Ask, Look, city_map, trend
from deploy.monitoring.boards.sheet import Sheet

REGISTRY = Path(__file__).with_name("vitals.toml")
DIMENSIONS = {
    "dynamics": "城市动态 City life",
    "environment": "城市环境 Environment",
    "traffic": "城市交通 Traffic",
    "supply": "城市保障供应 Supply",
    "infrastructure": "城市基础设施 Infrastructure",
}


class Indicator(Struct, frozen=True, forbid_unknown_fields=True):
    """One vital sign: its number in the city's list, its dimension, its names, and the query that measures it."""

    indicator: str
    dimension: str
    name: str
    name_en: str
    expr: str
    legend: str = "{{key}}"
    unit: str = "short"


def indicators() -> list[Indicator]:
    """The registry. Raises msgspec.ValidationError for a row that is none."""
    return convert(tomllib.loads(REGISTRY.read_text(encoding="utf-8"))["indicator"], list[Indicator])


def vitals() -> model.Dashboard:
    """The board of the city's government."""
    sheet = Sheet("paidan-vitals", "城市体征 City vital signs", "五个维度 | five dimensions", variables=("district",))
    for dimension, title in DIMENSIONS.items():
        panels = []
        for each in indicators():
            if each.dimension == dimension:
                look = Look(f"{DISPATCH}/v1/orders", each.unit, width=8, height=7, about=f"{each.indicator}")
                panels.append(trend(f"{each.name} {each.name_en}", [Ask(each.expr, each.legend)], look))
        sheet.row(title, *panels)
    where = Look(f"{DISPATCH}/v1/orders", width=24, height=14)
    opened = 'max by (key) (paidan_kpi_denominator{kpi="found_first", period="today", group="district"})'
    sheet.row("地图 Map", city_map("今日新单 Opened today", Ask(f"{opened} {PLACES}", "orders"), where))
    return sheet.build()
