"""Folds of what needs approval: asked, passed up, decided, and what came of it."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentRole, RequestKind, RequestState
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import move, noted, offered, take_back, target
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.model import Request, Words


def _made(order: Order, fact: facts.RequestMade) -> None:
    """A request that waits; a part that is asked to be returned says so, and stays with its unit."""
    a = target(order, fact)
    order.requests.append(
        Request(
            request_id=fact.request_id,
            order_id=order.order_id,
            assignment_id=fact.assignment_id,
            ordinal=len(order.requests),
            kind=fact.kind,
            reason=fact.reason,
            unit=a.unit,
            decider=fact.decider,
            round=fact.round,
            made_at=fact.occurred_at,
            since=fact.occurred_at,
            arbitration=fact.arbitration,
            suggested_unit=fact.suggested_unit,
            until=fact.until,
            class_key=fact.class_key,
            words=Words(),
            changed=True,
        )
    )
    move(a, A.RETURN_REQUESTED if fact.kind is RequestKind.RETURN else None, fact.actor)


def _escalated(order: Order, fact: facts.RequestEscalated) -> None:
    """The centre above decides now."""
    request = order.request(fact.request_id)
    request.decider, request.level, request.since = fact.decider, fact.level, fact.occurred_at
    request.version += 1
    request.changed = True


def _decided(order: Order, fact: facts.RequestDecided) -> None:
    """The request has its answer; a part that stays with its unit is as it was before."""
    a = target(order, fact)
    request = order.request(fact.request_id)
    request.state, request.decided_at, request.decided_by = fact.outcome, fact.occurred_at, fact.actor
    request.granted_until = fact.until
    request.version += 1
    request.changed = True
    before = A.OFFERED if a.accepted_at is None else A.ACCEPTED
    move(a, before if a.status is A.RETURN_REQUESTED and fact.kind is RequestKind.RETURN else None)


def _returned(order: Order, fact: facts.AssignmentReturned) -> None:
    """The part ends as returned, unless its unit was told another role; others are told."""
    a = target(order, fact)
    told = {each.assignment_id for each in fact.assignments}
    for each in fact.assignments:
        known = order.assignment(each.assignment_id)
        if known is None:
            order.assignments.append(offered(order, each, len(order.assignments), fact.occurred_at))
        elif (known.role, known.parent) != (each.role, each.parent):
            known.role, known.parent = each.role, each.parent
            move(known)
    if a.assignment_id not in told:
        take_back(order, a, A.RETURNED)
    for part in order.assignments:
        if part.assignment_id in fact.pinned and not part.pinned:
            part.pinned = True
            move(part)
    order.lead = fact.lead
    order.detail = replace(order.detail, path=fact.path)
    order.coordinated = order.coordinated or fact.coordinated


def _parked(order: Order, fact: facts.OrderParked) -> None:
    """It stands still until its review."""
    order.parked_by, order.review_at = fact.request_id, fact.review_at


def _reclassified(order: Order, fact: facts.ClassCorrected) -> None:
    """Another class from now on; `class_intake` keeps the first."""
    order.detail = replace(order.detail, class_ref=fact.class_ref)
    order.version += 1


def lapse(order: Order) -> None:
    """An open request ends with what it was about: a part that ended, or a lead that leads no more."""
    for request in order.requests:
        if not request.open:
            continue
        a = order.assignment(request.assignment_id)
        leads = request.kind is RequestKind.RETURN or (a is not None and a.role is AssignmentRole.LEAD)
        if a is None or not a.live or not leads:
            request.state = RequestState.LAPSED
            request.version += 1
            request.changed = True


def _asked_in_words(order: Order, fact: facts.RequestMade, said: dict[str, Any]) -> None:
    order.request(fact.request_id).words = msgspec.convert(said, Words)


def _decided_in_words(order: Order, fact: facts.RequestDecided, said: dict[str, Any]) -> None:
    request = order.request(fact.request_id)
    request.words = replace(request.words, note=said["note"])


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.RequestMade: _made,
    facts.RequestEscalated: _escalated,
    facts.RequestDecided: _decided,
    facts.AssignmentReturned: _returned,
    facts.ClassCorrected: _reclassified,
    facts.OrderParked: _parked,
    facts.OrderResumed: noted,
}
TELLS: dict[type[OrderFact], Callable[[Order, Any, dict[str, Any]], None]] = {
    facts.RequestMade: _asked_in_words,
    facts.RequestDecided: _decided_in_words,
}
