"""An order moves as fast as the gravest of its reports asks."""

from typing import Any
from uuid import UUID

from schemas import facts
from schemas.vocabulary import GRAVITY, Urgency
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
