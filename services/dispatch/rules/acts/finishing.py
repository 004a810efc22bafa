"""Finished, checked, called back, closed, reopened: each apart from the others (design §6.5)."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from schemas import facts
from schemas.facts import AssignmentOffer
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, OrderStatus, Result, Satisfaction, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    Note,
    OnAssignment,
    OnOrder,
    Reason,
    last_milestone,
    latest,
    record,
)
from services.dispatch.rules.acts.splitting import check_parts
from services.dispatch.rules.book import Book
from services.dispatch.rules.checking import check, close
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import GONE, Assignment, Order

AnswerText = Annotated[str, Meta(min_length=1, max_length=10_000)]


class Finish(Body, frozen=True, kw_only=True):
    """What came of it, and the answer the reporters are given."""

    result: Result
    answer: AnswerText


class Verify(Body, frozen=True, kw_only=True):
    """Whether the work passed."""

    passed: bool
    note: Note = ""


class Callback(Body, frozen=True, kw_only=True):
    """What the reporter said, if reached."""

    report_id: UUID
    reached: bool
    satisfied: Satisfaction | None = None
    solved: bool | None = None


class Close(Body, frozen=True, kw_only=True):
    """A word with it."""

    reason: Note = ""


def _finish(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    body: Finish = asked.body
    to = lifecycle.order_step(
        order.status, "finish", lifecycle.finish_when(a.part, order.verification), asked.actor.who
    ).to
    leads = a.role is AssignmentRole.LEAD
    _check_nothing_open(order, a)
    if leads:
        check_parts(book, order)
    before = [a.offered_at, a.accepted_at, a.arrived_at, *(x.done_at for x in order.below(a))]
    if leads:  # the lead's end comes after everybody else's
        before += [order.since, *(x.done_at for x in order.assignments)]
    at = occurred(body.occurred_at, book.now, latest(*before))
    closes = to is OrderStatus.CLOSED
    said = {"assignment_id": a.assignment_id, "role": a.role, "result": body.result}
    private = msgspec.json.encode({"answer": body.answer}).decode()
    record(
        book,
        order,
        facts.AssignmentDone,
        said,
        asked,
        at,
        order.status if closes else to,
        target=a,
        private=private,
    )
    a.answer = body.answer
    if closes:
        close(book, order, cause=asked.cause, at=at, actor=asked.actor, action="finish")


def _check_nothing_open(order: Order, a: Assignment) -> None:
    """Raises Refused: `children_open` for what was passed on and is not done, `assists_open` for the lead's assists."""
    children = [x for x in order.below(a) if x.live]
    if children:
        raise Refused(
            "children_open", ", ".join(x.unit for x in children), children=[x.assignment_id for x in children]
        )
    assists = [x for x in order.assignments if a.role is AssignmentRole.LEAD and x is not a and x.live]
    if assists:
        raise Refused("assists_open", ", ".join(x.unit for x in assists), assists=[x.assignment_id for x in assists])


def _confirm(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.done_at))
    record(book, order, facts.AssignmentConfirmed, {"assignment_id": a.assignment_id}, asked, at, target=a)


def _verify(book: Book, order: Order, asked: Act) -> None:
    """By one who did not handle it: neither one of its people nor one of its units (design §6.5)."""
    actor = asked.actor
    for a in order.assignments:
        if actor.id in a.actors or (actor.unit and actor.unit == a.unit and a.status not in GONE):
            raise Refused("handler_verifies", f"{a.unit} handled it")
    body: Verify = asked.body
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    check(book, order, body.passed, Verification.SITE, body.note, cause=asked.cause, at=at, actor=actor)


def _callback(book: Book, order: Order, asked: Act) -> None:
    body: Callback = asked.body
    if book.known.get(body.report_id) != order.order_id:
        raise Refused("invalid", "report_id: not a report of this order")
    if not body.reached and (body.satisfied is not None or body.solved is not None):
        raise Refused("invalid", "satisfied, solved: only of a reporter who was reached")
    said = {
        "report_id": body.report_id,
        "reached": body.reached,
        "satisfied": body.satisfied,
        "solved": body.solved,
    }
    record(book, order, facts.CallbackRecorded, said, asked, occurred(body.occurred_at, book.now, order.since))


def _close(book: Book, order: Order, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, last_milestone(order))
    close(book, order, cause=asked.cause, at=at, actor=asked.actor, action="close", reason=asked.body.reason)


def _reopen(book: Book, order: Order, asked: Act) -> None:
    """A new round: the lead is told anew; what others did in the last round stays done."""
    offer = AssignmentOffer(
        assignment_id=assignment_id_of(order.order_id, order.lead, len(order.assignments)),
        unit=order.lead,
        role=AssignmentRole.LEAD,
        tier=book.directory.tier_of(order.lead) or order.detail.place.tier,
    )
    reason = asked.body.reason
    said = {"reason": reason, "assignments": (offer,)}
    at = occurred(asked.body.occurred_at, book.now, last_milestone(order))
    to = lifecycle.order_step(order.status, "reopen", "", asked.actor.who).to
    record(book, order, facts.OrderReopened, said, asked, at, to, reason=reason, round_=order.round + 1)


ASSIGNMENT = {
    "finish": OnAssignment(Finish, _finish),
    "confirm": OnAssignment(Body, _confirm),
}
ORDER = {
    "verify": OnOrder(Verify, _verify),
    "callback": OnOrder(Callback, _callback),
    "close": OnOrder(Close, _close),
    "reopen": OnOrder(Reason, _reopen),
}
