"""A unit takes its part; its centre takes the part back (收单)."""

from schemas import facts
from schemas.vocabulary import AssignmentRole, OrderStatus
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import Act, Body, OnAssignment, OnOrder, Reason, latest, milestones, record
from services.dispatch.rules.book import Book
from services.dispatch.rules.lifecycle import Part
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order


def _accept(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    swaps = order.detail.together and order.status is OrderStatus.DISPATCHED and a.part is Part.ASSIST
    role = AssignmentRole.LEAD if swaps else a.role  # all were told at once: the first to accept leads
    to = lifecycle.order_step(order.status, "accept", role, asked.actor.who).to
    lead = a.unit if role is AssignmentRole.LEAD else order.lead
    said = {"assignment_id": a.assignment_id, "role": role, "lead": lead}
    at = occurred(
        asked.body.occurred_at, book.now, latest(a.offered_at, order.since if role is AssignmentRole.LEAD else None)
    )
    record(book, order, facts.AssignmentAccepted, said, asked, at, to, target=a)


def _withdraw(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    said = {"assignment_id": a.assignment_id, "reason": asked.body.reason}
    with_it = (a, *order.below(a))
    at = occurred(asked.body.occurred_at, book.now, latest(*(m for x in with_it for m in milestones(x))))
    record(book, order, facts.AssignmentWithdrawn, said, asked, at, target=a, reason=asked.body.reason)


ASSIGNMENT = {
    "accept": OnAssignment(Body, _accept),
    "withdraw": OnAssignment(Reason, _withdraw),
}
ORDER: dict[str, OnOrder] = {}
