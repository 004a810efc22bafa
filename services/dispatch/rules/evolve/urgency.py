"""Folds of how fast an order must move."""

from collections.abc import Callable
from typing import Any

from schemas import facts
from schemas.facts import OrderFact
from services.dispatch.rules.order import Order


def _changed(order: Order, fact: facts.UrgencyChanged) -> None:
    order.urgency = fact.urgency
    order.version += 1


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {facts.UrgencyChanged: _changed}
