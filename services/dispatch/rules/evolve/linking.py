"""Folds of an order that belongs to a special case: nothing else about it moves, not even its version."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from schemas import facts
from schemas.facts import OrderFact
from services.dispatch.rules.order import Order


def _linked(order: Order, fact: facts.OrderLinked) -> None:
    order.detail = replace(order.detail, case_id=fact.case_id)


def _unlinked(order: Order, fact: facts.OrderUnlinked) -> None:
    order.detail = replace(order.detail, case_id=None)


FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    facts.OrderLinked: _linked,
    facts.OrderUnlinked: _unlinked,
}
