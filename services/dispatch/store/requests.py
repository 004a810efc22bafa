"""Requests of units, in bulk with their orders, and the inbox of those who decide them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from schemas.vocabulary import RequestKind, RequestReason, RequestState
from services.chassis.cursors import After
from services.chassis.database import Connection
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.model import Request, Words
from services.dispatch.store.columns import Columns, insert, send, update

REQUEST: Columns = (
    ("request_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("decider", "text"),
    ("since", "timestamptz"),
    ("level", "smallint"),
    ("decided_at", "timestamptz"),
    ("decided_by", "text"),
    ("granted_until", "timestamptz"),
    ("words", "json"),
)
REQUEST_FIXED: Columns = (
    ("order_id", "uuid"),
    ("assignment_id", "uuid"),
    ("ordinal", "smallint"),
    ("kind", "text"),
    ("reason", "text"),
    ("unit", "text"),
    ("round", "smallint"),
    ("arbitration", "boolean"),
    ("made_at", "timestamptz"),
    ("suggested_unit", "text"),
    ("until", "timestamptz"),
    ("class_key", "text"),
)
_INSERT = insert("requests", REQUEST + REQUEST_FIXED)
_UPDATE = update("requests", "request_id", REQUEST)
_words = msgspec.json.Decoder(Words).decode
_encode = msgspec.json.Encoder().encode


async def load(connection: Connection, orders: dict[UUID, Order]) -> None:
    """The requests of these orders, hung on them in the order they were made."""
    if not orders:
        return
    rows = await connection.fetch(
        "SELECT * FROM requests WHERE order_id = ANY($1) ORDER BY order_id, ordinal", list(orders)
    )
    for row in rows:
        orders[row["order_id"]].requests.append(request_of(row))


async def orders_of(connection: Connection, request_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The order each request is about, which never changes."""
    rows = await connection.fetch(
        "SELECT request_id, order_id FROM requests WHERE request_id = ANY($1)", list(request_ids)
    )
    return {row["request_id"]: row["order_id"] for row in rows}


async def save(connection: Connection, orders: Iterable[Order]) -> None:
    """Write the requests that are new or changed."""
    changed = [r for order in orders for r in order.requests if r.changed]
    await send(connection, _INSERT, [(*_row(r), *_fixed(r)) for r in changed if not r.stored])
    await send(connection, _UPDATE, [_row(r) for r in changed if r.stored])


async def listed(
    pool: asyncpg.Pool,
    deciders: Sequence[str] | None,
    unit: str,
    states: Sequence[str],
    kinds: Sequence[str],
    after: After | None,
    limit: int,
) -> list[Request]:
    """Requests that these units decide or that `unit` made, the longest waiting first; `deciders` None is everybody's,
    no states or kinds are all."""
    rows = await pool.fetch(
        "SELECT * FROM requests WHERE ($1::text[] IS NULL OR decider = ANY($1) OR unit = $2)"
        " AND (cardinality($3::text[]) = 0 OR state = ANY($3)) AND (cardinality($4::text[]) = 0 OR kind = ANY($4))"
        " AND ($5::timestamptz IS NULL OR (since, request_id) > ($5, $6)) ORDER BY since, request_id LIMIT $7",
        None if deciders is None else list(deciders),
        unit,
        list(states),
        list(kinds),
        None if after is None else after.at,
        None if after is None else after.id,
        limit,
    )
    return [request_of(row) for row in rows]


def request_of(row: Any) -> Request:
    """A request out of its row."""
    return Request(
        request_id=row["request_id"],
        order_id=row["order_id"],
        assignment_id=row["assignment_id"],
        ordinal=row["ordinal"],
        kind=RequestKind(row["kind"]),
        reason=RequestReason(row["reason"]),
        unit=row["unit"],
        decider=row["decider"],
        round=row["round"],
        made_at=row["made_at"],
        since=row["since"],
        state=RequestState(row["state"]),
        version=row["version"],
        level=row["level"],
        arbitration=row["arbitration"],
        suggested_unit=row["suggested_unit"],
        until=row["until"],
        class_key=row["class_key"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        granted_until=row["granted_until"],
        words=_words(row["words"]),
        stored=True,
    )


def _row(r: Request) -> tuple[UUID | str | int | datetime | None, ...]:
    return (
        r.request_id,
        r.state,
        r.version,
        r.decider,
        r.since,
        r.level,
        r.decided_at,
        r.decided_by,
        r.granted_until,
        _encode(r.words).decode(),
    )


def _fixed(r: Request) -> tuple[UUID | str | int | bool | datetime | None, ...]:
    return (
        r.order_id,
        r.assignment_id,
        r.ordinal,
        r.kind,
        r.reason,
        r.unit,
        r.round,
        r.arbitration,
        r.made_at,
        r.suggested_unit,
        r.until,
        r.class_key,
    )
