"""Hand-overs to other platforms: their rows, for transactions and for lists."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from schemas.vocabulary import HandoverMode, HandoverState, Source
from services.chassis.cursors import After
from services.chassis.database import Connection
from services.dispatch.rules.handover import Handover, sender_of, source_of
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.telling import Sender
from services.dispatch.store.columns import Columns, copy, send, update

FIXED: Columns = (
    ("order_id", "uuid"),
    ("platform", "text"),
    ("mode", "text"),
    ("reason", "text"),
    ("offered_at", "timestamptz"),
    ("offered_by", "text"),
)
CHANGING: Columns = (
    ("handover_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("ended_at", "timestamptz"),
    ("person", "text"),
    ("number", "text"),
    ("arrived_at", "timestamptz"),
    ("result_at", "timestamptz"),
    ("answer", "text"),
)
_UPDATE = update("handovers", "handover_id", CHANGING)


async def load(connection: Connection | asyncpg.Pool, ids: Iterable[UUID]) -> dict[UUID, Handover]:
    """Hand-overs by their ids."""
    rows = await connection.fetch("SELECT * FROM handovers WHERE handover_id = ANY($1)", list(ids))
    return {row["handover_id"]: _of(row) for row in rows}


async def waiting(connection: Connection, order_ids: Iterable[UUID]) -> dict[UUID, Handover]:
    """Those of these orders that wait for a signature."""
    rows = await connection.fetch(
        "SELECT * FROM handovers WHERE order_id = ANY($1) AND state = 'offered'", list(order_ids)
    )
    return {row["handover_id"]: _of(row) for row in rows}


async def of_order(pool: asyncpg.Pool, order_id: UUID) -> list[Handover]:
    """All of one order, the first first."""
    rows = await pool.fetch("SELECT * FROM handovers WHERE order_id = $1 ORDER BY offered_at, handover_id", order_id)
    return [_of(row) for row in rows]


async def of_platform(pool: asyncpg.Pool, platform: str, state: str, after: After | None, limit: int) -> list[Handover]:
    """A platform's inbox in one state, the longest waiting first."""
    rows = await pool.fetch(
        "SELECT h.* FROM handovers h JOIN orders o USING (order_id) WHERE h.platform = $1 AND h.state = $2"
        " AND (h.state <> 'offered' OR o.status <> ALL($6))"  # an order that ended meanwhile is nobody's any more
        " AND ($3::timestamptz IS NULL OR (h.offered_at, h.handover_id) > ($3, $4))"
        " ORDER BY h.offered_at, h.handover_id LIMIT $5",
        platform,
        state,
        None if after is None else after.at,
        None if after is None else after.id,
        limit,
        sorted(ENDED),
    )
    return [_of(row) for row in rows]


async def save(connection: Connection, handovers: Iterable[Handover]) -> None:
    """Write new and changed ones."""
    changed = [h for h in handovers if h.changed]
    fresh = [(*_changing(h), *_fixed(h)) for h in changed if not h.stored]
    await copy(connection, "handovers", CHANGING + FIXED, fresh)
    await send(connection, _UPDATE, [_changing(h) for h in changed if h.stored])


async def numbers_of(pool: Connection | asyncpg.Pool, order_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """(source, the sender's own number) of the reports on these orders that came with one."""
    rows = await pool.fetch(
        "SELECT order_id, source, body->>'source_number' AS number FROM reports"
        " WHERE order_id = ANY($1) AND body->>'source_number' <> '' ORDER BY received_at, report_id",
        list(order_ids),
    )
    found: dict[UUID, list[tuple[str, str]]] = {}
    for row in rows:
        found.setdefault(row["order_id"], []).append((row["source"], row["number"]))
    return found


async def senders(connection: Connection, report_ids: Iterable[UUID]) -> dict[UUID, Sender]:
    """Who numbered these reports, as far as somebody did."""
    rows = await connection.fetch(
        "SELECT report_id, source, body->>'platform' AS platform, body->>'source_number' AS number, received_at"
        " FROM reports WHERE report_id = ANY($1) AND body->>'source_number' <> ''",
        list(report_ids),
    )
    found = {}
    for row in rows:
        platform = sender_of(row["source"], row["platform"] or "")
        found[row["report_id"]] = Sender(platform, row["number"], row["received_at"])
    return found


async def report_numbered(pool: asyncpg.Pool, platform: str, number: str) -> tuple[UUID, UUID | None, datetime] | None:
    """(report, its order, received at) of the newest report that a platform calls by this number."""
    source = source_of(platform)
    row = await pool.fetchrow(
        "SELECT report_id, order_id, received_at FROM reports WHERE body->>'source_number' = $2 AND source = $1"
        " AND ($3 = '' OR body->>'platform' = $3) ORDER BY received_at DESC LIMIT 1",
        source,
        number,
        platform if source is Source.PLATFORM else "",
    )
    return None if row is None else (row["report_id"], row["order_id"], row["received_at"])


def _of(row: Any) -> Handover:
    return Handover(
        handover_id=row["handover_id"],
        order_id=row["order_id"],
        platform=row["platform"],
        mode=HandoverMode(row["mode"]),
        reason=row["reason"],
        offered_at=row["offered_at"],
        offered_by=row["offered_by"],
        state=HandoverState(row["state"]),
        version=row["version"],
        ended_at=row["ended_at"],
        person=row["person"],
        number=row["number"],
        arrived_at=row["arrived_at"],
        result_at=row["result_at"],
        answer=row["answer"],
        stored=True,
    )


def _fixed(h: Handover) -> tuple[Any, ...]:
    return (h.order_id, h.platform, h.mode, h.reason, h.offered_at, h.offered_by)


def _changing(h: Handover) -> tuple[Any, ...]:
    return (
        h.handover_id,
        h.state,
        h.version,
        h.ended_at,
        h.person,
        h.number,
        h.arrived_at,
        h.result_at,
        h.answer,
    )
