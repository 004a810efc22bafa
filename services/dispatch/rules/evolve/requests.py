"""Folds of what needs approval."""

from collections.abc import Callable
from typing import Any

from schemas.facts import OrderFact
from services.dispatch.rules.order import Order

FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {}
