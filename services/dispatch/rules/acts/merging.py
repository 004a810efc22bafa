"""Two orders for one matter become one (并单), and are taken apart again when it was not one after all.

The reports go over with their promises; each reporter keeps his own deadline, answer, call-back and rating for ever.
What the units of the merged order still had to do is withdrawn. Both orders are locked together; each gets one fact.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from schemas import facts
from schemas.facts import AssignmentOffer, MovedReport, OrderFact
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, OrderStatus, Urgency
from services.dispatch.rules import lifecycle, subjects
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
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.visibility import sees
from services.dispatch.rules.voices import voices

_WORKING = (OrderStatus.DISPATCHED, OrderStatus.HANDLING)
_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}


class Merge(Body, frozen=True, kw_only=True):
    """Into which order; `keep_units`: those who still work on this one go on as its assists."""

    into: UUID
    keep_units: bool = False
    reason: Note = ""


def merge(book: Book, order: Order, asked: Act) -> None:
    """Merge this order into another. The caller must see both.

    Raises Refused: not_found, other_unit, parts_open, handover_open, merge_self, merge_circle, merge_ended,
    merge_unlike (the other is less urgent, or only one was imported), subject_unit, action_not_allowed (`keep_units`
    where no assist can be added).
    """
    body: Merge = asked.body
    other = _into(book, order, asked)
    check_parts(book, order)
    waiting = book.waiting_handover(order.order_id)
    if waiting is not None:
        raise Refused("handover_open", waiting.platform, handover_id=str(waiting.handover_id))
    at = occurred(body.occurred_at, book.now, latest(last_milestone(order), last_milestone(other)))
    moved = tuple(voices(order, book.past(order)).values())
    live = [a for a in order.assignments if a.live]
    coming = _assists(book, other, [a for a in live if a.parent is None] if body.keep_units else ())
    subjects.check(book.directory, order.subjects, (other.lead, *(a.unit for a in other.assignments if a.live)))
    subjects.check(book.directory, other.subjects, (offer.unit for offer in coming))
    to = lifecycle.order_step(order.status, "merge", "", asked.actor.who).to
    withdrawn = tuple(a.assignment_id for a in live)
    said: dict[str, Any] = {"into": other.order_id, "reports": moved, "withdrawn": withdrawn, "reason": body.reason}
    record(book, order, facts.OrderMerged, said, asked, at, to, reason=body.reason)
    arriving = {
        "other": order.order_id,
        "reports": tuple(_led_since(moved_, other, at) for moved_ in moved),
        "assignments": coming,
        "subjects": order.subjects,
    }
    record(book, other, facts.ReportsMoved, arriving, asked, at, reason=body.reason)
    book.move((m.report.report_id for m in moved), other.order_id)


def unmerge(book: Book, order: Order, asked: Act) -> None:
    """Take it out of the order it was merged into: it stands as it did before, its work is offered anew, and its
    reports come home, those that joined through it meanwhile too.

    Raises Refused: other_unit, merge_ended when the order it lies in has ended.
    """
    assert order.merged_into is not None
    other = book.orders[order.merged_into]
    _check_sight(book, other, asked.actor)
    if other.status in lifecycle.ENDED:
        raise Refused("merge_ended", f"{other.order_id} is {other.status}", order_id=str(other.order_id))
    reason = asked.body.reason
    at = occurred(asked.body.occurred_at, book.now, latest(order.since, last_milestone(other)))
    stood, merged = as_it_stood(book.past(order))
    there = book.past(other)
    lying = voices(other, there)
    home = tuple(lying[id_] for id_ in _homeward(order, merged, there) if id_ in lying)
    offers = _again(order, merged) if stood in _WORKING else ()
    to = lifecycle.order_step(order.status, "unmerge", stood.value, asked.actor.who).to
    said = {"out_of": other.order_id, "reports": home, "assignments": offers, "reason": reason}
    record(book, order, facts.OrderUnmerged, said, asked, at, to, reason=reason)
    leaving = {
        "other": order.order_id,
        "reports": home,
        "away": True,
        "withdrawn": _came_with(order, other, there),
    }
    record(book, other, facts.ReportsMoved, leaving, asked, at, reason=reason)
    book.move((m.report.report_id for m in home), order.order_id)


def as_it_stood(past: Iterable[OrderFact]) -> tuple[OrderStatus, facts.OrderMerged]:
    """The status an order had before it was last merged, and the fact of that."""
    before = found = None
    status = OrderStatus.DISPATCHED
    for fact in past:
        if isinstance(fact, facts.OrderMerged):
            before, found = status, fact
        status = fact.status
    assert before is not None and found is not None, "it was merged"
    return before, found


def _into(book: Book, order: Order, asked: Act) -> Order:
    """The order to merge into, if it may be."""
    into = asked.body.into
    if into == order.order_id:
        raise Refused("merge_self")
    other = book.orders.get(into)
    if other is None:
        raise Refused("not_found", f"order {into}")
    _check_sight(book, other, asked.actor)
    if order.order_id in book.merged_on.get(into, ()):
        raise Refused("merge_circle", f"{into} was merged into this order")
    if other.status in lifecycle.ENDED:
        raise Refused("merge_ended", f"{into} is {other.status}", order_id=str(into))
    if _RANK[other.urgency] < _RANK[order.urgency]:
        raise Refused("merge_unlike", f"{other.urgency} is less urgent than {order.urgency}")
    if other.imported is not order.imported:
        raise Refused("merge_unlike", "one of the two is an imported past")
    return other


def _check_sight(book: Book, other: Order, actor: Actor) -> None:
    if actor.role is None or not sees(book.directory, actor.role, actor.unit, other):
        raise Refused("other_unit", f"order {other.order_id}")


def _assists(book: Book, other: Order, wanted: Iterable[Assignment]) -> tuple[AssignmentOffer, ...]:
    """The units as assists of the other order, without those that work on it already."""
    there = {a.unit for a in other.assignments if a.live}
    units = {a.unit: a.tier for a in wanted if a.unit not in there}
    if units and other.status not in _WORKING:
        raise lifecycle.not_allowed("merge", other.status, (), "keep_units: no assist can be added there")
    ordinal = len(other.assignments)
    return tuple(
        AssignmentOffer(
            assignment_id=assignment_id_of(other.order_id, unit, place),
            unit=unit,
            role=AssignmentRole.ASSIST,
            tier=tier,
        )
        for place, (unit, tier) in enumerate(units.items(), ordinal)
    )


def _led_since(moved: MovedReport, other: Order, at: datetime) -> MovedReport:
    """With somebody who has to contact the reporter from now on, where nobody had to before."""
    if moved.promise.contact_from is not None or other.status is OrderStatus.TRIAGE:
        return moved
    return replace(moved, promise=replace(moved.promise, contact_from=at))


def _homeward(order: Order, merged: facts.OrderMerged, there: Iterable[OrderFact]) -> list[UUID]:
    """The reports that it brought, and those that joined the other through it since."""
    found = [m.report.report_id for m in merged.reports]
    for fact in there:
        if isinstance(fact, facts.ReportJoined) and fact.via == order.order_id:
            found.append(fact.report.report_id)
    return list(dict.fromkeys(found))


def _again(order: Order, merged: facts.OrderMerged) -> tuple[AssignmentOffer, ...]:
    """What was withdrawn, offered anew: the lead's first. What a unit had passed on is its own to pass on again."""
    held = [a for a in order.assignments if a.assignment_id in merged.withdrawn and a.parent is None]
    held.sort(key=lambda a: a.role is not AssignmentRole.LEAD)
    return tuple(
        AssignmentOffer(
            assignment_id=assignment_id_of(order.order_id, a.unit, place), unit=a.unit, role=a.role, tier=a.tier
        )
        for place, a in enumerate(held, len(order.assignments))
    )


def _came_with(order: Order, other: Order, there: Iterable[OrderFact]) -> tuple[UUID, ...]:
    """The assists that the merger brought and that still have something to do, with what they passed on."""
    brought: set[UUID] = set()
    for fact in there:
        if isinstance(fact, facts.ReportsMoved) and fact.other == order.order_id and not fact.away:
            brought = {offer.assignment_id for offer in fact.assignments}
    gone: list[UUID] = []
    for a in other.assignments:
        if a.live and (a.assignment_id in brought or a.parent in gone):
            gone.append(a.assignment_id)
    return tuple(gone)


ASSIGNMENT: dict[str, OnAssignment] = {}
ORDER = {"merge": OnOrder(Merge, merge), "unmerge": OnOrder(Reason, unmerge)}
