"""Old inbox ids go, young ones stay."""

from datetime import timedelta
from uuid import uuid4

import asyncpg

from services.chassis.pruning import prune


async def test_what_is_older_than_45_days_is_forgotten_in_chunks(pool: asyncpg.Pool) -> None:
    await pool.executemany(
        "INSERT INTO inbox (consumer, id, at) VALUES ('x', $1, now() - $2::interval)",
        [(uuid4(), timedelta(days=days)) for days in (1, 44, 46, 400) for _ in range(3)],
    )
    assert await prune(pool, "inbox") == 6
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 6
    assert await prune(pool, "inbox") == 0
