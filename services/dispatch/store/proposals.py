"""Questions whether two orders are one: landed, listed, answered."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from schemas.facts import MergeProposed, OrderMerged
from schemas.vocabulary import ProposalState
from services.chassis.cursors import After
from services.chassis.database import Connection
from services.dispatch.rules.proposals import Proposal
from services.dispatch.store.columns import Columns, insert, send, update
from services.dispatch.store.filters import ENDED, SEEN, Scope, Where, about_others

_FIXED: Columns = (
    ("proposal_id", "uuid"),
    ("order_id", "uuid"),
    ("into_id", "uuid"),
    ("score", "float8"),
    ("parts", "json"),
    ("why", "text"),
    ("swept", "boolean"),
    ("proposed_at", "timestamptz"),
)
_CHANGING: Columns = (
    ("proposal_id", "uuid"),
    ("state", "text"),
    ("version", "int"),
    ("decided_at", "timestamptz"),
    ("decided_by", "text"),
    ("decided_unit", "text"),
    ("note", "text"),
)
_INSERT = insert("merge_proposals", (*_FIXED, *_CHANGING[1:]), "ON CONFLICT DO NOTHING")
_UPDATE = update("merge_proposals", "proposal_id", _CHANGING)
_encode = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(dict[str, float]).decode


async def land(connection: Connection, asked: Sequence[MergeProposed]) -> None:
    """Keep what the router asks; a question that was asked before stays as it is."""
    rows = [
        (q.proposal_id, q.order_id, q.into, q.score, _encode(q.parts).decode(), q.why, q.swept, q.proposed_at)
        for q in {q.proposal_id: q for q in asked}.values()
    ]
    await send(connection, _INSERT, [(*row, ProposalState.OPEN, 1, None, "", "", "") for row in rows])


async def load(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Proposal]:
    """Proposals by their ids."""
    rows = await connection.fetch("SELECT * FROM merge_proposals WHERE proposal_id = ANY($1)", list(ids))
    return {row["proposal_id"]: _of(row) for row in rows}


async def save(connection: Connection, answered: Iterable[Proposal]) -> None:
    """Write those that were answered."""
    await send(connection, _UPDATE, [_changing(p) for p in answered])


async def settle(connection: Connection, merged: Sequence[OrderMerged]) -> None:
    """Two orders that somebody merged are no question any more."""
    await connection.execute(
        "UPDATE merge_proposals p SET state = 'accepted', version = version + 1, decided_at = n.at,"
        " decided_by = n.actor, decided_unit = n.unit"
        " FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[]) AS n(one, other, at, actor,"
        " unit) WHERE p.state = 'open' AND ((p.order_id = n.one AND p.into_id = n.other)"
        " OR (p.order_id = n.other AND p.into_id = n.one))",
        [fact.order_id for fact in merged],
        [fact.into for fact in merged],
        [fact.recorded_at for fact in merged],
        [fact.actor for fact in merged],
        [fact.unit for fact in merged],
    )


async def page(
    pool: asyncpg.Pool, scope: Scope, state: ProposalState, after: After | None, limit: int
) -> list[Proposal]:
    """Proposals in a state of which the caller sees both orders, the longest waiting first; open ones while both
    orders are."""
    where = Where()
    where.add("p.state = ?", state.value)
    for column in ("order_id", "into_id"):
        _seen(where, scope, column, alive=state is ProposalState.OPEN)
    if after is not None:
        where.add("(p.proposed_at, p.proposal_id) > (?, ?)", after.at, after.id)
    where.args.append(limit)
    rows = await pool.fetch(
        f"SELECT p.* FROM merge_proposals p WHERE {where} ORDER BY p.proposed_at, p.proposal_id"
        f" LIMIT ${len(where.args)}",
        *where.args,
    )
    return [_of(row) for row in rows]


async def beside(pool: asyncpg.Pool, scope: Scope, order_ids: Sequence[UUID]) -> dict[UUID, list[Proposal]]:
    """The open questions about each of these orders of which the caller sees the other too, the surest first."""
    where = Where()
    where.add("p.state = 'open' AND (p.order_id = ANY(?) OR p.into_id = ANY(?))", list(order_ids), list(order_ids))
    for column in ("order_id", "into_id"):
        _seen(where, scope, column, alive=True)
    rows = await pool.fetch(f"SELECT p.* FROM merge_proposals p WHERE {where} ORDER BY p.score DESC", *where.args)
    found: dict[UUID, list[Proposal]] = {}
    for proposal in map(_of, rows):
        for order_id in proposal.orders:
            found.setdefault(order_id, []).append(proposal)
    return found


def _seen(where: Where, scope: Scope, column: str, *, alive: bool) -> None:
    inner = Where(where.args)
    inner.add(f"o.order_id = p.{column}")
    if alive:
        inner.add(f"o.status NOT IN {ENDED}")
    if not scope.everything:
        about_others(inner, scope)
        if scope.handler or scope.divisions is not None:
            inner.add(f"({SEEN})", list(scope.divisions or ()), list(scope.units), list(scope.units))
    where.add(f"EXISTS (SELECT FROM orders o WHERE {inner})")


def _of(row: Any) -> Proposal:
    return Proposal(
        proposal_id=row["proposal_id"],
        order_id=row["order_id"],
        into=row["into_id"],
        score=row["score"],
        parts=_parts(row["parts"]),
        why=row["why"],
        swept=row["swept"],
        proposed_at=row["proposed_at"],
        state=ProposalState(row["state"]),
        version=row["version"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        decided_unit=row["decided_unit"],
        note=row["note"],
    )


def _changing(p: Proposal) -> tuple[Any, ...]:
    return (p.proposal_id, p.state, p.version, p.decided_at, p.decided_by, p.decided_unit, p.note)
