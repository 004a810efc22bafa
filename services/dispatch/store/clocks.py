"""The clocks of orders as supervision set them: one row for each time it said something new of an order, dated."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from schemas.facts import ClocksSet, ClockView
from schemas.vocabulary import ClockState, Light
from services.chassis.database import Connection
from services.dispatch.store.columns import Columns, insert, send

_CLOCKS: Columns = (
    ("order_id", "uuid"),
    ("seq", "int"),
    ("at", "timestamptz"),
    ("due", "timestamptz"),
    ("light", "text"),
    ("body", "json"),
)
# What is said again changes nothing, not even the moment since when it is known.
_SAVE = insert(
    "clocks",
    _CLOCKS,
    "WHERE (SELECT c.body::text FROM clocks c WHERE c.order_id = rows.order_id AND c.seq = rows.seq ORDER BY c.at DESC"
    " LIMIT 1) IS DISTINCT FROM rows.body ON CONFLICT DO NOTHING",
)
_SHOWN = frozenset({ClockState.RUNNING, ClockState.PAUSED, ClockState.MISSED})
_WORST = (Light.GREEN, Light.YELLOW, Light.RED)
_encode = msgspec.json.Encoder().encode
_views = msgspec.json.Decoder(tuple[ClockView, ...]).decode


async def save(connection: Connection, said: Sequence[ClocksSet], now: datetime) -> None:
    """Keep what supervision said, each (order, seq) once; `due` is the earliest that still runs,
    `light` the worst of those that run or were missed."""
    rows = [(c.order_id, c.seq, now, _due(c.clocks), light_of(c.clocks), _encode(c.clocks).decode()) for c in said]
    await send(connection, _SAVE, rows)


def _due(clocks: Sequence[ClockView]) -> datetime | None:
    return min((c.due for c in clocks if c.state is ClockState.RUNNING), default=None)


def light_of(clocks: Sequence[ClockView]) -> Light:
    """The light of an order: the worst of its clocks that run or were missed."""
    return max((c.light for c in clocks if c.state in _SHOWN), key=_WORST.index, default=Light.GREEN)


async def latest(
    connection: Connection, order_ids: Sequence[UUID], at: datetime | None = None
) -> dict[UUID, tuple[ClockView, ...]]:
    """The newest clocks of orders, or the newest that were known at a moment."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (order_id) order_id, body FROM clocks WHERE order_id = ANY($1)"
        " AND ($2::timestamptz IS NULL OR at <= $2) ORDER BY order_id, seq DESC, at DESC",
        list(order_ids),
        at,
    )
    return {row["order_id"]: views(row["body"]) for row in rows}


def views(body: Any) -> tuple[ClockView, ...]:
    """Clocks out of their column."""
    return _views(body) if body is not None else ()
