"""A check of the work done, by a person or by the sensor, and what follows from it."""

from datetime import datetime
from uuid import UUID

from schemas.facts import OrderClosed, VerificationRecorded
from schemas.vocabulary import OrderStatus, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import SYSTEM, Actor, Book
from services.dispatch.rules.order import Order


def check(
    book: Book,
    order: Order,
    passed: bool,
    by: Verification,
    note: str,
    *,
    cause: UUID,
    at: datetime,
    actor: Actor = SYSTEM,
) -> None:
    """Record a check. Passed: somebody is to be called, or the order closes; failed: rework, a new round.

    Raises Refused `action_not_allowed` when the order waits for no check.
    """
    when = "failed" if not passed else "passed, somebody to call" if order.citizens else "passed, nobody to call"
    to = lifecycle.order_step(order.status, "verify", when, actor.who).to
    closes = to is OrderStatus.CLOSED
    book.record(
        order,
        VerificationRecorded,
        {"passed": passed, "by": by, "note": note},
        action="verify",
        cause=cause,
        at=at,
        to=order.status if closes else to,
        actor=actor,
        round_=order.round if passed else order.round + 1,
        reason="" if passed else note,
    )
    if closes:
        close(book, order, cause=cause, at=at, actor=actor, action="verify")


def close(book: Book, order: Order, *, cause: UUID, at: datetime, actor: Actor, action: str, reason: str = "") -> None:
    """Close the order with the result that its lead gave. The caller has asked the lifecycle."""
    said = {"result": order.result}
    status = OrderStatus.CLOSED
    book.record(order, OrderClosed, said, action=action, cause=cause, at=at, to=status, actor=actor, reason=reason)
