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


_WORKED_ON = "o.status IN ('dispatched', 'handling', 'verifying', 'callback') AND NOT o.imported"
# What must be none among open orders; `paidan audit` asks the same of all there are, and of every service's tables.
_BROKEN = {
    "unassigned": f"SELECT count(*) FROM orders o WHERE {_WORKED_ON} AND NOT EXISTS (SELECT FROM assignments a"
    " WHERE a.order_id = o.order_id AND a.role = 'lead')",
    "two_leads": "SELECT count(*) FROM (SELECT FROM assignments a JOIN orders o USING (order_id)"
    f" WHERE a.role = 'lead' AND a.status NOT IN ('returned', 'withdrawn', 'confirmed') AND {_WORKED_ON}"
    " GROUP BY a.order_id HAVING count(*) > 1) t",
    "reportless": f"SELECT count(*) FROM orders o WHERE {_WORKED_ON} AND o.detail->>'split_from' IS NULL"
    " AND NOT EXISTS (SELECT FROM reports r WHERE r.order_id = o.order_id)",
}


async def broken(pool: asyncpg.Pool) -> dict[str, int]:
    """How many open orders are as none may be, by what is wrong with them."""
    return {what: await pool.fetchval(statement) for what, statement in _BROKEN.items()}


async def now(pool: asyncpg.Pool) -> datetime:
    """The database's clock."""
    found: datetime = await pool.fetchval("SELECT clock_timestamp()")
    return found
