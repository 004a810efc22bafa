"""What each fact makes of an order: `fold` for one that exists, `opened` for the first.

The live path and the look back at any past moment share this, so what was seen then can be shown again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas import facts
from schemas.facts import AssignmentOffer, OrderFact, OrderOpened
from schemas.vocabulary import AssignmentRole, AssignmentStatus, Source
from services.dispatch.rules.order import Assignment, Detail, Order

CITIZEN_SOURCES = frozenset({Source.HOTLINE, Source.POLICE})
_S = AssignmentStatus


def opened(fact: OrderOpened, why: str = "") -> Order:
    """The order that a first fact opens."""
    order = Order(
        order_id=fact.order_id,
        status=fact.status,
        urgency=fact.urgency,
        source=fact.source,
        verification=fact.verification,
        lead=fact.lead,
        detail=Detail(
            class_ref=fact.class_ref,
            place=fact.place,
            path=fact.path,
            rule=fact.rule,
            together=fact.together,
            platforms=fact.platforms,
            candidates=fact.candidates,
            why=why,
        ),
        opened_at=fact.occurred_at,
        since=fact.occurred_at,
        recorded_at=fact.recorded_at,
        seq=fact.seq,
        imported=fact.imported,
        citizens=any(stub.source in CITIZEN_SOURCES for stub in fact.reports),
        recurrence_of=fact.recurrence_of,
    )
    order.assignments = [_offer(order, offer, i, fact.occurred_at) for i, offer in enumerate(fact.assignments)]
    return order


def fold(order: Order, fact: OrderFact) -> None:
    """Fold a fact into its order, in place."""
    before = (order.status, order.lead)
    _FOLDS[type(fact)](order, fact)
    order.seq = fact.seq
    order.recorded_at = fact.recorded_at
    order.round = fact.round
    if fact.status is not order.status:
        order.status = fact.status
        order.since = fact.occurred_at
    if before != (order.status, order.lead):
        order.version += 1


def _offer(order: Order, offer: AssignmentOffer, ordinal: int, at: datetime) -> Assignment:
    return Assignment(
        assignment_id=offer.assignment_id,
        order_id=order.order_id,
        unit=offer.unit,
        role=offer.role,
        tier=offer.tier,
        ordinal=ordinal,
        offered_at=at,
    )


def _move(a: Assignment, status: AssignmentStatus | None = None, actor: str = "") -> None:
    if status is not None:
        a.status = status
    if actor and actor not in a.actors:
        a.actors = (*a.actors, actor)
    a.version += 1
    a.changed = True


def _target(order: Order, fact: Any) -> Assignment:
    found = order.assignment(fact.assignment_id)
    assert found is not None, f"fact {fact.seq} names an assignment its order does not have"
    return found


def _joined(order: Order, fact: facts.ReportJoined) -> None:
    order.citizens = order.citizens or fact.report.source in CITIZEN_SOURCES
    order.version += 1


def _routed(order: Order, fact: facts.OrderRouted) -> None:
    old = order.detail
    order.detail = Detail(
        class_ref=fact.class_ref,
        place=fact.place,
        path=fact.path,
        rule=old.rule,
        together=False,
        platforms=old.platforms,
        candidates=old.candidates,
        why=old.why,
    )
    for a in order.assignments:
        if a.assignment_id in fact.withdrawn:
            _move(a, _S.WITHDRAWN)
    for offer in fact.assignments:
        known = order.assignment(offer.assignment_id)
        if known is None:
            order.assignments.append(_offer(order, offer, len(order.assignments), fact.occurred_at))
        elif known.role is not offer.role:
            known.role = offer.role
            _move(known)
    # a new class or place moves the version; a new status or lead does so by itself
    unmoved = (fact.status, fact.lead) == (order.status, order.lead)
    order.version += unmoved
    order.lead = fact.lead


def _accepted(order: Order, fact: facts.AssignmentAccepted) -> None:
    taken = _target(order, fact)
    if fact.role is AssignmentRole.LEAD and taken.role is not AssignmentRole.LEAD:
        for a in order.assignments:
            if a.role is AssignmentRole.LEAD and a.live:
                a.role = AssignmentRole.ASSIST
                _move(a)
    taken.role = fact.role
    taken.accepted_at = fact.occurred_at
    order.lead = fact.lead
    _move(taken, _S.ACCEPTED, fact.actor)


def _contacted(order: Order, fact: facts.ContactMade) -> None:
    a = _target(order, fact)
    if fact.reached and a.contacted_at is None:
        a.contacted_at = fact.occurred_at
    _move(a, actor=fact.actor)


def _arrived(order: Order, fact: facts.ArrivedOnSite) -> None:
    a = _target(order, fact)
    a.arrived_at = fact.occurred_at
    _move(a, actor=fact.actor)


def _progressed(order: Order, fact: facts.ProgressNoted) -> None:
    if fact.actor:  # an automatic note moves no version
        _move(_target(order, fact), actor=fact.actor)


def _done(order: Order, fact: facts.AssignmentDone) -> None:
    a = _target(order, fact)
    a.done_at = fact.occurred_at
    a.result = fact.result
    if fact.role is AssignmentRole.LEAD:
        order.result = fact.result
    _move(a, _S.DONE, fact.actor)


def _confirmed(order: Order, fact: facts.AssignmentConfirmed) -> None:
    _move(_target(order, fact), _S.CONFIRMED)


def _withdrawn(order: Order, fact: facts.AssignmentWithdrawn) -> None:
    _move(_target(order, fact), _S.WITHDRAWN)


def _verified(order: Order, fact: facts.VerificationRecorded) -> None:
    lead = order.leading()
    if not fact.passed and lead is not None:  # rework: the same part again
        lead.done_at = lead.arrived_at = lead.result = None
        order.result = None
        _move(lead, _S.ACCEPTED)


def _closed(order: Order, fact: facts.OrderClosed) -> None:
    order.closed_at = fact.occurred_at
    order.result = fact.result
    _settle(order)


def _settle(order: Order) -> None:
    """Whoever is done is confirmed; what was still open when an order ends (a past that was imported) is withdrawn."""
    for a in order.assignments:
        if a.status is _S.DONE:
            _move(a, _S.CONFIRMED)
        elif a.live:
            _move(a, _S.WITHDRAWN)


def _ended(order: Order, fact: OrderFact) -> None:
    _settle(order)


def _reopened(order: Order, fact: facts.OrderReopened) -> None:
    _settle(order)
    order.closed_at = order.result = None
    for offer in fact.assignments:
        order.assignments.append(_offer(order, offer, len(order.assignments), fact.occurred_at))


def _noted(order: Order, fact: OrderFact) -> None:
    """Nothing moves."""


_FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.ReportJoined: _joined,
    facts.OrderRouted: _routed,
    facts.AssignmentAccepted: _accepted,
    facts.ContactMade: _contacted,
    facts.ArrivedOnSite: _arrived,
    facts.ProgressNoted: _progressed,
    facts.AssignmentDone: _done,
    facts.AssignmentConfirmed: _confirmed,
    facts.AssignmentWithdrawn: _withdrawn,
    facts.VerificationRecorded: _verified,
    facts.CallbackRecorded: _noted,
    facts.OrderClosed: _closed,
    facts.OrderReopened: _reopened,
    facts.OrderRejected: _ended,
    facts.OrderTransferred: _ended,
    facts.OrderVoided: _ended,
    facts.Urged: _noted,
    facts.Supervised: _noted,
}
