"""Supervisions, in bulk with their orders, and as lists."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from schemas.vocabulary import Stage, SupervisionKind, SupervisionState
from services.chassis.cursors import After
from services.chassis.database import Connection
from services.dispatch.rules.order import Order
from services.dispatch.rules.supervisions.model import Supervision, Words
from services.dispatch.store.columns import Columns, insert, send, update
from services.dispatch.store.filters import Scope, Where, about_others

SUPERVISION: Columns = (
    ("supervision_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("since", "timestamptz"),
    ("turn", "smallint"),
    ("answer_due", "timestamptz"),
    ("answered_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    ("cause", "text"),
    ("withdrawn", "boolean"),
    ("words", "json"),
)
SUPERVISION_FIXED: Columns = (
    ("order_id", "uuid"),
    ("ordinal", "smallint"),
    ("kind", "text"),
    ("level", "smallint"),
    ("answerer", "text"),
    ("by", "text"),
    ("round", "smallint"),
    ("made_at", "timestamptz"),
    ("note", "text"),
    ("rung", "text"),
    ("stage", "text"),
    ("due", "timestamptz"),
    ("clock_id", "uuid"),
    ("late", "boolean"),
)
_INSERT = insert("supervisions", SUPERVISION + SUPERVISION_FIXED)
_UPDATE = update("supervisions", "supervision_id", SUPERVISION)
_words = msgspec.json.Decoder(Words).decode
_encode = msgspec.json.Encoder().encode


class Asked(Struct, frozen=True):
    """What a list of supervisions is narrowed to; empty fields do not narrow. `divisions` None is everywhere."""

    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    levels: Sequence[int] = ()
    answerers: Sequence[str] = ()
    by: Sequence[str] = ()
    divisions: Sequence[str] | None = None
    order_id: UUID | None = None
    supervision_id: UUID | None = None


async def load(connection: Connection, orders: dict[UUID, Order]) -> None:
    """The supervisions of these orders, hung on them in the order they were opened."""
    if not orders:
        return
    rows = await connection.fetch(
        "SELECT * FROM supervisions WHERE order_id = ANY($1) ORDER BY order_id, ordinal", list(orders)
    )
    for row in rows:
        orders[row["order_id"]].supervisions.append(_supervision(row))


async def orders_of(connection: Connection, supervision_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The order each supervision is about, which never changes."""
    rows = await connection.fetch(
        "SELECT supervision_id, order_id FROM supervisions WHERE supervision_id = ANY($1)", list(supervision_ids)
    )
    return {row["supervision_id"]: row["order_id"] for row in rows}


async def save(connection: Connection, orders: Iterable[Order]) -> None:
    """Write the supervisions that are new or changed."""
    changed = [s for order in orders for s in order.supervisions if s.changed]
    await send(connection, _INSERT, [(*_row(s), *_fixed(s)) for s in changed if not s.stored])
    await send(connection, _UPDATE, [_row(s) for s in changed if s.stored])


async def listed(pool: asyncpg.Pool, scope: Scope, asked: Asked, after: After | None, limit: int) -> list[Supervision]:
    """Supervisions within what a caller sees: those that his units answer or accept, those of orders in their hands,
    and, of a centre, those in its boundary; the newest first."""
    where = Where()
    _within(where, scope)
    for column, values in (
        ("s.state", asked.states),
        ("s.kind", asked.kinds),
        ("s.level", asked.levels),
        ("s.answerer", asked.answerers),
        ("s.by", asked.by),
    ):
        if values:
            where.add(f"{column} = ANY(?)", list(values))
    if asked.divisions is not None:
        where.add("o.division = ANY(?)", list(asked.divisions))
    if asked.order_id is not None:
        where.add("s.order_id = ?", asked.order_id)
    if asked.supervision_id is not None:
        where.add("s.supervision_id = ?", asked.supervision_id)
    if after is not None:
        where.add("(s.made_at, s.supervision_id) < (?, ?)", after.at, after.id)
    rows = await pool.fetch(
        f"SELECT s.* FROM supervisions s JOIN orders o USING (order_id) WHERE {where}"
        f" ORDER BY s.made_at DESC, s.supervision_id DESC LIMIT ${len(where.args) + 1}",
        *where.args,
        limit,
    )
    return [_supervision(row) for row in rows]


def _within(where: Where, scope: Scope) -> None:
    if scope.everything:
        return
    about_others(where, scope)
    if not scope.handler and scope.divisions is None:
        return
    inside = () if scope.handler else scope.divisions
    where.add(
        "(s.answerer = ANY(?) OR s.by = ANY(?) OR o.lead = ANY(?) OR o.division = ANY(?)"
        " OR EXISTS (SELECT FROM assignments a WHERE a.order_id = o.order_id AND a.unit = ANY(?)))",
        scope.units,
        scope.units,
        scope.units,
        inside,
        scope.units,
    )


def _supervision(row: Any) -> Supervision:
    return Supervision(
        supervision_id=row["supervision_id"],
        order_id=row["order_id"],
        ordinal=row["ordinal"],
        kind=SupervisionKind(row["kind"]),
        level=row["level"],
        answerer=row["answerer"],
        by=row["by"],
        round=row["round"],
        made_at=row["made_at"],
        since=row["since"],
        note=row["note"],
        rung=row["rung"],
        stage=None if row["stage"] is None else Stage(row["stage"]),
        due=row["due"],
        clock_id=row["clock_id"],
        answer_due=row["answer_due"],
        late=row["late"],
        state=SupervisionState(row["state"]),
        version=row["version"],
        turn=row["turn"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        cause=row["cause"],
        withdrawn=row["withdrawn"],
        words=_words(row["words"]),
        stored=True,
    )


def _row(s: Supervision) -> tuple[UUID | str | int | bool | datetime | None, ...]:
    return (
        s.supervision_id,
        s.state,
        s.version,
        s.since,
        s.turn,
        s.answer_due,
        s.answered_at,
        s.ended_at,
        s.cause,
        s.withdrawn,
        _encode(s.words).decode(),
    )


def _fixed(s: Supervision) -> tuple[UUID | str | int | bool | datetime | None, ...]:
    return (
        s.order_id,
        s.ordinal,
        s.kind,
        s.level,
        s.answerer,
        s.by,
        s.round,
        s.made_at,
        s.note,
        s.rung,
        s.stage,
        s.due,
        s.clock_id,
        s.late,
    )
