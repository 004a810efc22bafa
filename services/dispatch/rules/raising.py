"""An order moves as fast as the gravest of its reports asks, and goes up where its reports say so (提级)."""

from typing import Any
from uuid import UUID

from schemas import facts
from schemas.facts import AssignmentOffer
from schemas.ids import assignment_id_of
from schemas.vocabulary import GRAVITY, AssignmentRole, Tier, Urgency
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import Book
from services.dispatch.rules.order import Order


def is_graver(one: Urgency, other: Urgency) -> bool:
    """Whether `one` must move faster than `other`."""
    return GRAVITY[one] > GRAVITY[other]


def raised_by(book: Book, order: Order, urgency: Urgency, report_id: UUID, why: str, cause: UUID) -> None:
    """Raise the urgency for a report that joined; one that joins never slows an order down."""
    if order.imported or not is_graver(urgency, order.urgency):
        return
    if lifecycle.find_order_step(order.status, "urgency", "raised", lifecycle.SYSTEM) is None:
        return  # handled already: what is new about it is for the check and the call
    said: dict[str, Any] = {"urgency": urgency, "before": order.urgency, "reason": why, "report_id": report_id}
    at = max(book.now, order.since)
    book.record(order, facts.UrgencyChanged, said, action="urgency", cause=cause, at=at, reason=why)


def lifted_to(book: Book, order: Order, unit: str, why: str, cause: UUID) -> None:
    """Have a centre above take part in a matter that went up: it helps from now on, and sees it. Who takes part
    already, whom it is about, and orders without an open lead are left as they are."""
    lead = order.leading()
    if not unit or order.imported or lead is None or book.directory.unit(unit) is None:
        return
    if lifecycle.find_assignment_step(lead.status, "pull_in", lifecycle.Part.LEAD, "", lifecycle.SYSTEM) is None:
        return
    if any(a.unit == unit and a.live for a in order.assignments) or unit in order.subjects:
        return
    offer = AssignmentOffer(
        assignment_id=assignment_id_of(order.order_id, unit, len(order.assignments)),
        unit=unit,
        role=AssignmentRole.ASSIST,
        tier=book.directory.tier_of(unit) or Tier.CITY,
    )
    said: dict[str, Any] = {"assignment_id": lead.assignment_id, "offer": offer, "note": why}
    at = max(book.now, order.since)
    book.record(order, facts.AssignmentOffered, said, action="pull_in", cause=cause, at=at, target=lead, reason=why)
