"""Matters and the keys they are found by. This table is the only view: there is no copy in any process."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from services.chassis.database import Connection
from services.router.rules.merge import Matter


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
    return [
        (
            row["key"],
            Matter(
                order_id=row["order_id"],
                class_key=row["class_key"],
                scene=row["scene"],
                division=row["division"],
                lon=row["lon"],
                lat=row["lat"],
                address_key=row["address_key"],
                asset=row["asset"],
                subject=row["subject"],
                grams=row["grams"],
                opened_at=row["opened_at"],
                last_at=row["last_at"],
                closed=row["closed"],
                reports=row["reports"],
            ),
        )
        for row in rows
    ]


async def save_matters(connection: Connection, matters: Sequence[Matter], keys: Sequence[tuple[int, Matter]]) -> None:
    """Insert new matters and bring forward those that were touched, with the keys they are found by."""
    if matters:
        await connection.execute(
            "INSERT INTO matters (order_id, class_key, scene, division, lon, lat, address_key, asset, subject, grams,"
            " opened_at, last_at, reports) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[],"
            " $5::float8[], $6::float8[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::timestamptz[],"
            " $12::timestamptz[], $13::int4[]) ON CONFLICT (order_id) DO UPDATE SET reports = excluded.reports,"
            " last_at = greatest(matters.last_at, excluded.last_at)",
            [m.order_id for m in matters],
            [m.class_key for m in matters],
            [m.scene for m in matters],
            [m.division for m in matters],
            [m.lon for m in matters],
            [m.lat for m in matters],
            [m.address_key for m in matters],
            [m.asset for m in matters],
            [m.subject for m in matters],
            [m.grams for m in matters],
            [m.opened_at for m in matters],
            [m.last_at for m in matters],
            [m.reports for m in matters],
        )
    if keys:
        await connection.execute(
            "INSERT INTO matter_keys (key, last_at, order_id) SELECT * FROM unnest($1::int8[], $2::timestamptz[],"
            " $3::uuid[]) ON CONFLICT DO NOTHING",
            [key for key, _ in keys],
            [matter.last_at for _, matter in keys],
            [matter.order_id for _, matter in keys],
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
