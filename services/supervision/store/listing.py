"""The lists behind numbers: the items that make one, as they stand or as they stood."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.store.measures import unpack
from services.supervision.store.numbers import BITS, SECONDS, STOCK, Period, key_of, stock_of

Cursor = tuple[date, UUID, UUID, str, int]


class Listed(Struct, frozen=True):
    """One item of a number. `num` is in tenths; of a duration it is seconds times ten."""

    day: date
    order_id: UUID
    subject: UUID
    unit: str
    n: int
    tier: str
    district: str
    major: str
    source: str
    num: int


class Wanted(Struct, frozen=True):
    """Which items: of one number in a period, of one member of a group; with or without what counts in the numerator;
    after the item a page ended with."""

    kpi: str
    period: Period
    axis: str = "city"
    key: str = "all"
    hit: bool | None = None
    units: Sequence[str] | None = None
    after: Cursor | None = None
    limit: int = 50


_DIMENSIONS = "tier, district, major, source"


async def items(connection: Connection, wanted: Wanted) -> list[Listed]:
    """The items of a number, by day and order: as many as its denominator says, and their numerators add up to its
    numerator."""
    if wanted.kpi == STOCK:
        return await _stock(connection, wanted)
    bit = 1 << BITS[wanted.kpi]
    num = f"CASE WHEN num & {bit} <> 0 THEN 10 ELSE 0 END"
    if wanted.kpi == "satisfied":
        num = "tenths"
    elif wanted.kpi in SECONDS:
        num = f"{SECONDS[wanted.kpi]} * 10"
    period = wanted.period
    first, last = period.first, period.last
    if period.as_of is not None:
        last = period.frozen_last or date.min
    now = (
        f"SELECT day, order_id, subject, unit, n::int AS n, {_DIMENSIONS}, {num} AS num FROM measures"
        f" WHERE den & {bit} <> 0 AND day BETWEEN $1 AND $2"
    )
    if period.as_of is not None:  # what was corrected since is taken back
        now = (
            f"SELECT day, order_id, subject, unit, n, {_DIMENSIONS}, sum(num)::int AS num FROM ("
            f"SELECT day, order_id, subject, unit, n, {_DIMENSIONS}, num, 1 AS den FROM ({now}) AS now UNION ALL"
            f" SELECT day, order_id, subject, unit, n::int, {_DIMENSIONS}, -num, -den FROM kpi_corrections"
            f" WHERE kpi = '{wanted.kpi}' AND day BETWEEN $1 AND $2 AND at > $3) AS moved"
            f" GROUP BY day, order_id, subject, unit, n, {_DIMENSIONS} HAVING sum(den) > 0"
        )
    given: list[object] = [first, last]
    if period.as_of is not None:
        given.append(period.as_of)
    conditions = [f"{key_of(wanted.axis)} = ${_add(given, wanted.key)}"]
    if wanted.hit is not None and wanted.kpi not in SECONDS:
        conditions.append(f"(num > 0) = ${_add(given, wanted.hit)}")
    if wanted.units is not None:
        conditions.append(f"unit = ANY(${_add(given, list(wanted.units))})")
    if wanted.after is not None:
        places = ", ".join(f"${_add(given, value)}" for value in wanted.after)
        conditions.append(f"(day, order_id, subject, unit, n) > ({places})")
    rows = await connection.fetch(
        f"SELECT day, order_id, subject, unit, n, {_DIMENSIONS}, num FROM ({now}) AS i"
        f" WHERE {' AND '.join(conditions)} ORDER BY day, order_id, subject, unit, n"
        f" LIMIT ${_add(given, wanted.limit)}",
        *given,
    )
    return [Listed(*row) for row in rows]


def _add(given: list[object], value: object) -> int:
    given.append(value)
    return len(given)


async def _stock(connection: Connection, wanted: Wanted) -> list[Listed]:
    source, given = stock_of(wanted.period)
    places = [f"${len(given) + place}" for place in range(1, 5)]
    joint = "AND" if "WHERE" in source else "WHERE"
    rows = await connection.fetch(
        f"SELECT order_id, unit, {_DIMENSIONS} FROM {source} {joint} {key_of(wanted.axis)} = {places[0]}"
        f" AND ({places[1]}::text[] IS NULL OR unit = ANY({places[1]}))"
        f" AND ({places[2]}::uuid IS NULL OR order_id > {places[2]}) ORDER BY order_id LIMIT {places[3]}",
        *given,
        wanted.key,
        None if wanted.units is None else list(wanted.units),
        None if wanted.after is None else wanted.after[1],
        wanted.limit,
    )
    day = given[0] if given else wanted.period.last
    return [Listed(day, row[0], row[0], row[1], 0, row[2], row[3], row[4], row[5], 10) for row in rows]


async def openers(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The report that opened each of these orders."""
    rows = await connection.fetch("SELECT order_id, ledger FROM orders WHERE order_id = ANY($1)", list(order_ids))
    found = {}
    for row in rows:
        heard = unpack(row["ledger"]).heard
        if heard:
            found[row["order_id"]] = heard[0].report_id
    return found
