"""Clocks that fall due soon, counted for the boards."""

import asyncpg
from msgspec import Struct


class Due(Struct, frozen=True):
    """Running clocks of a stage in a division that fall due within two hours, and within a day."""

    division: str
    stage: str
    hours: int
    day: int


async def falling_due(pool: asyncpg.Pool) -> list[Due]:
    """What falls due within a day. A clock's next notice is never later than its due, so their index finds them."""
    rows = await pool.fetch(
        "SELECT o.division, c.stage, count(*) FILTER (WHERE c.due < now() + interval '2 hours') AS hours,"
        " count(*) AS day FROM clocks c JOIN orders o USING (order_id)"
        " WHERE c.next_at < now() + interval '1 day' AND c.due < now() + interval '1 day' AND c.state = 'running'"
        " GROUP BY o.division, c.stage"
    )
    return [Due(*row) for row in rows]


async def clockless(pool: asyncpg.Pool) -> int:
    """Open orders without any clock: must be none."""
    found: int = await pool.fetchval(
        "SELECT count(*) FROM orders o WHERE o.open AND NOT o.imported"
        " AND NOT EXISTS (SELECT FROM clocks c WHERE c.order_id = o.order_id)"
    )
    return found
