"""What centres do to an order as a whole: route it, end it."""

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, field

from schemas import facts
from schemas.facts import AssignmentOffer
from schemas.facts.intake import Moment, Short
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Result, Tier
from services.dispatch.rules import lifecycle, subjects
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    Note,
    OnAssignment,
    OnOrder,
    Reason,
    UnitId,
    check_apart,
    hops,
    last_milestone,
    record,
)
from services.dispatch.rules.book import Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Order


class Route(Body, frozen=True, kw_only=True):
    """Whose it is; `class` only to correct it, as a key `standard/kind/code`."""

    lead: UnitId
    assists: Annotated[tuple[UnitId, ...], Meta(max_length=20)] = ()
    class_key: Short | None = field(default=None, name="class")
    reason: Note = ""


class ImportClose(Body, frozen=True, kw_only=True):
    """When a past order was closed."""

    closed_at: Moment
    result: Result | None = None


def _route(book: Book, order: Order, asked: Act) -> None:
    """Raises Refused: unit_taken for a unit named twice, unit_unknown, subject_unit, class_unknown."""
    body: Route = asked.body
    units = (body.lead, *body.assists)
    check_apart(units)
    unknown = [unit for unit in units if book.directory.unit(unit) is None]
    if unknown:
        raise Refused("unit_unknown", ", ".join(unknown))
    subjects.check(book.directory, order.subjects, units)
    class_ref = order.detail.class_ref
    if body.class_key is not None:
        found = book.directory.class_of(body.class_key)
        if found is None:
            raise Refused("class_unknown", body.class_key)
        class_ref = found
    at = occurred(body.occurred_at, book.now, last_milestone(order))
    assignments, withdrawn, accepted = _assign(book, order, units)
    to = lifecycle.order_step(order.status, "route", "lead accepted" if accepted else "", asked.actor.who).to
    said = {
        "class_ref": class_ref,
        "place": order.detail.place,
        "lead": body.lead,
        "path": (*order.detail.path, *hops(book, order, body.lead, asked.actor, at)),
        "assignments": assignments,
        "withdrawn": withdrawn,
    }
    record(book, order, facts.OrderRouted, said, asked, at, to, reason=body.reason)


def _assign(
    book: Book, order: Order, units: tuple[str, ...]
) -> tuple[tuple[AssignmentOffer, ...], tuple[Any, ...], bool]:
    """The assignments from now on, the lead's first: a unit that has a live one keeps it, with what it passed on.
    Beside them the ids of those taken back, and whether the lead's was accepted already."""
    live = {a.unit: a for a in order.assignments if a.live}
    kept_too = {a.assignment_id for unit in units if unit in live for a in order.below(live[unit])}
    offers: list[AssignmentOffer] = []
    ordinal = len(order.assignments)
    for unit in units:
        kept = live.pop(unit, None)
        role = AssignmentRole.ASSIST if offers else AssignmentRole.LEAD
        if kept is not None:
            offer = AssignmentOffer(assignment_id=kept.assignment_id, unit=unit, role=role, tier=kept.tier)
        else:
            id_ = assignment_id_of(order.order_id, unit, ordinal)
            tier = book.directory.tier_of(unit) or Tier.STREET
            offer = AssignmentOffer(assignment_id=id_, unit=unit, role=role, tier=tier)
            ordinal += 1
        offers.append(offer)
    lead = order.assignment(offers[0].assignment_id)
    accepted = lead is not None and lead.status is AssignmentStatus.ACCEPTED
    gone = tuple(a.assignment_id for a in live.values() if a.assignment_id not in kept_too)
    return tuple(offers), gone, accepted


def _end(kind: type[facts.OrderFact]) -> Callable[[Book, Order, Act], None]:
    """Rejecting or voiding, each with its fact."""

    def end(book: Book, order: Order, asked: Act) -> None:
        reason = asked.body.reason
        at = occurred(asked.body.occurred_at, book.now, last_milestone(order))
        to = lifecycle.order_step(order.status, asked.action, "", asked.actor.who).to
        record(book, order, kind, {"reason": reason}, asked, at, to, reason=reason)

    return end


def _import_close(book: Book, order: Order, asked: Act) -> None:
    """A past that is brought in whole: only of an order that was imported, at any time since it was opened."""
    body: ImportClose = asked.body
    if not order.imported:
        raise lifecycle.not_allowed("import_close", order.status, (), "this order was not imported")
    at = occurred(body.closed_at, book.now, order.opened_at)
    said = {"result": body.result, "imported": True}
    record(book, order, facts.OrderClosed, said, asked, at, OrderStatus.CLOSED)


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER = {
    "route": OnOrder(Route, _route),
    "reject": OnOrder(Reason, _end(facts.OrderRejected)),
    "void": OnOrder(Reason, _end(facts.OrderVoided)),
    "import_close": OnOrder(ImportClose, _import_close),
}
