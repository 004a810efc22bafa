"""Matters and the keys they are found by. This table is the only view: there is no copy in any process."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.merge import Matter

Key = tuple[int, datetime, UUID]  # a merge key, the time of the newest report that has it, the order


class Landing(Struct, frozen=True):
    """What the newest fact of an order says about its matter; None leaves the class as it was."""

    order_id: UUID
    seq: int
    closed: bool
    class_key: str | None = None


async def candidates(
    connection: Connection, keys: Sequence[int], since: datetime, per_key: int
) -> list[tuple[int, Matter]]:
    """The matters found under each key and touched since then, the newest `per_key` of a key."""
    if not keys:
        return []
    rows = await connection.fetch(
        "SELECT found.key, m.* FROM unnest($1::int8[]) AS asked(key) CROSS JOIN LATERAL (SELECT k.key, k.order_id"
        " FROM matter_keys k WHERE k.key = asked.key AND k.last_at >= $2 ORDER BY k.last_at DESC LIMIT $3) AS found"
        " JOIN matters m USING (order_id)",
        keys,
        since,
        per_key,
    )
    return [(row["key"], _matter(row)) for row in rows]


async def matters_of(connection: Connection, order_ids: Collection[UUID]) -> dict[UUID, Matter]:
    """The matters of these orders."""
    rows = await connection.fetch("SELECT * FROM matters WHERE order_id = ANY($1)", list(order_ids))
    return {row["order_id"]: _matter(row) for row in rows}


def _matter(row: Any) -> Matter:
    return Matter(*(row[name] for name in Matter.__struct_fields__))


async def save_matters(
    connection: Connection, born: Sequence[Matter], touched: Sequence[Matter], keys: Sequence[Key]
) -> None:
    """Insert new matters and bring forward those that were touched, with the keys either are found by. New rows go by
    COPY: arrays of so many columns cost asyncpg three times as much."""
    if born:
        records = [astuple(matter) for matter in born]
        await connection.copy_records_to_table("matters", records=records, columns=Matter.__struct_fields__)
    if touched:
        await connection.execute(
            "UPDATE matters m SET reports = n.reports, last_at = greatest(m.last_at, n.last_at)"
            " FROM unnest($1::uuid[], $2::timestamptz[], $3::int4[]) AS n(order_id, last_at, reports)"
            " WHERE m.order_id = n.order_id",
            [m.order_id for m in touched],
            [m.last_at for m in touched],
            [m.reports for m in touched],
        )
    new = {matter.order_id for matter in born}
    fresh = [key for key in keys if key[2] in new]
    if fresh:
        await connection.copy_records_to_table("matter_keys", records=fresh, columns=("key", "last_at", "order_id"))
    known = [key for key in keys if key[2] not in new]
    if known:
        await connection.execute(
            "INSERT INTO matter_keys (key, last_at, order_id) SELECT * FROM unnest($1::int8[], $2::timestamptz[],"
            " $3::uuid[]) ON CONFLICT DO NOTHING",
            *(list(column) for column in zip(*known, strict=True)),
        )


async def land(connection: Connection, landings: Sequence[Landing]) -> None:
    """Let the newest fact of each order speak; older ones change nothing, so a repeat or a gap cannot mislead."""
    await connection.execute(
        "UPDATE matters m SET seq = n.seq, closed = n.closed, class_key = coalesce(n.class_key, m.class_key)"
        " FROM unnest($1::uuid[], $2::int4[], $3::bool[], $4::text[]) AS n(order_id, seq, closed, class_key)"
        " WHERE m.order_id = n.order_id AND m.seq < n.seq",
        [x.order_id for x in landings],
        [x.seq for x in landings],
        [x.closed for x in landings],
        [x.class_key for x in landings],
    )
