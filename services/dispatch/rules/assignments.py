"""What a unit, or its centre, does to one assignment. The lifecycle says whether it may; here is what comes of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas import facts
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus
from services.dispatch.rules import bodies, lifecycle
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.checking import close
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order


class Act(Struct, frozen=True):
    """One action as asked: who, what, with which body; `cause` is the id its facts come from."""

    action: str
    body: Any
    actor: Actor
    cause: UUID


def act(book: Book, order: Order, assignment: Assignment, asked: Act) -> None:
    """Do it. Raises Refused before anything is changed."""
    if assignment.status is AssignmentStatus.WITHDRAWN or order.status in lifecycle.ENDED:
        raise lifecycle.not_allowed(asked.action, f"{order.status} ({assignment.status})", ())
    lifecycle.assignment_step(assignment.status, asked.action, assignment.role, asked.actor.who)
    _MOVES[asked.action](book, order, assignment, asked)


def latest(*moments: datetime | None) -> datetime:
    """The latest of the moments that are known."""
    return max(moment for moment in moments if moment is not None)


def _accept(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    swaps = order.detail.together and order.status is OrderStatus.DISPATCHED and a.role is AssignmentRole.ASSIST
    role = AssignmentRole.LEAD if swaps else a.role  # all were told at once: the first to accept leads
    to = lifecycle.order_step(order.status, "accept", role, asked.actor.who)
    lead = a.unit if role is AssignmentRole.LEAD else order.lead
    said = {"assignment_id": a.assignment_id, "role": role, "lead": lead}
    at = occurred(
        asked.body.occurred_at, book.now, latest(a.offered_at, order.since if role is AssignmentRole.LEAD else None)
    )
    _record(book, order, facts.AssignmentAccepted, said, a, asked, at, to)


def _contact(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    body: bodies.Contact = asked.body
    if body.report_id is not None and book.known.get(body.report_id) != order.order_id:
        raise Refused("invalid", "report_id: not a report of this order")
    said = {"assignment_id": a.assignment_id, "reached": body.reached, "report_id": body.report_id}
    _record(book, order, facts.ContactMade, said, a, asked, occurred(body.occurred_at, book.now, a.offered_at))


def _arrive(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    if a.arrived_at is not None:
        others = [x for x in lifecycle.assignment_actions(a.status, a.role, asked.actor.who) if x != "arrive"]
        raise lifecycle.not_allowed("arrive", f"{a.status} {a.role}", others, "arrived already")
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    _record(book, order, facts.ArrivedOnSite, {"assignment_id": a.assignment_id}, a, asked, at)


def _progress(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    said = {"assignment_id": a.assignment_id, "note": asked.body.note}
    _record(book, order, facts.ProgressNoted, said, a, asked, at)


def _finish(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    body: bodies.Finish = asked.body
    to = lifecycle.order_step(
        order.status, "finish", lifecycle.finish_when(a.role, order.verification), asked.actor.who
    )
    leads = a.role is AssignmentRole.LEAD
    still_open = [x for x in order.assignments if leads and x.role is AssignmentRole.ASSIST and x.live]
    if still_open:
        raise Refused(
            "assists_open", ", ".join(x.unit for x in still_open), assists=[x.assignment_id for x in still_open]
        )
    before = [a.offered_at, a.accepted_at, a.arrived_at]
    if leads:  # the lead's end comes after everybody else's
        before += [order.since, *(x.done_at for x in order.assignments)]
    at = occurred(body.occurred_at, book.now, latest(*before))
    closes = to is OrderStatus.CLOSED
    said = {"assignment_id": a.assignment_id, "role": a.role, "result": body.result}
    private = msgspec.json.encode({"answer": body.answer}).decode()
    _record(book, order, facts.AssignmentDone, said, a, asked, at, order.status if closes else to, private=private)
    a.answer = body.answer
    if closes:
        close(book, order, cause=asked.cause, at=at, actor=asked.actor, action="finish")


def _withdraw(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    said = {"assignment_id": a.assignment_id, "reason": asked.body.reason}
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    _record(book, order, facts.AssignmentWithdrawn, said, a, asked, at, reason=asked.body.reason)


def _confirm(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.done_at))
    _record(book, order, facts.AssignmentConfirmed, {"assignment_id": a.assignment_id}, a, asked, at)


def _record(
    book: Book,
    order: Order,
    kind: type[facts.OrderFact],
    said: dict[str, Any],
    target: Assignment,
    asked: Act,
    at: datetime,
    to: OrderStatus | None = None,
    *,
    reason: str = "",
    private: str | None = None,
) -> None:
    book.record(
        order,
        kind,
        said,
        action=asked.action,
        cause=asked.cause,
        at=at,
        to=to,
        actor=asked.actor,
        target=target,
        reason=reason,
        private=private,
    )


_MOVES: dict[str, Callable[[Book, Order, Assignment, Act], None]] = {
    "accept": _accept,
    "contact": _contact,
    "arrive": _arrive,
    "progress": _progress,
    "finish": _finish,
    "withdraw": _withdraw,
    "confirm": _confirm,
}
