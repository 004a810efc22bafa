"""Folds of finishing, checking, calling back, closing and reopening."""

from collections.abc import Callable
from typing import Any

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentRole
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import move, noted, offered, settle, target
from services.dispatch.rules.order import Order


def _done(order: Order, fact: facts.AssignmentDone) -> None:
    a = target(order, fact)
    a.done_at = fact.occurred_at
    a.result = fact.result
    if fact.role is AssignmentRole.LEAD:
        order.result = fact.result
    move(a, A.DONE, fact.actor)
    settle(order.below(a))


def _confirmed(order: Order, fact: facts.AssignmentConfirmed) -> None:
    move(target(order, fact), A.CONFIRMED)


def _verified(order: Order, fact: facts.VerificationRecorded) -> None:
    lead = order.leading()
    if not fact.passed and lead is not None:  # rework: the same part again
        lead.done_at = lead.arrived_at = lead.result = None
        order.result = None
        move(lead, A.ACCEPTED)


def _closed(order: Order, fact: facts.OrderClosed) -> None:
    order.closed_at = fact.occurred_at
    order.result = fact.result
    settle(order.assignments)


def _reopened(order: Order, fact: facts.OrderReopened) -> None:
    settle(order.assignments)
    order.closed_at = order.result = None
    for offer in fact.assignments:
        order.assignments.append(offered(order, offer, len(order.assignments), fact.occurred_at))


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.AssignmentDone: _done,
    facts.AssignmentConfirmed: _confirmed,
    facts.VerificationRecorded: _verified,
    facts.CallbackRecorded: noted,
    facts.OrderClosed: _closed,
    facts.OrderReopened: _reopened,
}
