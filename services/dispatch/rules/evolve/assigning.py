"""Folds of a unit's part: taken, taken back."""

from collections.abc import Callable
from typing import Any

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentRole
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import move, take_back, target
from services.dispatch.rules.order import Order


def _accepted(order: Order, fact: facts.AssignmentAccepted) -> None:
    taken = target(order, fact)
    if fact.role is AssignmentRole.LEAD and taken.role is not AssignmentRole.LEAD:
        for a in order.assignments:
            if a.role is AssignmentRole.LEAD and a.live:
                a.role = AssignmentRole.ASSIST
                move(a)
    taken.role = fact.role
    taken.accepted_at = fact.occurred_at
    order.lead = fact.lead
    move(taken, A.ACCEPTED, fact.actor)


def _withdrawn(order: Order, fact: facts.AssignmentWithdrawn) -> None:
    take_back(order, target(order, fact))


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.AssignmentAccepted: _accepted,
    facts.AssignmentWithdrawn: _withdrawn,
}
