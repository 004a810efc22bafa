"""What people do about urging and supervising: remind, supervise by hand, answer, accept or send back.

Source of the kinds by hand: domain notes §B3 (领导督办), §B4 (leader, important).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from schemas import facts
from schemas.facts.intake import Moment
from schemas.ids import supervision_id_of
from schemas.refusals import Refused
from schemas.vocabulary import Role, SupervisionKind, SupervisionState
from services.dispatch.rules import lifecycle, subjects
from services.dispatch.rules.acts.asked import Act, Body, Note, OnAssignment, OnOrder, Said, UnitName, record
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.moment import check_age, occurred
from services.dispatch.rules.order import Order
from services.dispatch.rules.supervisions import parties
from services.dispatch.rules.supervisions.model import Supervision


class Urge(Body, frozen=True, kw_only=True):
    """A word with the reminder."""

    note: Note = ""


class Supervise(Body, frozen=True, kw_only=True):
    """How high it goes: 1 the dispatching centre, 2 the centre above, 3 the city. `answerer` has to answer (default:
    the lead), by `answer_due` if that is sooner than the policy's limit."""

    level: Annotated[int, Meta(ge=1, le=3)] = 1
    kind: Literal["leader", "important"] = "leader"
    answerer: UnitName = ""
    answer_due: Moment | None = None
    note: Note = ""


class Answer(Body, frozen=True, kw_only=True):
    """What the unit has to say: what was done, and by when the rest will be."""

    text: Said


class Word(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The word on an answer, and why. It counts from when it is given."""

    accepted: bool
    text: Said


def _urge(book: Book, order: Order, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, order.since)
    record(book, order, facts.Urged, {"note": asked.body.note}, asked, at)


def _supervise(book: Book, order: Order, asked: Act) -> None:
    """Raises Refused: unit_unknown, subject_unit, unit_outside, until_unfit."""
    body: Supervise = asked.body
    directory = book.directory
    at = occurred(body.occurred_at, book.now, order.since)
    answerer = directory.heir(body.answerer or order.lead)
    if directory.unit(answerer) is None:
        raise Refused("unit_unknown", answerer)
    if body.answerer:
        subjects.check(directory, order.subjects, [answerer])
        _check_reach(directory, order, answerer, asked.actor)
    if body.answer_due is not None and body.answer_due <= at:
        raise Refused("until_unfit", f"answer_due: after {at.isoformat()}", earliest=at)
    said = {
        "level": body.level,
        "note": body.note,
        "supervision_id": supervision_id_of(order.order_id, order.seq + 1),
        "kind": SupervisionKind(body.kind),
        "answerer": answerer,
        "by": parties.over(directory, order, answerer, [asked.actor.unit]),
        "answer_due": body.answer_due,
        "told": (answerer,),
    }
    record(book, order, facts.Supervised, said, asked, at)


def _check_reach(directory: Directory, order: Order, answerer: str, actor: Actor) -> None:
    """A centre asks those that work on the order, and those under it. Raises Refused `unit_outside`."""
    works = any(directory.heir(a.unit) == answerer for a in order.assignments) or answerer == order.lead
    if actor.unit and not works and not directory.is_over(actor.unit, answerer):
        raise Refused("unit_outside", answerer)


def check_caller(directory: Directory, supervision: Supervision, action: str, actor: Actor) -> None:
    """Raises Refused: `own_answer` for who would accept his own unit's answer; `other_unit` for whom it is not; for a
    role that never does it, `forbidden`."""
    if action == "answer":
        if not parties.may_answer(directory, supervision, actor):
            raise Refused("other_unit", f"{supervision.answerer} answers")
    elif not parties.may_accept(directory, supervision, actor):
        if parties.own(directory, supervision, actor):
            raise Refused("own_answer", f"{supervision.by} decides")
        if actor.role is Role.RESPONDER:
            raise Refused("forbidden", "a dispatcher or a supervisor decides")
        raise Refused("other_unit", f"{supervision.by} decides")


def answer(book: Book, order: Order, supervision: Supervision, asked: Act) -> None:
    """The unit answers. Raises Refused `action_not_allowed` for one that waits for no answer."""
    if supervision.state is not SupervisionState.OPEN:
        raise lifecycle.not_allowed("answer", supervision.state, ())
    body: Answer = asked.body
    check_age(body.occurred_at, book.now, book.directory.late)
    at = occurred(body.occurred_at, book.now, supervision.since)
    private = msgspec.json.encode({"text": body.text}).decode()
    said = {"supervision_id": supervision.supervision_id}
    record(book, order, facts.SupervisionAnswered, said, asked, at, private=private)


def decide(book: Book, order: Order, supervision: Supervision, asked: Act) -> None:
    """The answer is accepted, or goes back to whoever gave it. Raises Refused `action_not_allowed` without one."""
    if supervision.state is not SupervisionState.ANSWERED:
        raise lifecycle.not_allowed("decision", supervision.state, ())
    body: Word = asked.body
    at = max(book.now, order.since, supervision.answered_at or supervision.since)
    private = msgspec.json.encode({"text": body.text}).decode()
    said: dict[str, object] = {"supervision_id": supervision.supervision_id}
    if not body.accepted:
        said["turn"] = supervision.turn + 1
    kind = facts.SupervisionAccepted if body.accepted else facts.SupervisionRefused
    record(book, order, kind, said, asked, at, private=private)


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER = {"urge": OnOrder(Urge, _urge), "supervise": OnOrder(Supervise, _supervise)}
