"""What people do to an order as a whole. The lifecycle says whether they may; here is what comes of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas import facts
from schemas.facts import AssignmentOffer, Hop
from schemas.ids import assignment_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Tier, Verification
from services.dispatch.rules import bodies, lifecycle
from services.dispatch.rules.assignments import Act, latest
from services.dispatch.rules.book import Book
from services.dispatch.rules.checking import check, close
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Order


def act(book: Book, order: Order, asked: Act) -> None:
    """Do it. Raises Refused before anything is changed."""
    who = asked.actor.who
    allowed = lifecycle.order_actions(order.status, who)
    if asked.action not in allowed:
        raise lifecycle.not_allowed(asked.action, order.status, allowed)
    _MOVES[asked.action](book, order, asked)


def _route(book: Book, order: Order, asked: Act) -> None:
    body: bodies.Route = asked.body
    units = dict.fromkeys((body.lead, *body.assists))
    unknown = [unit for unit in units if book.directory.unit(unit) is None]
    if unknown:
        raise Refused("unit_unknown", ", ".join(unknown))
    class_ref = order.detail.class_ref
    if body.class_key is not None:
        found = book.directory.class_of(body.class_key)
        if found is None:
            raise Refused("class_unknown", body.class_key)
        class_ref = found
    at = occurred(body.occurred_at, book.now, _last_milestone(order))
    assignments, withdrawn, accepted = _assign(book, order, tuple(units))
    to = lifecycle.order_step(order.status, "route", "lead accepted" if accepted else "", asked.actor.who)
    hop = Hop(tier=book.directory.tier_of(body.lead) or Tier.STREET, unit=body.lead, at=at, by=asked.actor.id)
    said = {
        "class_ref": class_ref,
        "place": order.detail.place,
        "lead": body.lead,
        "path": (*order.detail.path, hop),
        "assignments": assignments,
        "withdrawn": withdrawn,
    }
    _record(book, order, facts.OrderRouted, said, asked, at, to, body.reason)


def _assign(
    book: Book, order: Order, units: tuple[str, ...]
) -> tuple[tuple[AssignmentOffer, ...], tuple[Any, ...], bool]:
    """The assignments from now on, the lead's first: a unit that has a live one keeps it. Beside them the ids of those
    taken back, and whether the lead's was accepted already."""
    live = {a.unit: a for a in order.assignments if a.live}
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
    return tuple(offers), tuple(a.assignment_id for a in live.values()), accepted


def _urge(book: Book, order: Order, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, order.since)
    _record(book, order, facts.Urged, {"note": asked.body.note}, asked, at)


def _supervise(book: Book, order: Order, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, order.since)
    _record(book, order, facts.Supervised, {"level": asked.body.level, "note": asked.body.note}, asked, at)


def _verify(book: Book, order: Order, asked: Act) -> None:
    """By one who did not handle it: neither one of its people nor one of its units (design §6.5)."""
    actor = asked.actor
    held = (AssignmentStatus.WITHDRAWN, AssignmentStatus.RETURNED)
    for a in order.assignments:
        if actor.id in a.actors or (actor.unit and actor.unit == a.unit and a.status not in held):
            raise Refused("handler_verifies", f"{a.unit} handled it")
    body: bodies.Verify = asked.body
    at = occurred(body.occurred_at, book.now, _last_milestone(order))
    check(book, order, body.passed, Verification.SITE, body.note, cause=asked.cause, at=at, actor=actor)


def _callback(book: Book, order: Order, asked: Act) -> None:
    body: bodies.Callback = asked.body
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
    _record(book, order, facts.CallbackRecorded, said, asked, occurred(body.occurred_at, book.now, order.since))


def _close(book: Book, order: Order, asked: Act) -> None:
    at = occurred(asked.body.occurred_at, book.now, _last_milestone(order))
    close(book, order, cause=asked.cause, at=at, actor=asked.actor, action="close", reason=asked.body.reason)


def _reopen(book: Book, order: Order, asked: Act) -> None:
    """A new round: the lead is told anew; what others did in the last round stays done."""
    ordinal = len(order.assignments)
    offer = AssignmentOffer(
        assignment_id=assignment_id_of(order.order_id, order.lead, ordinal),
        unit=order.lead,
        role=AssignmentRole.LEAD,
        tier=book.directory.tier_of(order.lead) or order.detail.place.tier,
    )
    reason = asked.body.reason
    said = {"reason": reason, "assignments": (offer,)}
    at = occurred(asked.body.occurred_at, book.now, _last_milestone(order))
    book.record(
        order,
        facts.OrderReopened,
        said,
        action="reopen",
        cause=asked.cause,
        at=at,
        to=lifecycle.order_step(order.status, "reopen", "", asked.actor.who),
        actor=asked.actor,
        round_=order.round + 1,
        reason=reason,
    )


def _end(kind: type[facts.OrderFact]) -> Callable[[Book, Order, Act], None]:
    """Rejecting or voiding, each with its fact."""

    def end(book: Book, order: Order, asked: Act) -> None:
        reason = asked.body.reason
        at = occurred(asked.body.occurred_at, book.now, _last_milestone(order))
        to = lifecycle.order_step(order.status, asked.action, "", asked.actor.who)
        _record(book, order, kind, {"reason": reason}, asked, at, to, reason)

    return end


def _transfer(book: Book, order: Order, asked: Act) -> None:
    body: bodies.Transfer = asked.body
    at = occurred(body.occurred_at, book.now, _last_milestone(order))
    to = lifecycle.order_step(order.status, "transfer", "", asked.actor.who)
    said = {"platform": body.platform, "reason": body.reason}
    _record(book, order, facts.OrderTransferred, said, asked, at, to, body.reason)


def _import_close(book: Book, order: Order, asked: Act) -> None:
    """A past that is brought in whole: only of an order that was imported, at any time since it was opened."""
    body: bodies.ImportClose = asked.body
    if not order.imported:
        raise lifecycle.not_allowed("import_close", order.status, (), "this order was not imported")
    at = occurred(body.closed_at, book.now, order.opened_at)
    said = {"result": body.result, "imported": True}
    _record(book, order, facts.OrderClosed, said, asked, at, OrderStatus.CLOSED)


def _last_milestone(order: Order) -> datetime:
    """Nothing that moves an order as a whole happened before the last thing its units did."""
    return latest(
        order.since, *(m for a in order.assignments for m in (a.offered_at, a.accepted_at, a.arrived_at, a.done_at))
    )


def _record(
    book: Book,
    order: Order,
    kind: type[facts.OrderFact],
    said: dict[str, Any],
    asked: Act,
    at: datetime,
    to: OrderStatus | None = None,
    reason: str = "",
) -> None:
    book.record(
        order, kind, said, action=asked.action, cause=asked.cause, at=at, to=to, actor=asked.actor, reason=reason
    )


_MOVES: dict[str, Callable[[Book, Order, Act], None]] = {
    "route": _route,
    "urge": _urge,
    "supervise": _supervise,
    "verify": _verify,
    "callback": _callback,
    "close": _close,
    "reopen": _reopen,
    "reject": _end(facts.OrderRejected),
    "void": _end(facts.OrderVoided),
    "transfer": _transfer,
    "import_close": _import_close,
}
