"""Who else takes part: a part passed on to a unit below (转派), one more unit pulled in (协办), another lead."""

from schemas import facts
from schemas.facts import AssignmentOffer
from schemas.facts.intake import Moment
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, Tier
from services.dispatch.rules import lifecycle, subjects
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    Note,
    OnAssignment,
    OnOrder,
    Reason,
    UnitId,
    hops,
    last_milestone,
    latest,
    record,
)
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order


class PassOn(Body, frozen=True, kw_only=True):
    """To whom, a word with it, and by when the answer is wanted."""

    unit: UnitId
    note: Note = ""
    due: Moment | None = None


class PullIn(Body, frozen=True, kw_only=True):
    """Whom, and what for."""

    unit: UnitId
    note: Note = ""


class NewLead(Reason, frozen=True, kw_only=True):
    """Who leads from now on, and why."""

    unit: UnitId


def check_free(book: Book, order: Order, unit: str) -> None:
    """Raises Refused: `unit_unknown`; `subject_unit`; `unit_taken` when the unit has an open part of this order."""
    _check_known(book, order, unit)
    if any(a.unit == unit and a.live for a in order.assignments):
        raise Refused("unit_taken", unit)


def _check_known(book: Book, order: Order, unit: str) -> None:
    if book.directory.unit(unit) is None:
        raise Refused("unit_unknown", unit)
    subjects.check(book.directory, order.subjects, (unit,))


def _pass_on(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    """Raises Refused `unit_not_below` for a unit that does not answer to the holder."""
    body: PassOn = asked.body
    check_free(book, order, body.unit)
    if not book.directory.is_below(body.unit, a.unit):
        raise Refused("unit_not_below", f"{body.unit} does not answer to {a.unit}")
    at = occurred(body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    if body.due is not None and body.due <= at:
        raise Refused("time_backwards", "due: not after it is passed on")
    offer = _offer(book, order, body.unit, AssignmentRole.ASSIST, a)
    said = {"assignment_id": a.assignment_id, "offer": offer, "note": body.note, "due": body.due}
    record(book, order, facts.AssignmentOffered, said, asked, at, target=a, reason=body.note)


def _pull_in(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    body: PullIn = asked.body
    check_free(book, order, body.unit)
    at = occurred(body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    offer = _offer(book, order, body.unit, AssignmentRole.ASSIST)
    said = {"assignment_id": a.assignment_id, "offer": offer, "note": body.note}
    record(book, order, facts.AssignmentOffered, said, asked, at, target=a, reason=body.note)


def _send_back(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    """Raises Refused `unit_taken` when the unit was asked for another part since."""
    if any(x.unit == a.unit and x.live for x in order.assignments):
        raise Refused("unit_taken", a.unit)
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.done_at))
    said = {"assignment_id": a.assignment_id, "reason": asked.body.reason}
    record(book, order, facts.AssignmentSentBack, said, asked, at, target=a, reason=asked.body.reason)


def _lead(book: Book, order: Order, asked: Act) -> None:
    """A unit that has an open part keeps it and leads with it; another one is asked to lead. Raises Refused
    `leads_already`."""
    body: NewLead = asked.body
    if body.unit == order.lead:
        raise Refused("leads_already", body.unit)
    _check_known(book, order, body.unit)
    before = order.leading()
    assert before is not None, "whoever is dispatched or handled has a lead"
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    part = next((a for a in order.assignments if a.unit == body.unit and a.live), None)
    if part is None:
        offer = _offer(book, order, body.unit, AssignmentRole.LEAD)
    else:
        offer = AssignmentOffer(
            assignment_id=part.assignment_id, unit=part.unit, role=AssignmentRole.LEAD, tier=part.tier
        )
    when = "lead accepted" if part is not None and part.status is AssignmentStatus.ACCEPTED else ""
    to = lifecycle.order_step(order.status, "lead", when, asked.actor.who).to
    said = {
        "lead": body.unit,
        "offer": offer,
        "before": before.assignment_id,
        "path": (*order.detail.path, *hops(book, order, body.unit, asked.actor, at)),
        "reason": body.reason,
    }
    record(book, order, facts.LeadChanged, said, asked, at, to, reason=body.reason)


def _offer(
    book: Book, order: Order, unit: str, role: AssignmentRole, parent: Assignment | None = None
) -> AssignmentOffer:
    return AssignmentOffer(
        assignment_id=assignment_id_of(order.order_id, unit, len(order.assignments)),
        unit=unit,
        role=role,
        tier=book.directory.tier_of(unit) or Tier.STREET,
        parent=None if parent is None else parent.assignment_id,
    )


ASSIGNMENT = {
    "pass_on": OnAssignment(PassOn, _pass_on),
    "send_back": OnAssignment(Reason, _send_back),
    "pull_in": OnAssignment(PullIn, _pull_in),
}
ORDER = {"lead": OnOrder(NewLead, _lead)}
