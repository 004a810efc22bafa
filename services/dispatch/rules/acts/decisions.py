"""What comes of a decision. A refusal leaves everything as if nothing had been asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from schemas.facts import (
    AssignmentDone,
    AssignmentReturned,
    ClassCorrected,
    OrderFact,
    OrderParked,
    RequestDecided,
)
from schemas.facts.intake import Moment
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, OrderStatus, RequestKind, RequestState, Result
from services.dispatch.rules import lifecycle, subjects
from services.dispatch.rules.acts.asked import Act, Said, UnitName, hops
from services.dispatch.rules.acts.requests import check_alone
from services.dispatch.rules.acts.splitting import check_parts
from services.dispatch.rules.book import Book
from services.dispatch.rules.checking import close
from services.dispatch.rules.lifecycle import Part
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.requests.deciders import check_decider
from services.dispatch.rules.requests.model import Request
from services.dispatch.rules.requests.offering import offers_of, status_after_return

_K = RequestKind
DATED = frozenset({_K.EXTENSION, _K.DEFERRAL, _K.PARKING})


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is decided on a request, and why. Of a granted return, `unit` is whose it is from now on (default: the one
    suggested); of a granted extension, deferral or parking, `until` (default: the date asked for). It says no
    `occurred_at`: a decision counts from when it is given."""

    granted: bool
    note: Said
    unit: UnitName = ""
    until: Moment | None = None


class Case(Struct, frozen=True):
    """One request that is granted: by whose act, when, and until which date."""

    book: Book
    order: Order
    part: Assignment
    request: Request
    asked: Act
    at: datetime
    until: datetime | None

    def record(self, kind: type[OrderFact], said: dict[str, object], to: OrderStatus | None = None) -> None:
        """One fact of what comes of it."""
        self.book.record(
            self.order,
            kind,
            said,
            action=self.request.kind,
            cause=self.asked.cause,
            at=self.at,
            to=to,
            actor=self.asked.actor,
            target=self.part if kind is AssignmentReturned else None,
            reason=self.request.reason,
        )


def decide(book: Book, order: Order, request: Request, asked: Act) -> None:
    """Grant or refuse. Raises Refused before anything is changed: own_tier, other_unit, action_not_allowed,
    field_needed, unit_unknown, subject_unit, invalid, until_unfit, request_open, assists_open."""
    body: Decision = asked.body
    check_decider(book.directory, request, asked.actor)
    if not request.open:
        raise lifecycle.not_allowed("decision", request.state, ())
    part = order.assignment(request.assignment_id)
    assert part is not None, "an open request is about a part of its order"
    at = max(book.now, order.since, request.since)
    until = _until(book, request, body, at) if body.granted else None
    case = Case(book, order, part, request, asked, at, until)
    if body.granted:
        _CHECKS.get(request.kind, _nothing)(case)
    said = {
        "request_id": request.request_id,
        "assignment_id": part.assignment_id,
        "kind": request.kind,
        "outcome": RequestState.GRANTED if body.granted else RequestState.REFUSED,
        "until": until,
    }
    private = msgspec.json.encode({"note": body.note}).decode()
    book.record(
        order,
        RequestDecided,
        said,
        action="decision",
        cause=asked.cause,
        at=at,
        actor=asked.actor,
        target=part,
        reason=request.kind,
        private=private,
    )
    if body.granted:
        _EFFECTS.get(request.kind, _nothing)(case)


def _until(book: Book, request: Request, body: Decision, at: datetime) -> datetime | None:
    """The date that is granted: the one asked for, or an other one that the decider names within policy."""
    if request.kind not in DATED:
        if body.until is not None:
            raise Refused("invalid", f"until: not of a {request.kind}")
        return None
    until = body.until or request.until
    assert until is not None
    latest = at + timedelta(days=book.directory.request_rule(request.kind).longest_days)
    if not at < until <= latest:
        raise Refused("until_unfit", f"after {at.isoformat()}, until {latest.isoformat()}", earliest=at, latest=latest)
    return until


def _nothing(case: Case) -> None:
    """Clocks move by the decision itself."""


def _new_unit(case: Case) -> str:
    """Whose it is from now on: whom the decider names, else whom the returning unit suggested."""
    body: Decision = case.asked.body
    return body.unit or case.request.suggested_unit


def _check_return(case: Case) -> None:
    unit = _new_unit(case)
    if case.part.part is Part.CHILD:
        return  # it falls back to whoever passed it on
    if not unit:
        if case.part.role is AssignmentRole.LEAD:
            raise Refused("field_needed", "unit")
        return
    if case.book.directory.unit(unit) is None:
        raise Refused("unit_unknown", unit)
    subjects.check(case.book.directory, case.order.subjects, [unit])
    if unit == case.part.unit:
        raise Refused("invalid", "unit: the unit that returns it")


def _check_parking(case: Case) -> None:
    if any(r.open and r.kind is _K.RETURN for r in case.order.requests):
        raise Refused("request_open", "a return: decide it first")


def _check_explanation(case: Case) -> None:
    check_alone(case.order, case.part)
    check_parts(case.book, case.order)


def _return(case: Case) -> None:
    """The part ends as returned; the new unit is told, with clocks of its own. An arbiter's unit is pinned."""
    order, part, unit = case.order, case.part, _new_unit(case)
    leads, below = part.part is Part.LEAD, part.part is Part.CHILD
    held = {a.unit for a in order.assignments if a.live and a is not part}
    told = leads or (unit and not below and unit not in held)
    offers = offers_of(case.book, order, [(unit, part.role)]) if told else ()
    path = order.detail.path
    if leads:
        path = (*path, *hops(case.book, order, unit, case.asked.actor, case.at))
    returned_before = {r.unit for r in order.requests if r.kind is _K.RETURN and r.state is RequestState.GRANTED}
    ping_pong = unit in returned_before or order.returns >= case.book.directory.returns.ping_pong_from
    said = {
        "request_id": case.request.request_id,
        "assignment_id": part.assignment_id,
        "lead": unit if leads else order.lead,
        "path": path,
        "assignments": offers,
        "pinned": tuple(offer.assignment_id for offer in offers) if case.request.arbitration else (),
        "returns": order.returns,
        "ping_pong": ping_pong,
    }
    to = status_after_return(order, offers[0], case.asked.actor.who) if leads else None
    case.record(AssignmentReturned, said, to)


def _park(case: Case) -> None:
    to = lifecycle.order_step(case.order.status, case.request.kind, "", case.asked.actor.who).to
    said = {
        "request_id": case.request.request_id,
        "assignment_id": case.part.assignment_id,
        "reason": case.request.reason,
        "review_at": case.until,
    }
    case.record(OrderParked, said, to)


def _correct(case: Case) -> None:
    found = case.book.directory.class_of(case.request.class_key)
    assert found is not None, "classes that are asked for are known"
    case.record(ClassCorrected, {"request_id": case.request.request_id, "class_ref": found})


def _explain(case: Case) -> None:
    """The lead is done with what it explained; the order goes to its check like any other."""
    order, part = case.order, case.part
    when = lifecycle.finish_when(part.part, order.verification)
    to = lifecycle.order_step(order.status, case.request.kind, when, case.asked.actor.who).to
    closes = to is OrderStatus.CLOSED
    said = {"assignment_id": part.assignment_id, "role": part.role, "result": Result.EXPLAINED}
    case.book.record(
        order,
        AssignmentDone,
        said,
        action=case.request.kind,
        cause=case.asked.cause,
        at=case.at,
        to=order.status if closes else to,
        actor=case.asked.actor,
        target=part,
        reason=case.request.reason,
        private=msgspec.json.encode({"answer": case.request.words.answer, "answers": {}}).decode(),
    )
    if closes:
        close(case.book, order, cause=case.asked.cause, at=case.at, actor=case.asked.actor, action=case.request.kind)


_CHECKS: dict[RequestKind, Callable[[Case], None]] = {
    _K.RETURN: _check_return,
    _K.PARKING: _check_parking,
    _K.EXPLANATION: _check_explanation,
}
_EFFECTS: dict[RequestKind, Callable[[Case], None]] = {
    _K.RETURN: _return,
    _K.PARKING: _park,
    _K.CLASS_CORRECTION: _correct,
    _K.EXPLANATION: _explain,
}
