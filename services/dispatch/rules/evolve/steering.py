"""Folds of what centres do to an order as a whole, and of a report that joins."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from services.dispatch.rules.evolve.moving import move, offered, settle, take_back, voice_of
from services.dispatch.rules.order import Order


def _joined(order: Order, fact: facts.ReportJoined) -> None:
    order.voices.append(voice_of(fact.report))
    order.subjects = tuple(dict.fromkeys((*order.subjects, *fact.subjects)))
    order.version += 1


def _routed(order: Order, fact: facts.OrderRouted) -> None:
    order.detail = replace(order.detail, class_ref=fact.class_ref, place=fact.place, path=fact.path, together=False)
    for offer in fact.assignments:
        known = order.assignment(offer.assignment_id)
        if known is None:
            order.assignments.append(offered(order, offer, len(order.assignments), fact.occurred_at))
        elif (known.role, known.parent) != (offer.role, offer.parent):
            known.role, known.parent = offer.role, offer.parent
            move(known)
    for a in order.assignments:
        if a.assignment_id in fact.withdrawn and a.live:  # or taken back with the one above it
            take_back(order, a)
    # a new class or place moves the version; a new status or lead does so by itself
    unmoved = (fact.status, fact.lead) == (order.status, order.lead)
    order.version += unmoved
    order.lead = fact.lead


def _ended(order: Order, fact: OrderFact) -> None:
    settle(order.assignments)


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.ReportJoined: _joined,
    facts.OrderRouted: _routed,
    facts.OrderRejected: _ended,
    facts.OrderVoided: _ended,
}
