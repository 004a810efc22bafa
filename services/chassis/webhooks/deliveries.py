"""Messages on their way to other platforms: rows that are written with the change they speak of.

A delivery is `waiting` until it has arrived (`delivered`) or is given up (`dead`, kept with its bytes and its reason
until a person replays it). All state is in the row, so whoever starts next goes on where the last one stopped. Times
are the database's.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from services.chassis.database import Connection

KEPT = timedelta(days=45)
_REASON = 500

_PUT = """
INSERT INTO webhook_deliveries (id, destination, stream, type, body)
SELECT id, destination, stream, type, body
  FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[])
       WITH ORDINALITY AS given(id, destination, stream, type, body, place)
 ORDER BY place
"""
# Due ones, the longest due first, of each destination as many as it has hands free; never one whose stream has an
# earlier one under way. Claiming is a push of `due`: should nobody ever say what became of it, it is due again.
_CLAIM = """
WITH free AS (
  SELECT destination, slots FROM unnest($1::text[], $2::int[]) AS given(destination, slots)
   WHERE destination NOT IN (SELECT destination FROM webhook_pauses)
), taken AS (
  SELECT next.n FROM free, LATERAL (
    SELECT n FROM webhook_deliveries d
     WHERE d.destination = free.destination AND d.state = 'waiting' AND d.due <= now()
       AND NOT EXISTS (SELECT 1 FROM webhook_deliveries e
                        WHERE e.destination = d.destination AND e.stream = d.stream AND e.state = 'waiting'
                          AND e.n < d.n)
     ORDER BY d.due, d.n LIMIT free.slots FOR UPDATE SKIP LOCKED
  ) AS next
)
UPDATE webhook_deliveries SET attempts = attempts + 1, due = now() + $3
 WHERE n IN (SELECT n FROM taken)
RETURNING n, id, destination, type, body, attempts
"""
# What an attempt may still say of a delivery: nothing once another one has taken it over.
_MINE = "n = $1 AND attempts = $2 AND state = 'waiting'"
_FOLLOWING = (
    "FROM mine WHERE later.destination = mine.destination AND later.stream = mine.stream"
    " AND later.state = 'waiting' AND later.n > $1"
)
_END = f"""
WITH mine AS (
  UPDATE webhook_deliveries SET state = $3, ended_at = now(), reason = $4, body = CASE WHEN $3 = 'dead' THEN body
         ELSE '' END
   WHERE {_MINE} RETURNING destination, stream
)
UPDATE webhook_deliveries later SET due = now() {_FOLLOWING} AND later.due > now()
"""
_AGAIN = f"""
WITH mine AS (
  UPDATE webhook_deliveries SET due = now() + $3, reason = $4 WHERE {_MINE} RETURNING destination, stream, due
)
UPDATE webhook_deliveries later SET due = mine.due {_FOLLOWING} AND later.due < mine.due
"""


class Notice(Struct, frozen=True):
    """A message to be brought: its id for ever, where to, the stream in which it keeps its place, its type and body."""

    id: UUID
    destination: str
    stream: UUID
    type: str
    body: bytes


class Claimed(Struct, frozen=True):
    """A delivery that this worker brings now; `attempts` counts this one."""

    n: int
    id: UUID
    destination: str
    type: str
    body: bytes
    attempts: int


class Standing(Struct, frozen=True):
    """How it stands with one destination: how many wait, since when the oldest does (seconds), how many are dead, and
    why it is paused ("" if it is not)."""

    destination: str
    waiting: int
    oldest: float
    dead: int
    paused: str


class Listed(Struct, frozen=True):
    """A delivery as an operator sees it; its body is shown only when asked for."""

    id: UUID
    destination: str
    type: str
    state: str
    attempts: int
    at: datetime
    due: datetime
    reason: str
    body: bytes


async def put(connection: Connection, notices: Sequence[Notice]) -> None:
    """Write notices in the running transaction, in their order."""
    if notices:
        columns = zip(*((x.id, x.destination, x.stream, x.type, x.body) for x in notices), strict=True)
        await connection.execute(_PUT, *(list(column) for column in columns))


async def claim(access: Connection | asyncpg.Pool, free: Mapping[str, int], lease: timedelta) -> list[Claimed]:
    """Take deliveries for destinations that have so many hands free; they are this worker's for the `lease`."""
    rows = await access.fetch(_CLAIM, list(free), list(free.values()), lease)
    return [Claimed(*row) for row in sorted(rows, key=lambda row: row["n"])]


async def delivered(access: Connection | asyncpg.Pool, one: Claimed) -> None:
    """It has arrived; what follows in its stream is due now."""
    await access.execute(_END, one.n, one.attempts, "delivered", "")


async def dead(access: Connection | asyncpg.Pool, one: Claimed, reason: str) -> None:
    """It is given up, and kept; what follows in its stream is due now."""
    await access.execute(_END, one.n, one.attempts, "dead", reason[:_REASON])


async def again(access: Connection | asyncpg.Pool, one: Claimed, pause: timedelta, reason: str) -> None:
    """It failed and is tried again after a pause; what follows in its stream waits with it."""
    await access.execute(_AGAIN, one.n, one.attempts, pause, reason[:_REASON])


async def pause(access: Connection | asyncpg.Pool, destination: str, reason: str) -> None:
    """Send nothing to this destination until `resume`; the first reason stays."""
    statement = "INSERT INTO webhook_pauses (destination, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING"
    await access.execute(statement, destination, reason[:_REASON])


async def resume(access: Connection | asyncpg.Pool, destination: str) -> bool:
    """Send to it again, everything that waits now; whether it was paused."""
    gone: str = await access.execute("DELETE FROM webhook_pauses WHERE destination = $1", destination)
    await access.execute(
        "UPDATE webhook_deliveries SET due = now() WHERE destination = $1 AND state = 'waiting' AND due > now()",
        destination,
    )
    return gone != "DELETE 0"


async def replay(access: Connection | asyncpg.Pool, destination: str, ids: Sequence[UUID] = ()) -> int:
    """Bring dead letters of a destination again, all of them or these; how many."""
    done: str = await access.execute(
        "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, due = now(), ended_at = NULL"
        " WHERE destination = $1 AND state = 'dead' AND ($2::uuid[] = '{}' OR id = ANY($2))",
        destination,
        list(ids),
    )
    return int(done.split()[-1])


async def standing(access: Connection | asyncpg.Pool) -> list[Standing]:
    """How it stands with every destination for which something waits, is dead, or that is paused."""
    rows = await access.fetch(
        "SELECT destination, coalesce(sum(waiting), 0)::int, coalesce(max(oldest), 0)::float8,"
        " coalesce(sum(dead), 0)::int, coalesce(max(paused), '') FROM ("
        " SELECT destination, count(*) AS waiting, extract(epoch FROM now() - min(at)) AS oldest, 0 AS dead,"
        " NULL AS paused FROM webhook_deliveries WHERE state = 'waiting' GROUP BY 1"
        " UNION ALL SELECT destination, 0, NULL, count(*), NULL FROM webhook_deliveries WHERE state = 'dead' GROUP BY 1"
        " UNION ALL SELECT destination, 0, NULL, 0, reason FROM webhook_pauses) AS parts GROUP BY 1 ORDER BY 1"
    )
    return [Standing(*row) for row in rows]


async def listed(
    access: Connection | asyncpg.Pool, destination: str, states: Sequence[str], limit: int
) -> list[Listed]:
    """Deliveries in these states, the oldest first; of every destination for ""."""
    rows = await access.fetch(
        "SELECT id, destination, type, state, attempts, at, due, reason, body FROM webhook_deliveries"
        " WHERE state = ANY($2) AND ($1 = '' OR destination = $1) ORDER BY n LIMIT $3",
        destination,
        list(states),
        limit,
    )
    return [Listed(*row) for row in rows]


async def prune(access: Connection | asyncpg.Pool, kept: timedelta = KEPT) -> None:
    """Forget what arrived longer ago than `kept`. Dead letters stay."""
    gone: Any = None
    while gone != "DELETE 0":
        gone = await access.execute(
            "DELETE FROM webhook_deliveries WHERE n = ANY(ARRAY(SELECT n FROM webhook_deliveries"
            " WHERE state = 'delivered' AND ended_at < now() - $1::interval LIMIT 1000))",
            kept,
        )
