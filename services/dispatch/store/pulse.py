"""What waits for people at this moment, counted: for the boards, every few seconds. Each statement reads an index of
what is open, never all there was."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from services.dispatch.store.filters import ENDED


class Waiting(Struct, frozen=True):
    """How many wait, and since when the oldest does. `key` is a division or a kind of request."""

    key: str
    count: int
    oldest: datetime


async def _grouped(pool: asyncpg.Pool, statement: str) -> list[Waiting]:
    return [Waiting(row["key"], row["count"], row["oldest"]) for row in await pool.fetch(statement)]


async def dangers(pool: asyncpg.Pool) -> list[Waiting]:
    """Urgent and critical orders whose lead has not accepted, by division, since they were offered."""
    return await _grouped(
        pool,
        "SELECT o.division AS key, count(*) AS count, min(a.offered_at) AS oldest FROM orders o"
        " JOIN assignments a ON a.order_id = o.order_id AND a.role = 'lead' AND a.status = 'offered'"
        f" WHERE o.status NOT IN {ENDED} AND o.urgency <> 'normal' GROUP BY o.division",
    )


async def triage(pool: asyncpg.Pool) -> list[Waiting]:
    """Orders that wait for a dispatcher to send them on, by division."""
    return await _grouped(
        pool,
        "SELECT division AS key, count(*) AS count, min(opened_at) AS oldest FROM orders"
        " WHERE status = 'triage' GROUP BY division",
    )


async def requests(pool: asyncpg.Pool) -> list[Waiting]:
    """Requests of units that no centre has decided, by kind."""
    return await _grouped(
        pool,
        "SELECT kind AS key, count(*) AS count, min(since) AS oldest FROM requests WHERE state = 'open' GROUP BY kind",
    )


async def reopenings(pool: asyncpg.Pool) -> list[Waiting]:
    """Orders of which a citizen said a bad word, and nobody has decided whether they are opened again."""
    return await _grouped(
        pool,
        "SELECT division AS key, count(*) AS count, min(since) AS oldest FROM orders"
        " WHERE proposed <> '' GROUP BY division",
    )


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's clock."""
    found: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return found
