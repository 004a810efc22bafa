"""Whether two orders are one matter: the router asks, a dispatcher who sees both answers.

Accepted, they are merged by the same action that a dispatcher may take by himself (`acts.merging`), and taken apart
again by un-merging. Refused, it is never asked again about these two. Decision 0024.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.ids import number_of
from schemas.refusals import Refused
from schemas.vocabulary import ProposalState
from services.dispatch.rules import acts, shapes
from services.dispatch.rules.acts import Act
from services.dispatch.rules.acts.asked import Body, Note
from services.dispatch.rules.acts.merging import Merge
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.order import Order
from services.dispatch.rules.visibility import sees


class Proposal(Struct, kw_only=True):
    """One question. `parts` is what the score is made of; `decided_by` is the principal who answered it."""

    proposal_id: UUID
    order_id: UUID
    into: UUID
    score: float
    parts: dict[str, float]
    why: str
    swept: bool
    proposed_at: datetime
    state: ProposalState = ProposalState.OPEN
    version: int = 1
    decided_at: datetime | None = None
    decided_by: str = ""
    decided_unit: str = ""
    note: str = ""

    @property
    def orders(self) -> tuple[UUID, UUID]:
        """Both orders."""
        return self.order_id, self.into


class Answer(Body, frozen=True, kw_only=True):
    """Whether they are one. `into` names the one of the two that goes on (default: the older), `keep_units` that those
    who still work on the other go on as its assists."""

    accepted: bool
    into: UUID | None = None
    keep_units: bool = False
    note: Note = ""


def answer(book: Book, proposal: Proposal, body: Answer, actor: Actor, cause: UUID) -> Order:
    """Answer a question; the order that goes on or, refused, the younger one.

    Raises Refused: not_found (an order is not here yet), other_unit (one of them is not the caller's to see),
    proposal_answered, invalid (`into` is neither), and whatever merging refuses.
    """
    one, other = book.orders.get(proposal.order_id), book.orders.get(proposal.into)
    if one is None or other is None:
        raise Refused("not_found", "an order of this proposal is not here yet")
    check_sight(book.directory, (one, other), actor)
    if proposal.state is not ProposalState.OPEN:
        raise Refused("proposal_answered", proposal.state.value, state=proposal.state)
    if body.into not in (None, *proposal.orders):
        raise Refused("invalid", "into: one of the two orders")
    if body.into == one.order_id:
        one, other = other, one
    if body.accepted:
        merge = Merge(into=other.order_id, keep_units=body.keep_units, reason=body.note, occurred_at=body.occurred_at)
        acts.on_order(book, one, Act("merge", merge, actor, cause))
    proposal.state = ProposalState.ACCEPTED if body.accepted else ProposalState.REFUSED
    proposal.version += 1
    proposal.decided_at, proposal.decided_by, proposal.decided_unit = book.now, actor.id, actor.unit
    proposal.note = body.note
    return other if body.accepted else one


def check_sight(directory: Directory, orders: tuple[Order, ...], actor: Actor) -> None:
    """Raises Refused `other_unit` unless somebody sees all of these orders."""
    for order in orders:
        if actor.role is None or not sees(directory, actor.role, actor.unit, order):
            raise Refused("other_unit", f"order {order.order_id}")


def shape(directory: Directory, proposal: Proposal, orders: dict[UUID, Order]) -> dict[str, Any]:
    """A proposal as lists show it, with both orders in brief."""
    shown: dict[str, Any] = {
        "proposal_id": proposal.proposal_id,
        "version": proposal.version,
        "state": proposal.state,
        "order": shapes.brief(directory, orders[proposal.order_id]),
        "into": shapes.brief(directory, orders[proposal.into]),
        "score": proposal.score,
        "parts": proposal.parts,
        "why": proposal.why,
        "swept": proposal.swept,
        "proposed_at": proposal.proposed_at,
        "decided_at": proposal.decided_at,
        "decided_unit": proposal.decided_unit or None,
        "note": proposal.note or None,
    }
    return {key: value for key, value in shown.items() if value is not None}


def hint(proposal: Proposal, order_id: UUID) -> dict[str, Any]:
    """A proposal beside one of its orders: which other it may be, how sure, and why."""
    other = proposal.into if order_id == proposal.order_id else proposal.order_id
    return {
        "proposal_id": proposal.proposal_id,
        "version": proposal.version,
        "order_id": other,
        "number": number_of(other),
        "score": proposal.score,
        "why": proposal.why,
    }
