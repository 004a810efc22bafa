"""What a unit says on its way: first contact (先行联系), arrival (到场), a word in between (中途汇报)."""

from uuid import UUID

from schemas import facts
from schemas.refusals import Refused
from schemas.vocabulary import Unreached
from services.dispatch.rules import lifecycle, standing
from services.dispatch.rules.acts.asked import Act, Body, OnAssignment, OnOrder, Said, latest, record
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order


class Contact(Body, frozen=True, kw_only=True):
    """Whether a reporter was reached, and which; why not, if not."""

    reached: bool
    report_id: UUID | None = None
    reason: Unreached | None = None


class Progress(Body, frozen=True, kw_only=True):
    """A word in between."""

    note: Said


def _contact(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    """With several reporters each is contacted for himself: the fifth who joined has a promise of his own."""
    body: Contact = asked.body
    if not body.reached and body.reason is None:
        raise Refused("reason_missing", f"reason: one of {', '.join(Unreached)}")
    said = {
        "assignment_id": a.assignment_id,
        "reached": body.reached,
        "report_id": _whom(order, body.report_id),
        "reason": None if body.reached else body.reason,
    }
    at = occurred(body.occurred_at, book.now, a.offered_at)
    record(book, order, facts.ContactMade, said, asked, at, target=a)


def _whom(order: Order, report_id: UUID | None) -> UUID | None:
    """The report whose sender was contacted: the one that is named, or the only one there is."""
    if report_id is not None:
        if order.voice(report_id) is None:
            raise Refused("invalid", "report_id: not a report of this order")
        return report_id
    citizens = [voice.report_id for voice in order.voices if voice.citizen]
    if len(citizens) > 1:
        raise Refused("report_unnamed", reports=citizens)
    return citizens[0] if citizens else None


def _arrive(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    if a.arrived_at is not None:
        caller = standing.caller(book.directory, order, a, asked.actor)
        others = [x for x in lifecycle.assignment_actions(a.status, a.part, caller) if x != "arrive"]
        raise lifecycle.not_allowed("arrive", f"{a.status} {a.part}", others, "arrived already")
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    record(book, order, facts.ArrivedOnSite, {"assignment_id": a.assignment_id}, asked, at, target=a)


def _progress(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, latest(a.offered_at, a.accepted_at))
    said = {"assignment_id": a.assignment_id, "note": asked.body.note}
    record(book, order, facts.ProgressNoted, said, asked, at, target=a)


ASSIGNMENT = {
    "contact": OnAssignment(Contact, _contact),
    "arrive": OnAssignment(Body, _arrive),
    "progress": OnAssignment(Progress, _progress),
}
ORDER: dict[str, OnOrder] = {}
