"""Shows Prometheus what the API answers: the same statement, every half minute, with labels that are bounded.

A series is set before stale ones are removed, so that a scrape in between sees no gap.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg
from prometheus_client import Gauge

from schemas.city import City
from services.chassis import metrics
from services.chassis.database import Connection
from services.supervision.rules.kpi import BUCKETS, KPIS, Bearings, Kind
from services.supervision.rules.kpi.league import quantile
from services.supervision.store import appeals, findings, numbers
from services.supervision.store.numbers import Period

EVERY = 30.0  # seconds
GROUPS = {"today": ("city", "district", "source"), "month": ("city", "district", "source", "tier", "major")}
# by which numbers single street offices are shown; all others are in the API
OF_STREETS = ("contact_in_time", "answer_in_time", "solved", "satisfied")
QUANTILES = {"0.5": 0.5, "0.9": 0.9}
AGES = (("1h", 1 / 24), ("1d", 1), ("3d", 3), ("7d", 7), ("15d", 15), ("30d", 30), ("older", None))
FINDINGS_OF = timedelta(days=30)
Labels = tuple[str, ...]


class Exporter:
    """What one worker shows. `streets` are the units that have series of their own."""

    def __init__(self, pool: asyncpg.Pool, bearings: Bearings, streets: frozenset[str] = frozenset()) -> None:
        self._pool = pool
        self._bearings = bearings
        self._streets = streets
        self._shown: dict[Gauge, set[Labels]] = {}

    @classmethod
    def of(cls, pool: asyncpg.Pool, city: City) -> "Exporter":
        """For a city pack."""
        streets = frozenset(unit.unit_id for unit in city.units if unit.function == "street_office")
        return cls(pool, Bearings.of(city), streets)

    async def export(self) -> None:
        """Look once, and show it."""
        num: dict[Labels, float] = {}
        den: dict[Labels, float] = {}
        seconds: dict[Labels, float] = {}
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            through = await numbers.frozen_through(connection, None)
            today = self._bearings.day(now)
            for name, first in (("today", today), ("month", today.replace(day=1))):
                period = Period(first, today, through)
                for group in GROUPS[name]:
                    await self._read(connection, period, name, group, num, den, seconds)
                if name == "month":
                    await self._streets_of(connection, period, num, den)
            opened = await numbers.open_orders(connection, now, AGES)
            found = await findings.standing(connection, now - FINDINGS_OF)
            waiting = await appeals.waiting(connection)
        self._show(metrics.KPI_NUMERATOR, num)
        self._show(metrics.KPI_DENOMINATOR, den)
        self._show(metrics.KPI_SECONDS, seconds)
        self._show(metrics.OPEN_ORDERS, {labels: float(count) for labels, count in opened.items()})
        self._show(metrics.FINDINGS_OPEN, {(kind,): count for kind, count in found.items()})
        self._show(metrics.APPEALS_OPEN, {(step,): count for step, count in waiting.items()})

    async def _read(
        self,
        connection: Connection,
        period: Period,
        name: str,
        group: str,
        num: dict[Labels, float],
        den: dict[Labels, float],
        seconds: dict[Labels, float],
    ) -> None:
        kinds = {kpi.kpi: kpi.kind for kpi in KPIS}
        for (key, kpi), number in (await numbers.numbers(connection, period, group, list(kinds))).items():
            labels = (kpi, name, group, key)
            num[labels], den[labels] = number.num / 10, number.den
            if kinds[kpi] is Kind.DURATION:
                for label, share in QUANTILES.items():
                    value = quantile(share, number.buckets or [], BUCKETS)
                    if value is not None:
                        seconds[*labels, label] = value

    async def _streets_of(
        self, connection: Connection, period: Period, num: dict[Labels, float], den: dict[Labels, float]
    ) -> None:
        for (unit, kpi), number in (await numbers.numbers(connection, period, "unit", OF_STREETS)).items():
            if unit in self._streets:
                labels = (kpi, "month", "unit", unit)
                num[labels], den[labels] = number.num / 10, number.den

    def _show(self, gauge: Gauge, values: Mapping[Labels, float]) -> None:
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        for labels in self._shown.get(gauge, set()) - values.keys():
            gauge.remove(*labels)
        self._shown[gauge] = set(values)
