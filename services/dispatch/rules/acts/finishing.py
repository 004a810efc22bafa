"""Finished, checked, called back, closed, reopened: each apart from the others (design §6.5)."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from schemas import facts
from schemas.facts import AssignmentOffer
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import (
    AssignmentRole,
    CallKind,
    OrderStatus,
    Photos,
    Result,
    Satisfaction,
    Verification,
)
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
    words,
)
from services.dispatch.rules.acts.splitting import check_parts
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.checking import check, close
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.evolve.finishing import asks_for_more
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import GONE, Assignment, Order
from services.dispatch.rules.standing import reporter_of

SHOWN = {Photos.AFTER: ("after",), Photos.BOTH: ("before", "after")}
AnswerText = Annotated[str, words(10_000)]


class ReporterAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What one reporter is told, in the place of what all are told."""

    report_id: UUID
    text: AnswerText


class Finish(Body, frozen=True, kw_only=True):
    """What came of it, and the answer the reporters are given. `hard_case_owner` is who answers for what could not be
    done (值班班长); `photos` are attachments of the order."""

    result: Result
    answer: AnswerText
    answers: Annotated[tuple[ReporterAnswer, ...], Meta(max_length=500)] = ()
    hard_case_owner: Annotated[str, Meta(max_length=100)] = ""
    photos: Annotated[tuple[UUID, ...], Meta(max_length=40)] = ()


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


class Rate(Body, frozen=True, kw_only=True):
    """What a reporter says by himself."""

    report_id: UUID
    satisfied: Satisfaction
    solved: bool
    comment: Note = ""


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
    _check_finish(book, order, body, leads)
    before = [a.offered_at, a.accepted_at, a.arrived_at, *(x.done_at for x in order.below(a))]
    if leads:  # the lead's end comes after everybody else's
        before += [order.since, *(x.done_at for x in order.assignments)]
    at = occurred(body.occurred_at, book.now, latest(*before))
    closes = to is OrderStatus.CLOSED
    said = {
        "assignment_id": a.assignment_id,
        "role": a.role,
        "result": body.result,
        "hard_case": body.result is Result.NOT_POSSIBLE,
        "photos": body.photos,
    }
    private = {"answer": body.answer, "answers": {str(one.report_id): one.text for one in body.answers}}
    if body.result is Result.NOT_POSSIBLE:
        private["hard_case_owner"] = body.hard_case_owner.strip()
    record(
        book,
        order,
        facts.AssignmentDone,
        said,
        asked,
        at,
        order.status if closes else to,
        target=a,
        private=msgspec.json.encode(private).decode(),
    )
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


def _check_finish(book: Book, order: Order, body: Finish, leads: bool) -> None:
    """Raises Refused: owner_missing, invalid for an answer to a report that is not this order's, attachment_unknown,
    photos_missing when the lead calls solved what its class wants to be shown."""
    if body.result is Result.NOT_POSSIBLE and not body.hard_case_owner.strip():
        raise Refused("owner_missing", "hard_case_owner")
    told = [one.report_id for one in body.answers]
    if len(set(told)) < len(told) or any(order.voice(id_) is None for id_ in told):
        raise Refused("invalid", "answers: each for one report of this order")
    if told and not leads:
        raise Refused("invalid", "answers: the lead answers the reporters")
    kept = book.attachments.get(order.order_id, {})
    unknown = [id_ for id_ in body.photos if id_ not in kept]
    if unknown:
        raise Refused("attachment_unknown", ", ".join(map(str, unknown)))
    wanted = book.directory.photos_of(order.detail.class_ref.key)
    if leads and body.result is Result.SOLVED and wanted is not Photos.NONE:
        shown = {kept[id_] for id_ in body.photos}
        missing = [kind for kind in SHOWN[wanted] if kind not in shown]
        if missing:
            raise Refused("photos_missing", ", ".join(missing), missing=missing)


def _confirm(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.done_at))
    record(book, order, facts.AssignmentConfirmed, {"assignment_id": a.assignment_id}, asked, at, target=a)


def _verify(book: Book, order: Order, asked: Act) -> None:
    """By one who did not handle it: neither one of its people nor one of its units (design §6.5)."""
    actor = asked.actor
    handled = handled_by(book.directory, order, actor)
    if handled is not None:
        raise Refused("handler_verifies", f"{handled.unit} handled it")
    body: Verify = asked.body
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    check(book, order, body.passed, Verification.SITE, body.note, cause=asked.cause, at=at, actor=actor)


def handled_by(directory: Directory, order: Order, actor: Actor) -> Assignment | None:
    """The assignment by which somebody, or his unit, handled an order."""
    mine = directory.acts_for(actor.unit) if actor.unit else ()
    for a in order.assignments:
        if actor.id in a.actors or (a.unit in mine and a.status not in GONE):
            return a
    return None


def _callback(book: Book, order: Order, asked: Act) -> None:
    """A call before the answer warns, one by the handler is kept, one by the centre scores (domain notes §B4 回访)."""
    body: Callback = asked.body
    voice = order.voice(body.report_id)
    if voice is None:
        raise Refused("invalid", "report_id: not a report of this order")
    if not body.reached and (body.satisfied is not None or body.solved is not None):
        raise Refused("invalid", "satisfied, solved: only of a reporter who was reached")
    kind = _kind(book.directory, order, asked.actor)
    scores = kind is CallKind.CENTRE
    needed = book.directory.callback.attempts if voice.reachable else 1
    said = {
        "report_id": body.report_id,
        "reached": body.reached,
        "satisfied": body.satisfied,
        "solved": body.solved,
        "kind": kind,
        "unrated": scores and not body.reached and not voice.settled and voice.attempts + 1 >= needed,
        "proposes": scores and asks_for_more(order, body.satisfied, body.solved),
    }
    record(book, order, facts.CallbackRecorded, said, asked, occurred(body.occurred_at, book.now, order.since))


def _kind(directory: Directory, order: Order, actor: Actor) -> CallKind:
    if order.status is not OrderStatus.CALLBACK:
        return CallKind.BEFORE_ANSWER
    return CallKind.CENTRE if handled_by(directory, order, actor) is None else CallKind.HANDLER


def _rate(book: Book, order: Order, asked: Act) -> None:
    """Once in a round, and corrected for a while; whoever rates is the one who reported (`standing.reporter_of`)."""
    body: Rate = asked.body
    voice = order.voice(body.report_id)
    if voice is None or asked.actor.id != reporter_of(body.report_id):
        raise Refused("invalid", "report_id: not a report of yours")
    policy = book.directory.callback
    if order.closed_at is not None and book.now > order.closed_at + timedelta(days=policy.rating_days):
        raise Refused("rating_over", f"{policy.rating_days} days after closing")
    if voice.rated_at is not None and book.now > voice.rated_at + timedelta(hours=policy.correct_hours):
        raise Refused("already_rated", f"corrections within {policy.correct_hours:g} hours")
    said = {
        "report_id": body.report_id,
        "satisfied": body.satisfied,
        "solved": body.solved,
        "corrected": voice.rated_at is not None,
        "proposes": asks_for_more(order, body.satisfied, body.solved),
    }
    private = msgspec.json.encode({"comment": body.comment}).decode() if body.comment else None
    at = occurred(body.occurred_at, book.now, order.since)
    record(book, order, facts.RatingReceived, said, asked, at, private=private)


def _dismiss(book: Book, order: Order, asked: Act) -> None:
    if not order.proposed:
        raise Refused("nothing_proposed")
    at = occurred(asked.body.occurred_at, book.now, order.since)
    record(book, order, facts.ReopeningDismissed, {"reason": asked.body.reason}, asked, at, reason=asked.body.reason)


class Conclude(Body, frozen=True, kw_only=True):
    """What whoever asks again is told."""

    answer: AnswerText


def _conclude(book: Book, order: Order, asked: Act) -> None:
    """The matter is done with: repeats are answered with this from now on, until somebody reopens it. Raises Refused
    `rounds_left` before the order went through as many rounds as the policy asks."""
    if order.round < book.directory.conclude_after:
        raise Refused("rounds_left", f"round {order.round} of {book.directory.conclude_after}")
    at = occurred(asked.body.occurred_at, book.now, last_milestone(order))
    private = msgspec.json.encode({"answer": asked.body.answer}).decode()
    record(book, order, facts.OrderConcluded, {}, asked, at, private=private)


def _close(book: Book, order: Order, asked: Act) -> None:
    """Not while a bad word waits for a decision; where the policy says so, not before each citizen was asked."""
    if order.proposed:
        raise Refused("reopening_undecided", "reopen it, or dismiss what was proposed")
    waiting = [voice.report_id for voice in order.voices if voice.citizen and not voice.settled]
    if waiting and book.directory.callback.all_reporters:
        raise Refused("callback_missing", f"{len(waiting)} of {len(order.voices)}", reports=waiting)
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
    "rate": OnOrder(Rate, _rate),
    "dismiss": OnOrder(Reason, _dismiss),
    "close": OnOrder(Close, _close),
    "conclude": OnOrder(Conclude, _conclude),
    "reopen": OnOrder(Reason, _reopen),
}
