"""What comes of no decision: never a grant and never a refusal.

The centre above is rung and decides instead. Where no centre is above, a return of the lead leaves its ownership
undecided: the street of the place takes it (街镇托底). Whatever else is undecided there stays open, late and counted.
A parked order whose review date came goes on.
"""

from uuid import UUID

from schemas.facts import AssignmentReturned, DeadlineMissed, Hop, OrderResumed, RequestDecided, RequestEscalated
from schemas.vocabulary import AssignmentRole, RequestKind, RequestState
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import SYSTEM, Book
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.requests.deciders import centre_above, coordinator, statutory
from services.dispatch.rules.requests.model import Request, review_clock
from services.dispatch.rules.requests.offering import offers_of, status_after_return
from services.dispatch.rules.subjects import bars

REVIEW = "review date"


def on_review(book: Book, order: Order, fact: DeadlineMissed, cause: UUID) -> bool:
    """The review date of a parked order came: it goes on. Answers whether the clock was that one, which nobody missed
    but that ran out as it should."""
    parking = next((r for r in order.requests if r.request_id == order.parked_by), None)
    if parking is None or review_clock(order.order_id, parking.round, parking.request_id) != fact.clock_id:
        return False
    to = lifecycle.order_step(order.status, "resume", "", lifecycle.SYSTEM).to
    at = max(book.now, order.since)
    book.record(order, OrderResumed, {"reason": REVIEW}, action="resume", cause=cause, at=at, to=to, reason=REVIEW)
    return True


def on_missed(book: Book, order: Order, fact: DeadlineMissed, cause: UUID) -> None:
    """A decision that was due is not there: the centre above decides, or nobody owns it."""
    late = next((r for r in order.requests if r.open and r.clock_id == fact.clock_id), None)
    if late is None:
        return
    above = centre_above(book.directory, late.decider)
    if above:
        at = max(book.now, late.since)
        said = {"request_id": late.request_id, "decider": above, "level": late.level + 1}
        book.record(order, RequestEscalated, said, action="escalate", cause=cause, at=at, reason=late.kind)
    elif late.kind is RequestKind.RETURN:
        part = order.assignment(late.assignment_id)
        if part is not None and part.role is AssignmentRole.LEAD:
            fall_to_coordinator(book, order, part, late, cause)


def fall_to_coordinator(book: Book, order: Order, a: Assignment, request: Request, cause: UUID) -> None:
    """Nobody up to the last centre said whose it is: the street of the place leads as coordinator, the department
    that the rulebook named is pinned as assist."""
    at = max(book.now, order.since, request.since)
    street = coordinator(book.directory, order)
    assist = statutory(order, a.unit, street)
    decided = {
        "request_id": request.request_id,
        "assignment_id": a.assignment_id,
        "kind": request.kind,
        "outcome": RequestState.UNDECIDED,
    }
    book.record(order, RequestDecided, decided, action="undecided", cause=cause, at=at, target=a, reason=request.reason)
    told = [(street, AssignmentRole.LEAD), (assist, AssignmentRole.ASSIST)]
    alone = assist == street or bars(book.directory, order.subjects, assist)
    offers = offers_of(book, order, told[: 1 if alone else 2])
    returned = {
        "request_id": request.request_id,
        "assignment_id": a.assignment_id,
        "lead": street,
        "path": (*order.detail.path, Hop(tier=offers[0].tier, unit=street, at=at, by="街镇托底 undecided")),
        "assignments": offers,
        "pinned": tuple(offer.assignment_id for offer in offers),
        "returns": order.returns,
        "coordinated": True,
    }
    book.record(
        order,
        AssignmentReturned,
        returned,
        action="coordinate",
        cause=cause,
        at=at,
        to=status_after_return(order, offers[0], lifecycle.SYSTEM),
        actor=SYSTEM,
        target=a,
        reason=request.reason,
    )
