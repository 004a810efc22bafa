"""The day: open parts of units that have a limit, resources, weather warnings."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.day import Warning
from services.router.rules.parts import Part


class Seen(Struct, frozen=True):
    """What is known of a resource: where it is, whether it may be called (`free`, `busy`, `off`), the order it was
    called to, and since when this is so."""

    resource_id: str
    lon: float
    lat: float
    state: str
    order_id: UUID | None
    at: datetime


async def land_parts(connection: Connection, parts: Sequence[Part], ended: Sequence[tuple[UUID, int]]) -> None:
    """Let the newest fact of each part speak, then close what is open of orders that have ended by the fact given."""
    opened = [astuple(part) for part in parts if part.unit]
    if opened:
        await connection.execute(
            "INSERT INTO parts (part_id, order_id, unit, open, seq) SELECT * FROM unnest($1::uuid[], $2::uuid[],"
            " $3::text[], $4::bool[], $5::int4[]) ON CONFLICT (part_id) DO UPDATE SET open = excluded.open,"
            " seq = excluded.seq WHERE parts.seq < excluded.seq",
            *(list(column) for column in zip(*opened, strict=True)),
        )
    said = [part for part in parts if not part.unit]
    if said:
        await connection.execute(
            "UPDATE parts p SET open = n.open, seq = n.seq FROM unnest($1::uuid[], $2::bool[], $3::int4[])"
            " AS n(part_id, open, seq) WHERE p.part_id = n.part_id AND p.seq < n.seq",
            [part.part_id for part in said],
            [part.open for part in said],
            [part.seq for part in said],
        )
    if ended:
        await connection.execute(
            "UPDATE parts p SET open = false, seq = n.seq FROM unnest($1::uuid[], $2::int4[]) AS n(order_id, seq)"
            " WHERE p.order_id = n.order_id AND p.open AND p.seq <= n.seq",
            [order_id for order_id, _ in ended],
            [seq for _, seq in ended],
        )


async def release(connection: Connection, orders: Sequence[UUID]) -> None:
    """What was called to these orders may be called again."""
    if orders:
        await connection.execute(
            "UPDATE resources SET order_id = NULL, state = 'free' WHERE order_id = ANY($1)", list(orders)
        )


async def open_parts(connection: Connection, units: Collection[str]) -> dict[str, int]:
    """How many open parts these units have."""
    rows = await connection.fetch(
        "SELECT unit, count(*) AS n FROM parts WHERE open AND unit = ANY($1) GROUP BY unit", list(units)
    )
    return {row["unit"]: row["n"] for row in rows}


async def seen(connection: Connection, resources: Collection[str]) -> dict[str, Seen]:
    """What is known of these resources."""
    rows = await connection.fetch(
        "SELECT resource_id, lon, lat, state, order_id, at FROM resources WHERE resource_id = ANY($1)", list(resources)
    )
    return {row["resource_id"]: Seen(*row) for row in rows}


async def call(connection: Connection, called: Sequence[Seen]) -> None:
    """These were called: busy from now on, wherever they are said to be meanwhile."""
    if called:
        await connection.execute(
            "INSERT INTO resources (resource_id, lon, lat, state, order_id, at) SELECT * FROM unnest($1::text[],"
            " $2::float8[], $3::float8[], $4::text[], $5::uuid[], $6::timestamptz[]) ON CONFLICT (resource_id)"
            " DO UPDATE SET state = excluded.state, order_id = excluded.order_id",
            *(list(column) for column in zip(*(astuple(row) for row in called), strict=True)),
        )


async def say(connection: Connection, one: Seen, state: str | None) -> Seen:
    """Where a resource is, and what it may be called for from now on (None: as before). What is older than what is
    known changes nothing; one that is free again has left its order. Answers what is known then."""
    row = await connection.fetchrow(
        "INSERT INTO resources AS r (resource_id, lon, lat, state, order_id, at) VALUES ($1, $2, $3, $4, NULL, $5)"
        " ON CONFLICT (resource_id) DO UPDATE SET lon = excluded.lon, lat = excluded.lat,"
        " state = coalesce($6, r.state), order_id = CASE WHEN $6 = 'free' THEN NULL ELSE r.order_id END,"
        " at = excluded.at WHERE r.at <= excluded.at RETURNING resource_id, lon, lat, state, order_id, at",
        one.resource_id,
        one.lon,
        one.lat,
        one.state,
        one.at,
        state,
    )
    return Seen(*row) if row else (await seen(connection, [one.resource_id]))[one.resource_id]


async def warnings_from(connection: Connection, moment: datetime) -> tuple[Warning, ...]:
    """The warnings that end after a moment, those that begin first coming first."""
    rows = await connection.fetch(
        "SELECT warning_id, kind, level, areas, starts, ends, text FROM weather_warnings WHERE ends > $1"
        " ORDER BY starts, warning_id",
        moment,
    )
    return tuple(
        Warning(r["warning_id"], r["kind"], r["level"], tuple(r["areas"]), r["starts"], r["ends"], r["text"])
        for r in rows
    )


async def save_warning(connection: Connection, warning: Warning, said_by: str) -> str | None:
    """Write a warning, or what it says now; answers of which level it was before, None for a new one."""
    before: str | None = await connection.fetchval(
        "SELECT level FROM weather_warnings WHERE warning_id = $1 FOR UPDATE", warning.warning_id
    )
    await connection.execute(
        "INSERT INTO weather_warnings (warning_id, kind, level, areas, starts, ends, text, said_by)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (warning_id) DO UPDATE SET kind = excluded.kind,"
        " level = excluded.level, areas = excluded.areas, starts = excluded.starts, ends = excluded.ends,"
        " text = excluded.text, said_by = excluded.said_by",
        warning.warning_id,
        warning.kind,
        warning.level,
        list(warning.areas),
        warning.starts,
        warning.ends,
        warning.text,
        said_by,
    )
    return before
