"""How it stands now, counted for the supervision page: what is late, by division and stage, and the ladder."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct


class Late(Struct, frozen=True):
    """Missed clocks of open orders, and of special cases, of one stage in one division."""

    division: str
    stage: str
    count: int


class Standing(Struct, frozen=True):
    """Rungs of one kind and level that were raised and stand, and since when the oldest does."""

    kind: str
    level: int
    count: int
    oldest: datetime


class Raised(Struct, frozen=True):
    """One rung that stands. The fields stand in the order of the query."""

    order_id: UUID
    clock_id: UUID
    rung: str
    kind: str
    level: int
    raised_at: datetime
    late: bool
    stage: str
    due: datetime
    owner: str
    division: str


class Asked(Struct, frozen=True):
    """Which rungs: of a kind, of a level, in these divisions; after the one that a page ended with. None means any."""

    kind: str | None
    level: int | None
    divisions: Sequence[str] | None
    after: tuple[datetime, UUID] | None
    limit: int


async def late(pool: asyncpg.Pool) -> list[Late]:
    """What is late now. It goes from what is open, so that years of old misses cost nothing."""
    rows = await pool.fetch(
        "SELECT division, stage, count(*) FROM ("
        " SELECT o.division, c.stage FROM orders o JOIN clocks c USING (order_id) WHERE o.open AND c.state = 'missed'"
        " UNION ALL SELECT s.division, c.stage FROM special_cases s JOIN clocks c ON c.order_id = s.case_id"
        " WHERE c.state = 'missed') AS found GROUP BY division, stage"
    )
    return [Late(*row) for row in rows]


async def ladder(pool: asyncpg.Pool) -> list[Standing]:
    """The rungs that stand, by kind and level."""
    rows = await pool.fetch(
        "SELECT kind, level, count(*), min(raised_at) FROM rungs WHERE state = 'raised' GROUP BY kind, level"
        " ORDER BY level, kind"
    )
    return [Standing(*row) for row in rows]


async def raised(pool: asyncpg.Pool, asked: Asked) -> list[Raised]:
    """Rungs that stand, the latest first."""
    at, clock_id = asked.after or (None, None)
    rows = await pool.fetch(
        "SELECT r.order_id, r.clock_id, r.rung, r.kind, r.level, r.raised_at, r.late, c.stage, r.due, c.owner,"
        " o.division FROM rungs r JOIN clocks c USING (order_id, clock_id) JOIN orders o USING (order_id)"
        " WHERE r.state = 'raised' AND ($1::text IS NULL OR r.kind = $1) AND ($2::int IS NULL OR r.level = $2)"
        " AND ($3::text[] IS NULL OR o.division = ANY($3))"
        " AND ($4::timestamptz IS NULL OR (r.raised_at, r.clock_id) < ($4, $5::uuid))"
        " ORDER BY r.raised_at DESC, r.clock_id DESC LIMIT $6",
        asked.kind,
        asked.level,
        None if asked.divisions is None else list(asked.divisions),
        at,
        clock_id,
        asked.limit,
    )
    return [Raised(*row) for row in rows]


async def known_until(pool: asyncpg.Pool) -> datetime | None:
    """Everything recorded before this moment has been folded; None before the first Ticks."""
    found: datetime | None = await pool.fetchval("SELECT min(t) FROM ticks")
    return found
