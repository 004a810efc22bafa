"""Folds of what a unit says on its way."""

from collections.abc import Callable
from typing import Any

from schemas import facts
from schemas.facts import OrderFact
from services.dispatch.rules.evolve.moving import move, target
from services.dispatch.rules.order import Order


def _contacted(order: Order, fact: facts.ContactMade) -> None:
    a = target(order, fact)
    if fact.reached and a.contacted_at is None:
        a.contacted_at = fact.occurred_at
    for voice in order.voices if fact.reached else ():
        if voice.contacted_at is None and fact.report_id in (None, voice.report_id):
            voice.contacted_at = fact.occurred_at
    move(a, actor=fact.actor)


def _arrived(order: Order, fact: facts.ArrivedOnSite) -> None:
    a = target(order, fact)
    a.arrived_at = fact.occurred_at
    move(a, actor=fact.actor)


def _progressed(order: Order, fact: facts.ProgressNoted) -> None:
    if fact.actor:  # an automatic note moves no version
        move(target(order, fact), actor=fact.actor)


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.ContactMade: _contacted,
    facts.ArrivedOnSite: _arrived,
    facts.ProgressNoted: _progressed,
}
