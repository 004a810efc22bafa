"""Clocks as people and other programs ask for them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

_COLUMNS = (
    "c.order_id, c.clock_id, c.stage, c.round, c.owner, c.assignment_id, c.report_id, c.start, c.due, c.warn_at,"
    " c.state, c.policy, coalesce(o.division, s.division, '')"
)


_CLOCKS = "clocks c LEFT JOIN orders o USING (order_id) LEFT JOIN special_cases s ON s.case_id = c.order_id"


class Read(Struct, frozen=True):
    """One stored clock with its order's or special case's division; `order_id` is the id of either. The fields stand in
    the order of the queries."""

    order_id: UUID
    clock_id: UUID
    stage: str
    round: int
    owner: str
    assignment_id: UUID | None
    report_id: UUID | None
    start: datetime
    due: datetime
    warn_at: datetime
    state: str
    policy: str
    division: str


class Asked(Struct, frozen=True):
    """Which clocks: of these units, one stage, these divisions, due since a moment or before one, of what is still
    open; after the clock that a page ended with. None means any."""

    units: Sequence[str] | None = None
    stage: str | None = None
    divisions: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    open: bool = False
    after: tuple[datetime, UUID] | None = None
    limit: int = 50


async def clocks_of(pool: asyncpg.Pool, order_ids: Sequence[UUID]) -> dict[UUID, list[Read]]:
    """The clocks of these orders or special cases, in the order they fall due; one without clocks has an empty list, an
    unknown one none."""
    rows = await pool.fetch(
        "SELECT order_id FROM orders WHERE order_id = ANY($1)"
        " UNION ALL SELECT case_id FROM special_cases WHERE case_id = ANY($1)",
        list(order_ids),
    )
    found: dict[UUID, list[Read]] = {row["order_id"]: [] for row in rows}
    rows = await pool.fetch(
        f"SELECT {_COLUMNS} FROM {_CLOCKS} WHERE c.order_id = ANY($1) ORDER BY c.order_id, c.due, c.clock_id",
        list(order_ids),
    )
    for row in rows:
        found.setdefault(row["order_id"], []).append(Read(*row))
    return found


class CaughtUp(Struct, frozen=True):
    """What was said late about one unit's clocks of a stage: how often, of deadlines from when to when, and when it was
    said first and last. The fields stand in the order of the query."""

    owner: str
    notice: str
    stage: str
    count: int
    due_first: datetime
    due_last: datetime
    said_first: datetime
    said_last: datetime


async def caught_up(pool: asyncpg.Pool, since: datetime, units: Sequence[str] | None) -> list[CaughtUp]:
    """Notices that were given late since a moment and stand, added up by unit (None: every one), notice and stage."""
    rows = await pool.fetch(
        "SELECT c.owner, n.notice, c.stage, count(*), min(n.due), max(n.due), min(n.at), max(n.at)"
        " FROM notices n JOIN clocks c USING (order_id, clock_id) WHERE n.late AND n.at >= $1"
        " AND n.withdrawn_at IS NULL AND ($2::text[] IS NULL OR c.owner = ANY($2))"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        since,
        None if units is None else list(units),
    )
    return [CaughtUp(*row) for row in rows]


async def breaches(pool: asyncpg.Pool, asked: Asked) -> list[Read]:
    """Missed clocks, the latest deadline first."""
    return await _listed(pool, asked, ["c.state = 'missed'"], "(c.due, c.clock_id) < ({}, {})", " DESC")


async def falling_due(pool: asyncpg.Pool, asked: Asked) -> list[Read]:
    """Running clocks due before `asked.until`, the earliest first. A clock's next notice is never later than its due,
    so that the index of notices finds them; of an imported order nothing is ever said, and nothing falls due."""
    soon = ["c.state = 'running'", "c.next_at IS NOT NULL"]
    return await _listed(pool, asked, soon, "(c.due, c.clock_id) > ({}, {})", "")


async def _listed(pool: asyncpg.Pool, asked: Asked, conditions: list[str], beyond: str, turn: str) -> list[Read]:
    values: list[object] = []

    def where(condition: str, *given: object) -> None:
        """Only what was asked for becomes a condition, so that each question finds its index."""
        names = [f"${len(values) + place + 1}" for place in range(len(given))]
        conditions.append(condition.format(*names))
        values.extend(given)

    if asked.units is not None and len(asked.units) == 1:  # nearly always: finds its index in the order asked for
        where("c.owner = {}", asked.units[0])
    elif asked.units is not None:
        where("c.owner = ANY({})", list(asked.units))
    if asked.stage is not None:
        where("c.stage = {}", asked.stage)
    if asked.divisions is not None:
        where("coalesce(o.division, s.division) = ANY({})", list(asked.divisions))
    if asked.open:
        where("coalesce(o.open, true)")  # a special case has no end that its commitments would not have
    if asked.since is not None:
        where("c.due >= {}", asked.since)
    if asked.until is not None:
        where("c.due < {0} AND c.next_at < {0}", asked.until)
    if asked.after is not None:
        where(beyond, *asked.after)
    rows = await pool.fetch(
        f"SELECT {_COLUMNS} FROM {_CLOCKS} WHERE {' AND '.join(conditions)}"
        f" ORDER BY c.due{turn}, c.clock_id{turn} LIMIT ${len(values) + 1}",
        *values,
        asked.limit,
    )
    return [Read(*row) for row in rows]
