"""Orders with their timelines and clocks: read and written by the fold of facts, many at a time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from services.chassis.database import Connection
from services.supervision.rules.detectors import cell_of
from services.supervision.rules.kpi import Ledger
from services.supervision.rules.stages import Clock
from services.supervision.rules.timeline import Timeline
from services.supervision.rules.timers import Armed, Stored
from services.supervision.store.measures import pack, unpack

_pack = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_unpack = msgspec.msgpack.Decoder(Timeline).decode

_CLOCK = (
    "order_id",
    "clock_id",
    "stage",
    "round",
    "owner",
    "assignment_id",
    "report_id",
    "start",
    "due",
    "warn_at",
    "state",
    "policy",
    "next_notice",
    "next_at",
)


class Known(Struct):
    """An order as it is stored."""

    seq: int
    timeline: Timeline
    ledger: Ledger


async def load_orders(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, Known]:
    """The orders among these that are known."""
    rows = await connection.fetch(
        "SELECT order_id, seq, timeline, ledger FROM orders WHERE order_id = ANY($1)", list(order_ids)
    )
    return {row[0]: Known(row[1], _unpack(row[2]), unpack(row[3])) for row in rows}


async def save_orders(
    connection: Connection,
    new: Sequence[tuple[int, Timeline, Ledger]],
    known: Sequence[tuple[int, Timeline, Ledger]],
) -> None:
    """Write orders as they stand after fact `seq`."""
    if new:
        await connection.copy_records_to_table(
            "orders",
            columns=(
                *("order_id", "seq", "division", "urgency", "imported", "open"),
                *("timeline", "ledger", "status", "opened_at", "spot"),
            ),
            records=[
                (
                    each.order_id,
                    seq,
                    each.division,
                    each.urgency,
                    each.imported,
                    each.is_open,
                    _pack(each),
                    pack(ledger),
                    ledger.status,
                    each.opened_at,
                    cell_of(ledger),
                )
                for seq, each, ledger in new
            ],
        )
    if known:
        await connection.execute(
            "UPDATE orders SET seq = r.seq, division = r.division, urgency = r.urgency, open = r.open,"
            " timeline = r.timeline, ledger = r.ledger, status = r.status FROM unnest($1::uuid[], $2::int[],"
            " $3::text[], $4::text[], $5::bytea[], $6::boolean[], $7::bytea[], $8::text[])"
            " AS r(order_id, seq, division, urgency, timeline, open, ledger, status)"
            " WHERE orders.order_id = r.order_id",
            [timeline.order_id for _, timeline, _ in known],
            [seq for seq, _, _ in known],
            [timeline.division for _, timeline, _ in known],
            [timeline.urgency for _, timeline, _ in known],
            [_pack(timeline) for _, timeline, _ in known],
            [timeline.is_open for _, timeline, _ in known],
            [pack(ledger) for _, _, ledger in known],
            [ledger.status for _, _, ledger in known],
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


async def insert_clocks(connection: Connection, rows: Sequence[tuple[UUID, Clock, Armed]]) -> None:
    """Write clocks that are new. By COPY: encoding arrays of so many columns costs twice as much."""
    if rows:
        await connection.copy_records_to_table(
            "clocks",
            columns=_CLOCK,
            records=[
                (
                    order_id,
                    clock.view.clock_id,
                    clock.view.stage,
                    clock.view.round,
                    clock.view.owner,
                    clock.view.assignment_id,
                    clock.view.report_id,
                    clock.view.start,
                    clock.view.due,
                    clock.warn_at,
                    clock.view.state,
                    clock.view.policy,
                    armed.notice,
                    armed.at,
                )
                for order_id, clock, armed in rows
            ],
        )


async def update_clocks(connection: Connection, rows: Sequence[tuple[UUID, Clock, Armed]]) -> None:
    """Write clocks that have changed."""
    if not rows:
        return
    views = [clock.view for _, clock, _ in rows]
    await connection.execute(
        "UPDATE clocks SET owner = r.owner, start = r.start, due = r.due, warn_at = r.warn_at, state = r.state,"
        " policy = r.policy, missed_due = r.missed_due, next_notice = r.notice, next_at = r.at"
        " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],"
        " $7::text[], $8::text[], $9::timestamptz[], $10::text[], $11::timestamptz[])"
        " AS r(order_id, clock_id, owner, start, due, warn_at, state, policy, missed_due, notice, at)"
        " WHERE clocks.order_id = r.order_id AND clocks.clock_id = r.clock_id",
        [order_id for order_id, _, _ in rows],
        [view.clock_id for view in views],
        [view.owner for view in views],
        [view.start for view in views],
        [view.due for view in views],
        [clock.warn_at for _, clock, _ in rows],
        [view.state for view in views],
        [view.policy for view in views],
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
            " coalesce((SELECT seq FROM orders WHERE order_id = $1),"
            "  (SELECT seq FROM special_cases WHERE case_id = $1), 0),"
            " coalesce((SELECT max(seq) FROM pending WHERE order_id = $1), 0),"
            " coalesce((SELECT max(seq) FROM dead_facts WHERE order_id = $1), 0)) END, $4"
            " ON CONFLICT DO NOTHING",
            order_id,
            place,
            seq,
            now,
        )
