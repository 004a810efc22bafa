"""Full text over what was reported: pairs of signs in a GIN index, written behind the pipeline's back.

Indexing a report costs several times what keeping it does, so nothing of it happens where orders are opened: `index`
follows the history and makes what was recorded findable some seconds later. It may run twice at once or begin anew.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from schemas.facts import ReportReceived
from services.chassis.clock import monotonic
from services.chassis.database import Connection, patiently
from services.dispatch.rules.grams import grams, loose, query, terms
from services.dispatch.store import history
from services.dispatch.store.reads import report_of

FEW = 10_000  # reports that a search may begin with; what comes to more is walked through instead, the youngest first
IDLE = 1.0  # seconds until the next look when all is indexed
PAGE = 100  # changes a transaction: short enough that nobody waits for it
Words = tuple[str, tuple[str, ...]]  # a tsquery, and the terms as they must stand
_FOLLOW = (
    "SELECT h.recorded_at, h.order_id, h.seq FROM history h WHERE h.recorded_at <= $1"
    " AND (h.recorded_at, h.order_id, h.seq) > ($2, $3, $4) ORDER BY h.recorded_at, h.order_id, h.seq LIMIT $5"
)
_WORDS = (
    "INSERT INTO report_words (report_id, words) SELECT id, array_to_tsvector(string_to_array(said, ' '))"
    " FROM unnest($1::uuid[], $2::text[]) AS rows(id, said) ON CONFLICT DO NOTHING"
)


async def look(pool: asyncpg.Pool, q: str) -> tuple[tuple[UUID, ...] | None, Words | None]:
    """What a search comes to today: the orders of reports that have all its pairs of signs, or None when they are too
    many to begin with; and the words by which each order is still to be looked at, None when the pairs prove it."""
    asked = terms(q)
    wanted = query(asked)
    if not wanted:  # no letter, no digit
        return (), None
    async with pool.acquire() as connection, connection.transaction():
        # of what comes to very many a part is enough to know it
        await connection.execute(f"SET LOCAL gin_fuzzy_search_limit = {4 * FEW}")
        rows = await connection.fetch(
            f"SELECT report_id FROM report_words WHERE words @@ $1::tsquery LIMIT {FEW + 1}", wanted
        )
        if len(rows) > FEW:
            return None, (wanted, loose(asked))
        found = await connection.fetch(
            "SELECT DISTINCT order_id FROM reports WHERE report_id = ANY($1) AND order_id IS NOT NULL",
            [row["report_id"] for row in rows],
        )
    return tuple(row["order_id"] for row in found), (wanted, loose(asked)) if loose(asked) else None


def words_of(q: str) -> Words | None:
    """The words by which orders of a past moment are looked at."""
    asked = terms(q)
    return (query(asked), loose(asked)) if query(asked) else None


async def index(connection: Connection, until: datetime) -> int:
    """Make one page of what was recorded findable; how many changes were looked at. Behind `until` nothing can be
    recorded any more (`history.horizon`)."""
    async with connection.transaction():
        place = await connection.fetchrow("SELECT at, order_id, seq FROM words_place FOR UPDATE SKIP LOCKED")
        if place is None:
            return 0
        rows = await connection.fetch(_FOLLOW, until, place["at"], place["order_id"], place["seq"], PAGE)
        if not rows:
            return 0
        await add(connection, list({row["order_id"] for row in rows}))
        await connection.execute(
            "UPDATE words_place SET at = $1, order_id = $2, seq = $3",
            *(rows[-1][name] for name in ("recorded_at", "order_id", "seq")),
        )
        return len(rows)


async def follow(pool: asyncpg.Pool, settling: timedelta) -> None:
    """Index for ever what was recorded, using a twentieth of the time at most, so that a flood of reports is opened
    first and found later."""
    while True:

        async def portion() -> int:
            until = await history.horizon(pool, settling)
            async with pool.acquire() as connection:
                return await index(connection, until)

        began = monotonic()
        done = await patiently(portion)
        await asyncio.sleep(19 * (monotonic() - began) if done == PAGE else IDLE)


async def add(connection: Connection, order_ids: Sequence[UUID]) -> None:
    """Index the reports of these orders that are not yet."""
    rows = await connection.fetch(
        "SELECT r.report_id, r.body FROM reports r WHERE r.order_id = ANY($1)"
        " AND NOT EXISTS (SELECT FROM report_words w WHERE w.report_id = r.report_id)",
        list(order_ids),
    )
    if rows:
        said = [" ".join(grams(_text(report_of(row["body"])))) for row in rows]
        await connection.execute(_WORDS, [row["report_id"] for row in rows], said)


def _text(report: ReportReceived) -> str:
    return " ".join(filter(None, (report.title, report.text, report.address)))
