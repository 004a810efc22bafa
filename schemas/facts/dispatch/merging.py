"""Orders that move to another order or to another platform."""

from schemas.facts.dispatch.base import OrderFact


class OrderTransferred(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Handed to another platform."""

    platform: str
    reason: str
