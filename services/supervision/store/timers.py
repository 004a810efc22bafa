"""Clocks whose notice has come: claimed, given once, and what keeps them from being given."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClockView
from services.chassis.database import Connection
from services.chassis.delivery import LOCK_BUCKETS
from services.supervision.rules.timers import Notice
from services.supervision.store.views import view_of


class Ripe(Struct, frozen=True):
    """A clock whose next notice has come."""

    order_id: UUID
    view: ClockView
    notice: Notice
    at: datetime


class Claimed(Struct, frozen=True):
    """A claimed row, not yet read: one that cannot be is still known by its ids."""

    order_id: UUID
    clock_id: UUID
    row: Any

    def read(self) -> Ripe:
        """What stands in it. Raises ValueError for a row that no clock can have."""
        return Ripe(self.order_id, view_of(self.row), self.row["next_notice"], self.row["next_at"])


class Given(Struct, frozen=True):
    """A notice that is given now. `late`: long after its moment."""

    clock: Ripe
    notice: Notice
    late: bool


class Lag(Struct, frozen=True):
    """What holds notices back. `low` is the lowest Tick of all partitions, None while one is missing; `waiting` facts
    wait for an earlier one since `waiting_since`, `dead` facts are dead letters not yet mended."""

    now: datetime
    low: datetime | None
    waiting: int
    waiting_since: datetime | None
    dead: int


async def lowest_tick(connection: Connection, partitions: int) -> datetime | None:
    """Everything recorded before it has been folded; None until every partition has brought a Tick."""
    low: datetime | None = await connection.fetchval(
        "SELECT min(t) FROM ticks WHERE part < $1 HAVING count(*) = $1", partitions
    )
    return low


async def claim(connection: Connection, low: datetime, page: int, aside: Collection[UUID] = ()) -> list[Claimed]:
    """Up to `page` clocks whose notice was due before `low`, the oldest first, locked until the transaction's end. Left
    out: clocks another sweep holds, those set `aside`, and orders of which a fact waits or is dead."""
    rows = await connection.fetch(
        "SELECT order_id, clock_id, stage, round, owner, assignment_id, report_id, start, due, state, policy,"
        " next_notice, next_at FROM clocks c WHERE next_at < $1 AND clock_id <> ALL($3::uuid[])"
        " AND NOT EXISTS (SELECT FROM pending p WHERE p.order_id = c.order_id)"
        " AND NOT EXISTS (SELECT FROM dead_facts d WHERE d.order_id = c.order_id"
        "  AND d.seq > coalesce((SELECT seq FROM orders o WHERE o.order_id = d.order_id),"
        "  (SELECT seq FROM special_cases s WHERE s.case_id = d.order_id), 0))"
        " ORDER BY next_at LIMIT $2 FOR UPDATE OF c SKIP LOCKED",
        low,
        page,
        list(aside),
    )
    return [Claimed(row["order_id"], row["clock_id"], row) for row in rows]


async def try_lock(connection: Connection, space: int, hashes: Collection[int]) -> set[int]:
    """Those advisory locks, of the aggregates' buckets, that are free; never waits. Whoever folds facts takes them
    first and rows after, so waiting here, with rows in hand, could close a ring."""
    rows = await connection.fetch(
        "SELECT b FROM unnest($2::int[]) AS b WHERE pg_try_advisory_xact_lock($1, b)",
        space,
        sorted({h % LOCK_BUCKETS for h in hashes}),
    )
    return {row["b"] for row in rows}


async def give(connection: Connection, given: Sequence[Given], now: datetime) -> dict[UUID, int]:
    """Write notices down, each once per (clock, notice, due); how many times each clock's was now given. A clock is
    absent when its notice was given before and stands."""
    rows = await connection.fetch(
        "INSERT INTO notices (order_id, clock_id, notice, due, at, late)"
        " SELECT o, c, n, d, $5, l"
        " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $6::boolean[]) AS r(o, c, n, d, l)"
        " ON CONFLICT (order_id, clock_id, notice, due) DO UPDATE SET times = notices.times + 1, at = excluded.at,"
        " late = excluded.late, withdrawn_at = NULL, cause = NULL WHERE notices.withdrawn_at IS NOT NULL"
        " RETURNING clock_id, times",
        [each.clock.order_id for each in given],
        [each.clock.view.clock_id for each in given],
        [each.notice for each in given],
        [each.clock.view.due for each in given],
        now,
        [each.late for each in given],
    )
    return {row["clock_id"]: row["times"] for row in rows}


async def warned(connection: Connection, ripe: Sequence[Ripe]) -> None:
    """Move clocks on from their warning to their deadline."""
    await connection.execute(
        "UPDATE clocks SET warned_due = due, next_notice = 'miss', next_at = due"
        " FROM unnest($1::uuid[], $2::uuid[]) AS r(o, c) WHERE order_id = o AND clock_id = c",
        [each.order_id for each in ripe],
        [each.view.clock_id for each in ripe],
    )


async def missed(connection: Connection, ripe: Sequence[Ripe]) -> None:
    """Call clocks missed; nothing more comes of them."""
    await connection.execute(
        "UPDATE clocks SET missed_due = due, next_notice = NULL, next_at = NULL, state = 'missed'"
        " FROM unnest($1::uuid[], $2::uuid[]) AS r(o, c) WHERE order_id = o AND clock_id = c",
        [each.order_id for each in ripe],
        [each.view.clock_id for each in ripe],
    )


async def lag(connection: Connection, partitions: int) -> Lag:
    """How things stand, for the metrics; forgets dead facts that came after all."""
    await connection.execute(
        "DELETE FROM dead_facts d WHERE d.seq <= coalesce((SELECT seq FROM orders o WHERE o.order_id = d.order_id),"
        " (SELECT seq FROM special_cases s WHERE s.case_id = d.order_id), 0)"
    )
    row = await connection.fetchrow(
        "SELECT clock_timestamp() AS now, (SELECT min(t) FROM ticks WHERE part < $1 HAVING count(*) = $1) AS low,"
        " count(*) AS waiting, min(at) AS since, (SELECT count(*) FROM dead_facts) AS dead FROM pending",
        partitions,
    )
    assert row is not None
    return Lag(row["now"], row["low"], row["waiting"], row["since"], row["dead"])
