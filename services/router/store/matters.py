"""Matters and the keys they are found by. This table is the only view: there is no copy in any process."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import astuple

from services.chassis.database import Connection
from services.router.rules.merge import Matter
from services.router.rules.voices import KEPT

_MINUTE = 4_294_967_295
Key = tuple[int, datetime, UUID]  # a merge key, the time of the newest report that has it, the order


class Landing(Struct, frozen=True):
    """What the newest fact of an order says about its matter; None leaves the class as it was;
    `marks` are added."""

    order_id: UUID
    seq: int
    closed: bool
    class_key: str | None = None
    marks: int = 0


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
    return [(row["key"], matter_of_row(row)) for row in rows]


async def matters_of(connection: Connection, order_ids: Collection[UUID]) -> dict[UUID, Matter]:
    """The matters of these orders."""
    rows = await connection.fetch("SELECT * FROM matters WHERE order_id = ANY($1)", list(order_ids))
    return {row["order_id"]: matter_of_row(row) for row in rows}


def matter_of_row(row: Any) -> Matter:
    """A matter out of its row."""
    found = {name: row[name] for name in Matter.__struct_fields__}
    return Matter(**found | {"voices": tuple(row["voices"])})


# The voices of both, each speaker once with the last he said, the newest first (`rules.voices.heard`).
_HEARD = (
    f"ARRAY(SELECT v FROM (SELECT DISTINCT ON (v >> 48) v FROM unnest(m.voices || n.voices) v"
    f" ORDER BY v >> 48, v & {_MINUTE} DESC, v DESC) s ORDER BY v & {_MINUTE} DESC, v DESC LIMIT {KEPT})"
)


async def save_matters(
    connection: Connection, born: Sequence[Matter], touched: Sequence[Matter], keys: Sequence[Key]
) -> None:
    """Insert new matters and add to others what was joined to them, with the keys either are found by: `touched` are
    the joined reports alone, so that two workers who join to one matter at once both count. New rows go by COPY: arrays
    of so many columns cost asyncpg three times as much."""
    if born:
        records = [astuple(matter) for matter in born]
        await connection.copy_records_to_table("matters", records=records, columns=Matter.__struct_fields__)
    if touched:
        ordered = sorted(touched, key=lambda matter: matter.order_id)
        voices = [(m.order_id, voice) for m in ordered for voice in m.voices]
        await connection.execute(
            "UPDATE matters m SET reports = m.reports + n.reports, last_at = greatest(m.last_at, n.last_at),"
            f" marks = m.marks | n.marks, voices = {_HEARD} FROM (SELECT * FROM unnest($1::uuid[], $2::timestamptz[],"
            " $3::int4[], $4::int4[]) AS r(order_id, last_at, reports, marks) JOIN (SELECT order_id, array_agg(voice)"
            " AS voices FROM unnest($5::uuid[], $6::int8[]) AS s(order_id, voice) GROUP BY order_id) AS s"
            " USING (order_id)) AS n WHERE m.order_id = n.order_id",
            [m.order_id for m in ordered],
            [m.last_at for m in ordered],
            [m.reports for m in ordered],
            [m.marks for m in ordered],
            [order_id for order_id, _ in voices],
            [voice for _, voice in voices],
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
        "UPDATE matters m SET seq = n.seq, closed = n.closed, class_key = coalesce(n.class_key, m.class_key),"
        " marks = m.marks | n.marks"
        " FROM unnest($1::uuid[], $2::int4[], $3::bool[], $4::text[], $5::int4[])"
        " AS n(order_id, seq, closed, class_key, marks)"
        " WHERE m.order_id = n.order_id AND m.seq < n.seq",
        [x.order_id for x in landings],
        [x.seq for x in landings],
        [x.closed for x in landings],
        [x.class_key for x in landings],
        [x.marks for x in landings],
    )
