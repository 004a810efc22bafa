"""Rungs of the ladder: waiting for their moment, raised once, ended with their cause."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClockView
from schemas.vocabulary import RungKind, Urgency
from services.chassis.database import Connection
from services.supervision.rules.ladder import After, State, Step
from services.supervision.store.views import view_of

_HELD = (
    " AND NOT EXISTS (SELECT FROM pending p WHERE p.order_id = r.order_id)"
    " AND NOT EXISTS (SELECT FROM dead_facts d WHERE d.order_id = r.order_id"
    "  AND d.seq > coalesce((SELECT seq FROM orders o WHERE o.order_id = d.order_id), 0))"
)
_SAME = "rungs.order_id = k.o AND rungs.clock_id = k.c AND rungs.rung = k.r AND rungs.due = k.d"


class Stored(Struct, frozen=True, gc=False):
    """A rung as it is stored; the fields stand in the order of the query that reads them."""

    order_id: UUID
    clock_id: UUID
    rung: str
    due: datetime
    after: After
    kind: RungKind
    level: int
    state: State
    times: int


class Ripe(Struct, frozen=True):
    """A rung whose moment has come, with its clock as it stands: `missed` is the deadline whose miss was announced."""

    stored: Stored
    at: datetime
    view: ClockView
    warn_at: datetime
    missed: datetime | None
    urgency: Urgency


class Claimed(Struct, frozen=True):
    """A claimed row, not yet read: one that cannot be is still known by its ids."""

    order_id: UUID
    clock_id: UUID
    row: Any

    def read(self) -> Ripe:
        """What stands in it. Raises ValueError for a row that no clock can have."""
        row = self.row
        stored = Stored(
            row["order_id"],
            row["clock_id"],
            row["rung"],
            row["deadline"],
            row["after"],
            RungKind(row["kind"]),
            row["level"],
            row["stands"],
            row["times"],
        )
        return Ripe(stored, row["at"], view_of(row), row["warn_at"], row["missed_due"], Urgency(row["urgency"]))


class New(Struct, frozen=True):
    """A step of a clock to be written: waiting, or raised at once."""

    order_id: UUID
    view: ClockView
    step: Step
    state: State
    late: bool = False


async def urgencies(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, Urgency]:
    """How urgent these orders are; special cases are left out."""
    rows = await connection.fetch("SELECT order_id, urgency FROM orders WHERE order_id = ANY($1)", list(order_ids))
    return {row["order_id"]: Urgency(row["urgency"]) for row in rows}


async def load(connection: Connection, order_ids: Sequence[UUID]) -> dict[UUID, list[Stored]]:
    """Every rung of these orders, whatever became of it."""
    found: dict[UUID, list[Stored]] = defaultdict(list)
    if order_ids:
        rows = await connection.fetch(
            "SELECT order_id, clock_id, rung, due, after, kind, level, state, times FROM rungs"
            " WHERE order_id = ANY($1)",
            list(order_ids),
        )
        for row in rows:
            found[row["order_id"]].append(_stored(row))
    return found


async def put(connection: Connection, new: Sequence[New], now: datetime) -> dict[tuple[UUID, str], int]:
    """Write rungs, each once per (clock, rung, due), or anew when it had ended; by (clock, rung) how many times each
    was now raised. Absent is what waits or stands raised already."""
    if not new:
        return {}
    rows = await connection.fetch(
        "INSERT INTO rungs (order_id, clock_id, rung, due, after, kind, level, at, state, late, times, raised_at)"
        " SELECT o, c, r, d, a, k, l, m, s, late, CASE s WHEN 'raised' THEN 1 ELSE 0 END,"
        " CASE s WHEN 'raised' THEN $11::timestamptz END FROM unnest($1::uuid[], $2::uuid[], $3::text[],"
        " $4::timestamptz[], $5::text[], $6::text[], $7::smallint[], $8::timestamptz[], $9::text[], $10::boolean[])"
        " AS n(o, c, r, d, a, k, l, m, s, late)"
        " ON CONFLICT (order_id, clock_id, rung, due) DO UPDATE SET state = excluded.state, at = excluded.at,"
        " late = excluded.late, times = rungs.times + excluded.times, ended_at = NULL, cause = NULL,"
        " raised_at = coalesce(excluded.raised_at, rungs.raised_at)"
        " WHERE rungs.state NOT IN ('waiting', 'raised') RETURNING clock_id, rung, times",
        [each.order_id for each in new],
        [each.view.clock_id for each in new],
        [each.step.rung.rung_id for each in new],
        [each.view.due for each in new],
        [each.step.rung.after for each in new],
        [each.step.rung.kind for each in new],
        [each.step.rung.level for each in new],
        [each.step.at for each in new],
        [each.state for each in new],
        [each.late for each in new],
        now,
    )
    return {(row["clock_id"], row["rung"]): row["times"] for row in rows}


async def ripe_before(connection: Connection, partitions: int) -> datetime | None:
    """The lowest Tick of all partitions, if a rung waits for a moment before it; one look, for it is asked all the
    time and seldom true."""
    low: datetime | None = await connection.fetchval(
        "SELECT t FROM (SELECT min(t) AS t FROM ticks WHERE part < $1 HAVING count(*) = $1) AS low"
        " WHERE EXISTS (SELECT FROM rungs WHERE state = 'waiting' AND at < low.t)",
        partitions,
    )
    return low


async def claim(connection: Connection, low: datetime, page: int, aside: Collection[UUID] = ()) -> list[Claimed]:
    """Up to `page` rungs whose moment lies before `low`, the oldest first, locked until the transaction's end; left out
    are those another sweep holds, those of clocks set `aside`, and of orders of which a fact waits or is dead."""
    rows = await connection.fetch(
        "SELECT r.order_id, r.clock_id, r.rung, r.due AS deadline, r.after, r.kind, r.level, r.state AS stands,"
        " r.times, r.at, c.stage, c.round, c.owner, c.assignment_id, c.report_id, c.start, c.due, c.state, c.policy,"
        " c.warn_at, c.missed_due, o.urgency FROM rungs r JOIN clocks c USING (order_id, clock_id)"
        " JOIN orders o USING (order_id)"
        f" WHERE r.state = 'waiting' AND r.at < $1 AND r.clock_id <> ALL($3::uuid[]){_HELD}"
        " ORDER BY r.at LIMIT $2 FOR UPDATE OF r SKIP LOCKED",
        low,
        page,
        list(aside),
    )
    return [Claimed(row["order_id"], row["clock_id"], row) for row in rows]


async def raised(connection: Connection, rows: Sequence[tuple[Stored, bool]], now: datetime) -> None:
    """Waiting rungs are raised now, late or not."""
    if rows:
        await connection.execute(
            "UPDATE rungs SET state = 'raised', times = times + 1, raised_at = $6, late = k.late"
            " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::boolean[])"
            f" AS k(o, c, r, d, late) WHERE {_SAME}",
            *_keys([stored for stored, _ in rows]),
            [late for _, late in rows],
            now,
        )


async def moved(connection: Connection, rows: Sequence[tuple[Stored, State]], cause: str, now: datetime) -> None:
    """Rungs ended (with their cause), or wait again."""
    if rows:
        await connection.execute(
            "UPDATE rungs SET state = k.s, ended_at = CASE k.s WHEN 'waiting' THEN NULL ELSE $7::timestamptz END,"
            " cause = CASE k.s WHEN 'waiting' THEN NULL ELSE $6 END"
            " FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[])"
            f" AS k(o, c, r, d, s) WHERE {_SAME}",
            *_keys([stored for stored, _ in rows]),
            [state for _, state in rows],
            cause,
            now,
        )


def _keys(rows: Sequence[Stored]) -> tuple[list[Any], ...]:
    return (
        [row.order_id for row in rows],
        [row.clock_id for row in rows],
        [row.rung for row in rows],
        [row.due for row in rows],
    )


def _stored(row: Any) -> Stored:
    values = list(row)
    values[5] = RungKind(values[5])
    return Stored(*values)
