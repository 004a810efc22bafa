"""How fast an order must move, judged anew."""

from msgspec.structs import replace

from schemas.facts import OrderFact, UrgencyChanged
from services.supervision.rules.timeline.folding import on
from services.supervision.rules.timeline.shape import Pace, Timeline

STILL: tuple[type[OrderFact], ...] = ()


@on(UrgencyChanged)
def _changed(timeline: Timeline, fact: UrgencyChanged) -> Timeline:
    paces = (*timeline.paces, Pace(timeline.urgency, fact.occurred_at))
    return replace(timeline, urgency=fact.urgency, paces=paces)
