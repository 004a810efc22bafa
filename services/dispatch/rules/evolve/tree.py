"""Folds of parts passed on, units pulled in, answers sent back, and another lead."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from schemas.vocabulary import AssignmentRole
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.evolve.moving import move, offered, target
from services.dispatch.rules.order import Order


def _offered(order: Order, fact: facts.AssignmentOffered) -> None:
    order.assignments.append(offered(order, fact.offer, len(order.assignments), fact.occurred_at))
    move(target(order, fact))


def _sent_back(order: Order, fact: facts.AssignmentSentBack) -> None:
    a = target(order, fact)
    a.done_at = a.result = None
    move(a, A.ACCEPTED)


def _lead_changed(order: Order, fact: facts.LeadChanged) -> None:
    order.detail = replace(order.detail, path=fact.path, together=False)
    before = order.assignment(fact.before)
    assert before is not None, f"fact {fact.seq} names an assignment its order does not have"
    before.role = AssignmentRole.ASSIST
    move(before)
    known = order.assignment(fact.offer.assignment_id)
    if known is None:
        order.assignments.append(offered(order, fact.offer, len(order.assignments), fact.occurred_at))
    else:
        known.role, known.parent = fact.offer.role, fact.offer.parent
        move(known)
    order.lead = fact.lead


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.AssignmentOffered: _offered,
    facts.AssignmentSentBack: _sent_back,
    facts.LeadChanged: _lead_changed,
}
