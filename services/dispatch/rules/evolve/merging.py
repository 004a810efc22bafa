"""Folds of orders that move to another order or platform."""

from collections.abc import Callable
from typing import Any

from schemas import facts
from schemas.facts import OrderFact
from services.dispatch.rules.evolve.moving import settle
from services.dispatch.rules.order import Order


def _transferred(order: Order, fact: facts.OrderTransferred) -> None:
    settle(order)


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.OrderTransferred: _transferred,
}
