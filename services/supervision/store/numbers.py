"""The numbers themselves, counted in one place for the API, for Prometheus and for files.

A period is read from three sources that never overlap: frozen days, their corrections, and what orders count on days
that are not frozen yet. `through` is the last day that counts as frozen for the question.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.kpi.definitions import BUCKETS, KPIS, Kind

AXES = ("city", "unit", "tier", "district", "major", "source")
SECONDS = {"time_to_accept": "accept_s", "time_to_contact": "contact_s", "time_to_handle": "handle_s"}
BITS = {kpi.kpi: kpi.bit for kpi in KPIS}
PLAIN = tuple(kpi.kpi for kpi in KPIS if kpi.kind in (Kind.RATE, Kind.COUNT))
BOUNDS = f"ARRAY[{', '.join(map(str, BUCKETS))}]"
STOCK = "overdue_open"


class Number(Struct):
    """One number of one member of a group. `num` is in tenths; of a duration it is seconds times ten, and `buckets`
    count how many took how long."""

    num: int = 0
    den: int = 0
    buckets: list[int] | None = None

    def add(self, num: int, den: int, buckets: Sequence[int] | None = None) -> None:
        """Take more in."""
        self.num += num
        self.den += den
        if buckets is not None:
            mine = self.buckets or [0] * (len(BUCKETS) + 1)
            self.buckets = [a + b for a, b in zip(mine, buckets, strict=True)]


class Period(Struct, frozen=True):
    """Which days, as they were known at `as_of`; None is now. Days after `through` are counted as they stand, unless
    `as_of` is given: then they were not frozen yet, and do not count."""

    first: date
    last: date
    through: date | None
    as_of: datetime | None = None

    @property
    def frozen_last(self) -> date | None:
        """The last day that is read from frozen numbers; None without one."""
        if self.through is None or self.through < self.first:
            return None
        return min(self.last, self.through)

    @property
    def live_first(self) -> date | None:
        """The first day that is counted as it stands; None without one."""
        if self.as_of is not None or (self.through is not None and self.through >= self.last):
            return None
        return self.first if self.through is None else max(self.first, date.fromordinal(self.through.toordinal() + 1))


Found = dict[tuple[str, str], Number]  # (key, kpi) → number


def key_of(axis: str) -> str:
    """The expression that names a row's member of a group."""
    return "'all'" if axis == "city" else axis


async def frozen_through(connection: Connection, as_of: datetime | None) -> date | None:
    """The last day that was frozen at that moment."""
    found: date | None = await connection.fetchval(
        "SELECT max(day) FROM frozen_days WHERE $1::timestamptz IS NULL OR at <= $1", as_of
    )
    return found


async def numbers(connection: Connection, period: Period, axis: str, kpis: Sequence[str]) -> Found:
    """These numbers of a period for every member of a group that has any. The connection must be in a transaction that
    sees one state throughout."""
    found: Found = defaultdict(Number)
    if period.frozen_last is not None:
        await _frozen(connection, period, axis, kpis, found)
        await _corrected(connection, period, axis, kpis, found)
    if period.live_first is not None:
        await _live(connection, period, axis, kpis, found)
    if STOCK in kpis:
        for key, count in (await stock(connection, period, axis)).items():
            found[key, STOCK].add(count * 10, count)
    return {key: number for key, number in found.items() if number.den or number.num}


async def _frozen(connection: Connection, period: Period, axis: str, kpis: Sequence[str], found: Found) -> None:
    plain = [kpi for kpi in kpis if kpi not in SECONDS]
    rows = await connection.fetch(
        "SELECT key, kpi, sum(num)::bigint AS num, sum(den)::bigint AS den FROM kpi_days"
        " WHERE axis = $1 AND kpi = ANY($2) AND day BETWEEN $3 AND $4 GROUP BY key, kpi",
        axis,
        plain,
        period.first,
        period.frozen_last,
    )
    for row in rows:
        found[row["key"], row["kpi"]].add(row["num"], row["den"])
    long = [kpi for kpi in kpis if kpi in SECONDS]
    if long:
        rows = await connection.fetch(
            "SELECT key, kpi, num, den, buckets FROM kpi_days WHERE axis = $1 AND kpi = ANY($2)"
            " AND day BETWEEN $3 AND $4",
            axis,
            long,
            period.first,
            period.frozen_last,
        )
        for row in rows:
            found[row["key"], row["kpi"]].add(row["num"], row["den"], row["buckets"])


async def _corrected(connection: Connection, period: Period, axis: str, kpis: Sequence[str], found: Found) -> None:
    rows = await connection.fetch(
        f"SELECT {key_of(axis)} AS key, kpi, bucket, sum(num)::bigint AS num, sum(den)::bigint AS den"
        " FROM kpi_corrections WHERE kpi = ANY($1) AND day BETWEEN $2 AND $3"
        " AND ($4::timestamptz IS NULL OR at <= $4) GROUP BY 1, 2, 3",
        list(kpis),
        period.first,
        period.frozen_last,
        period.as_of,
    )
    for row in rows:
        buckets = None
        if row["bucket"] is not None:
            buckets = [0] * (len(BUCKETS) + 1)
            buckets[row["bucket"]] = row["den"]
        found[row["key"], row["kpi"]].add(row["num"], row["den"], buckets)


async def _live(connection: Connection, period: Period, axis: str, kpis: Sequence[str], found: Found) -> None:
    plain = [(kpi, 1 << BITS[kpi]) for kpi in kpis if kpi in PLAIN]
    if plain:  # rows have few patterns of bits: the database counts patterns, and the bits are taken apart here
        rows = await connection.fetch(
            f"SELECT {key_of(axis)} AS key, den, num, count(*) AS count, sum(tenths)::bigint AS tenths FROM measures"
            " WHERE day BETWEEN $1 AND $2 GROUP BY 1, 2, 3",
            period.live_first,
            period.last,
        )
        for key, den, num, count, tenths in rows:
            for kpi, bit in plain:
                if den & bit:
                    found[key, kpi].add(tenths if kpi == "satisfied" else 10 * count if num & bit else 0, count)
    for kpi in kpis:
        if kpi in SECONDS:
            column = SECONDS[kpi]
            rows = await connection.fetch(
                f"SELECT {key_of(axis)} AS key, width_bucket({column} - 1, {BOUNDS}) AS bucket,"
                f" sum({column})::bigint AS seconds, count(*) AS count FROM measures"
                f" WHERE day BETWEEN $1 AND $2 AND {column} IS NOT NULL GROUP BY 1, 2",
                period.live_first,
                period.last,
            )
            for row in rows:
                buckets = [0] * (len(BUCKETS) + 1)
                buckets[row["bucket"]] = row["count"]
                found[row["key"], kpi].add(row["seconds"] * 10, row["count"], buckets)


def sums(kpis: Sequence[str]) -> list[str]:
    """Numerator (in tenths) and denominator of each of these, over rows of `measures`."""
    found = []
    for kpi in kpis:
        bit = 1 << BITS[kpi]
        if kpi == "satisfied":
            found.append(f"coalesce(sum(tenths) FILTER (WHERE den & {bit} <> 0), 0)::bigint")
        else:
            found.append(f"10 * count(*) FILTER (WHERE num & {bit} <> 0)")
        found.append(f"count(*) FILTER (WHERE den & {bit} <> 0)")
    return found


async def stock(connection: Connection, period: Period, axis: str) -> Mapping[str, int]:
    """How many orders were open past their promise at the end of the period's last day, by member of a group; as it
    stands where that day is not over."""
    source, given = stock_of(period)
    rows = await connection.fetch(f"SELECT {key_of(axis)} AS key, count(*) AS count FROM {source} GROUP BY 1", *given)
    return {row["key"]: row["count"] for row in rows}


def stock_of(period: Period) -> tuple[str, list[date]]:
    """Where the orders lie that were open past their promise at the end of a period."""
    if period.live_first is not None:
        return "overdue", []
    return "kpi_stock WHERE day = $1", [min(period.last, period.through or period.last)]


async def open_orders(
    connection: Connection, now: datetime, ages: Sequence[tuple[str, float | None]]
) -> dict[tuple[str, str], int]:
    """How many orders are open, by status and age; `ages` are names with their upper bound in days, the last open."""
    bounds = [timedelta(days=bound) for _, bound in ages if bound is not None]
    rows = await connection.fetch(
        "SELECT status, width_bucket(extract(epoch FROM $1::timestamptz - opened_at)::float8, $2::float8[]) AS age,"
        " count(*) AS count FROM orders WHERE NOT imported"
        " AND status IN ('triage', 'dispatched', 'handling', 'verifying', 'callback', 'parked') GROUP BY 1, 2",
        now,
        [bound.total_seconds() for bound in bounds],
    )
    return {(row["status"], ages[row["age"]][0]): row["count"] for row in rows}
