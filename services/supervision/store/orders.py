"""Orders with their timelines and clocks: read and written by the fold of facts, many at a time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.stages import Clock
from services.supervision.rules.timeline import Timeline
from services.supervision.rules.timers import Armed, Stored

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(Timeline).decode


class Known(Struct):
    """An order as it is stored."""

    seq: int
    timeline: Timeline


async def load_orders(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, Known]:
    """The orders among these that are known."""
    rows = await connection.fetch(
        "SELECT order_id, seq, timeline FROM orders WHERE order_id = ANY($1)", list(order_ids)
    )
    return {row["order_id"]: Known(row["seq"], _unpack(row["timeline"])) for row in rows}


async def save_orders(connection: Connection, changed: Sequence[tuple[int, Timeline]]) -> None:
    """Write orders as they stand after fact `seq`, new ones and known ones."""
    if not changed:
        return
    await connection.execute(
        "INSERT INTO orders (order_id, seq, division, imported, timeline)"
        " SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bool[], $5::bytea[])"
        " ON CONFLICT (order_id) DO UPDATE SET seq = excluded.seq, division = excluded.division,"
        " imported = excluded.imported, timeline = excluded.timeline",
        [timeline.order_id for _, timeline in changed],
        [seq for seq, _ in changed],
        [timeline.division for _, timeline in changed],
        [timeline.imported for _, timeline in changed],
        [_pack(timeline) for _, timeline in changed],
    )


async def load_clocks(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, Stored]]:
    """The clocks of these orders, by order and clock."""
    found: dict[UUID, dict[UUID, Stored]] = defaultdict(dict)
    if not order_ids:
        return found
    rows = await connection.fetch(
        "SELECT order_id, clock_id, stage, owner, start, due, state, policy, warned_due, missed_due, next_at, round,"
        " assignment_id, report_id, warn_at FROM clocks WHERE order_id = ANY($1)",
        list(order_ids),
    )
    for row in rows:
        found[row["order_id"]][row["clock_id"]] = Stored(*row)
    return found


async def save_clocks(connection: Connection, rows: Sequence[tuple[UUID, Clock, Armed]]) -> None:
    """Write clocks of orders with their next notice, new ones and known ones."""
    if not rows:
        return
    views = [clock.view for _, clock, _ in rows]
    await connection.execute(
        "INSERT INTO clocks (order_id, clock_id, stage, round, owner, assignment_id, report_id, start, due, warn_at,"
        " state, policy, warned_due, missed_due, next_notice, next_at)"
        " SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int2[], $5::text[], $6::uuid[], $7::uuid[],"
        " $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::timestamptz[],"
        " $14::timestamptz[], $15::text[], $16::timestamptz[])"
        " ON CONFLICT (order_id, clock_id) DO UPDATE SET owner = excluded.owner, start = excluded.start,"
        " due = excluded.due, warn_at = excluded.warn_at, state = excluded.state, policy = excluded.policy,"
        " warned_due = excluded.warned_due, missed_due = excluded.missed_due, next_notice = excluded.next_notice,"
        " next_at = excluded.next_at",
        [order_id for order_id, _, _ in rows],
        [view.clock_id for view in views],
        [view.stage for view in views],
        [view.round for view in views],
        [view.owner for view in views],
        [view.assignment_id for view in views],
        [view.report_id for view in views],
        [view.start for view in views],
        [view.due for view in views],
        [clock.warn_at for _, clock, _ in rows],
        [view.state for view in views],
        [view.policy for view in views],
        [armed.warned_due for _, _, armed in rows],
        [armed.missed_due for _, _, armed in rows],
        [armed.notice for _, _, armed in rows],
        [armed.at for _, _, armed in rows],
    )


async def withdraw_notices(
    connection: Connection, gone: Sequence[tuple[UUID, UUID, datetime, str]], now: datetime
) -> None:
    """Mark misses (order, clock, due, cause) as withdrawn."""
    if not gone:
        return
    await connection.execute(
        "UPDATE notices SET withdrawn_at = $5, cause = g.cause"
        " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[]) AS g(order_id, clock_id, due, cause)"
        " WHERE notices.order_id = g.order_id AND notices.clock_id = g.clock_id AND notices.due = g.due"
        " AND notice = 'miss'",
        [row[0] for row in gone],
        [row[1] for row in gone],
        [row[2] for row in gone],
        [row[3] for row in gone],
        now,
    )


async def save_ticks(connection: Connection, ticks: dict[int, datetime]) -> None:
    """Keep the newest Tick of each partition."""
    if not ticks:
        return
    parts = sorted(ticks)
    await connection.execute(
        "INSERT INTO ticks (part, t) SELECT * FROM unnest($1::int[], $2::timestamptz[])"
        " ON CONFLICT (part) DO UPDATE SET t = greatest(ticks.t, excluded.t)",
        parts,
        [ticks[part] for part in parts],
    )


async def mark_dead(connection: Connection, dead: Sequence[tuple[UUID, str, int]], now: datetime) -> None:
    """Remember facts (order, place, seq or 0 when it could not be read) that became dead letters. An unreadable one is
    the earliest that can be missing: one after the newest that was folded, waits or was marked."""
    for order_id, place, seq in dead:
        await connection.execute(
            "INSERT INTO dead_facts (order_id, place, seq, at)"
            " SELECT $1, $2, CASE WHEN $3::int > 0 THEN $3 ELSE 1 + greatest("
            " coalesce((SELECT seq FROM orders WHERE order_id = $1), 0),"
            " coalesce((SELECT max(seq) FROM pending WHERE order_id = $1), 0),"
            " coalesce((SELECT max(seq) FROM dead_facts WHERE order_id = $1), 0)) END, $4"
            " ON CONFLICT DO NOTHING",
            order_id,
            place,
            seq,
            now,
        )
