"""Orders that move to another order or to another platform."""

from schemas.facts import OrderFact, OrderTransferred
from services.supervision.rules.timeline.folding import gone, on
from services.supervision.rules.timeline.shape import Timeline

STILL: tuple[type[OrderFact], ...] = ()


@on(OrderTransferred)
def _transferred(timeline: Timeline, fact: OrderTransferred) -> Timeline:
    return gone(timeline, fact)
