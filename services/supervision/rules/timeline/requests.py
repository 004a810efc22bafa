"""What needs somebody's approval."""

from schemas.facts import OrderFact

STILL: tuple[type[OrderFact], ...] = ()
