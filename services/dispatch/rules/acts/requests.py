"""What a unit may ask for, and until when. A request changes nothing but itself: no clock, no duty, no lead."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.facts import ClockView, OrderResumed, RequestMade
from schemas.facts.intake import Moment, Short
from schemas.ids import fact_id
from schemas.refusals import Refused
from schemas.vocabulary import (
    OrderStatus,
    RequestKind,
    RequestReason,
    Role,
    Stage,
    Urgency,
)
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts.asked import (
    Act,
    Body,
    OnAssignment,
    OnOrder,
    Reason,
    Said,
    UnitName,
    last_milestone,
    latest,
    record,
    words,
)
from services.dispatch.rules.book import Book
from services.dispatch.rules.lifecycle import Part
from services.dispatch.rules.moment import occurred
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.requests.deciders import first_decider
from services.dispatch.rules.requests.model import Words, granted, returns_by, ruled
from services.dispatch.rules.requests.reasons import OWNERSHIP, REASONS

_K = RequestKind
_DATED = frozenset({_K.EXTENSION, _K.DEFERRAL, _K.PARKING})
# The fields of each kind beside reason and basis; what is needed depends for a return on its reason.
FIELDS: dict[RequestKind, tuple[str, ...]] = {
    _K.RETURN: ("suggested_unit",),
    _K.EXTENSION: ("until",),
    _K.DEFERRAL: ("until", "evidence"),
    _K.PARKING: ("until", "evidence"),
    _K.CLASS_CORRECTION: ("class_key",),
    _K.EXPLANATION: ("answer",),
}
_OPTIONAL = ("evidence",)
# Whoever says whose it is not must say whose it is, unless that is just what is unclear.
_NAMES_ANOTHER = OWNERSHIP - {RequestReason.OWNER_UNCLEAR}


class Request(Body, frozen=True, kw_only=True):
    """What a unit asks for: why (a code, and in words its `basis`), whose it is instead, until when, which class, what
    the reporters shall be told; `evidence` names attachments and documents."""

    kind: RequestKind
    reason: RequestReason
    basis: Said
    suggested_unit: UnitName = ""
    until: Moment | None = None
    class_key: Short = ""
    answer: Annotated[str, Meta(max_length=10_000)] = ""
    evidence: Annotated[tuple[Annotated[str, words(300)], ...], Meta(max_length=20)] = ()


def _ask(book: Book, order: Order, a: Assignment, asked: Act) -> None:
    """Record a request. It counts from when it reaches the centre, whenever a client says it was written, so that no
    phone can ask in time for what was late.

    Raises Refused: reason_unfit, field_needed, invalid, unit_unknown, class_unknown, lead_only, action_not_allowed,
    request_open, request_limit, arbitrated, request_too_late, until_unfit, assists_open.
    """
    body: Request = asked.body
    began = latest(a.offered_at, a.accepted_at)
    occurred(body.occurred_at, book.now, began)
    at = max(book.now, began)
    _check_fields(book, order, a, body)
    _check_standing(order, a, body)
    _check_counts(book, order, a, body)
    _check_time(book, order, a, body, at)
    rule = book.directory.returns
    arbitration = body.kind is _K.RETURN and returns_by(order.requests, a.unit) + 1 >= rule.arbitration_from
    said = {
        "request_id": fact_id(asked.cause, "request"),
        "assignment_id": a.assignment_id,
        "kind": body.kind,
        "reason": body.reason,
        "decider": first_decider(book.directory, order, a, body.kind, arbitration=arbitration),
        "suggested_unit": body.suggested_unit,
        "until": body.until,
        "class_key": body.class_key,
        "arbitration": arbitration,
    }
    private = msgspec.json.encode(Words(basis=body.basis, evidence=body.evidence, answer=body.answer)).decode()
    record(book, order, RequestMade, said, asked, at, target=a, reason=body.reason, private=private)


def _check_fields(book: Book, order: Order, a: Assignment, body: Request) -> None:
    if body.reason not in REASONS[body.kind]:
        raise Refused("reason_unfit", f"{body.reason} for {body.kind}", reasons=sorted(REASONS[body.kind]))
    for name in ("suggested_unit", "until", "class_key", "answer", "evidence"):
        value = getattr(body, name)
        given, fits = bool(value.strip() if isinstance(value, str) else value), name in FIELDS[body.kind]
        if given and not fits and name not in _OPTIONAL:
            raise Refused("invalid", f"{name}: not of a {body.kind}")
        if fits and not given and (body.kind is not _K.RETURN or body.reason in _NAMES_ANOTHER):
            raise Refused("field_needed", name)
    if body.suggested_unit:
        if book.directory.unit(body.suggested_unit) is None:
            raise Refused("unit_unknown", body.suggested_unit)
        if body.suggested_unit == a.unit:
            raise Refused("invalid", "suggested_unit: the unit that returns it")
    if body.class_key:
        if book.directory.class_of(body.class_key) is None:
            raise Refused("class_unknown", body.class_key)
        if body.class_key == order.detail.class_ref.key:
            raise Refused("invalid", "class_key: it is of this class already")


def _check_standing(order: Order, a: Assignment, body: Request) -> None:
    """What may be asked while the order and the part stand as they do."""
    returns = body.kind is _K.RETURN
    if not returns and a.part is not Part.LEAD:
        raise Refused("lead_only", body.kind)
    lifecycle.assignment_step(a.status, "request", a.part, "return" if returns else "else", Role.RESPONDER)
    waits = {r.kind for r in order.requests if r.open and r.assignment_id == a.assignment_id}
    if body.kind in waits:
        raise Refused("request_open", body.kind)
    if order.status is OrderStatus.PARKED and body.kind is not _K.PARKING:
        raise lifecycle.not_allowed("request", f"{order.status}: {body.kind}", (), "it is parked")
    if body.kind is _K.EXPLANATION:
        check_alone(order, a)


def check_alone(order: Order, a: Assignment) -> None:
    """Raises Refused `assists_open` while anybody else still works."""
    working = [x for x in order.assignments if x is not a and x.live]
    if working:
        raise Refused("assists_open", ", ".join(x.unit for x in working), assists=[x.assignment_id for x in working])


def _check_counts(book: Book, order: Order, a: Assignment, body: Request) -> None:
    most = book.directory.request_rule(body.kind).most
    if most and granted(order.requests, body.kind) >= most:
        raise Refused("request_limit", f"{body.kind}: {most}")
    if body.kind is _K.RETURN:
        pinned = a.pinned and body.reason in OWNERSHIP
        if pinned or ruled(order.requests, a.unit, body.reason):
            raise Refused("arbitrated", body.reason)


def _check_time(book: Book, order: Order, a: Assignment, body: Request, at: datetime) -> None:
    clocks = book.clocks.get(order.order_id, ())
    if body.kind is _K.RETURN:
        ends = return_window(book, order, a, clocks)
        if at > ends:
            raise Refused("request_too_late", f"returns until {ends.isoformat()}", until=ends)
        return
    due = concerned(clocks, a, order.round)
    if body.kind in _DATED:
        if due is not None and at > due:
            raise Refused("request_too_late", f"due {due.isoformat()}", until=due)
        longest = at + timedelta(days=book.directory.request_rule(body.kind).longest_days)
        assert body.until is not None
        earliest = due if body.kind is _K.EXTENSION and due is not None else at
        if not earliest < body.until <= longest:
            raise Refused(
                "until_unfit",
                f"after {earliest.isoformat()}, until {longest.isoformat()}",
                earliest=earliest,
                latest=longest,
            )


def return_window(book: Book, order: Order, a: Assignment, clocks: Iterable[ClockView]) -> datetime:
    """Until when a part may be returned: the due of the unit's own clock that policy names, and never less than the
    policy's minutes since the offer."""
    rule = book.directory.returns
    minutes = rule.minutes if order.urgency is Urgency.NORMAL else rule.urgent_minutes
    dues = [c.due for c in clocks if c.stage is rule.stage and c.assignment_id == a.assignment_id]
    return max([a.offered_at + timedelta(minutes=minutes), *dues])


def concerned(clocks: Iterable[ClockView], a: Assignment, round_: int) -> datetime | None:
    """The due that a request is about: of handling by this unit in this round, without one the earliest promise to a
    reporter; None when nothing was promised."""
    of_round = [c for c in clocks if c.round == round_]
    handling = [c.due for c in of_round if c.stage is Stage.HANDLE and c.assignment_id == a.assignment_id]
    promised = [c.due for c in of_round if c.stage is Stage.TOTAL]
    return min(handling or promised, default=None)


def _resume(book: Book, order: Order, asked: Act) -> None:
    """A parked order goes on before its review."""
    at = occurred(asked.body.occurred_at, book.now, last_milestone(order))
    reason = asked.body.reason
    to = lifecycle.order_step(order.status, "resume", "", asked.actor.who).to
    record(book, order, OrderResumed, {"reason": reason}, asked, at, to, reason=reason)


ASSIGNMENT = {"request": OnAssignment(Request, _ask)}
ORDER = {"resume": OnOrder(Reason, _resume)}
