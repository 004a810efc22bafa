"""The facts of one order that clocks need, folded one after the other into a compact value.

A timeline holds what happened and when it happened (`occurred_at`), never what is due: deadlines follow from it, the
policy and the calendars (`stages`), so a new policy is a recompute and not a repair.

A **round** begins with the order, with a failed check (rework: the promise to the reporters runs on) and with a
reopening (a promise of its own).
"""

from msgspec.structs import replace

from schemas.facts import OrderFact, OrderOpened
from schemas.vocabulary import OrderStatus
from services.supervision.rules.timeline import (
    assigning,
    finishing,
    merging,
    milestones,
    requests,
    steering,
    supervising,
    tree,
    urgency,
)
from services.supervision.rules.timeline.folding import FOLDS, with_round
from services.supervision.rules.timeline.shape import (
    Ask,
    Callback,
    Contact,
    Handover,
    Part,
    Round,
    Timeline,
    Turn,
    Voice,
    Watch,
)

__all__ = [
    "Ask",
    "Callback",
    "Contact",
    "Handover",
    "Misplaced",
    "Part",
    "Round",
    "STILL",
    "Timeline",
    "Turn",
    "Voice",
    "Watch",
    "fold",
    "moving",
]

_THEMES = (
    assigning,
    tree,
    milestones,
    requests,
    finishing,
    steering,
    supervising,
    merging,
    urgency,
)
# Facts that move no clock. Every other one has its fold, so that none is forgotten (tests/contracts).
STILL: frozenset[type[OrderFact]] = frozenset(kind for theme in _THEMES for kind in theme.STILL)


class Misplaced(ValueError):
    """A fact that cannot stand where its number puts it: the first must open the order, no other may."""


def fold(timeline: Timeline | None, fact: OrderFact) -> Timeline:
    """The timeline with one more fact, the one that follows by `seq`. The very same object when the fact changes no
    clock. Raises Misplaced."""
    if isinstance(fact, OrderOpened):
        if timeline is not None:
            raise Misplaced("an order is opened once")
        return steering.opened(fact)
    if timeline is None:
        raise Misplaced(f"{type(fact).__name__} of an order that is not open")
    step = FOLDS.get(type(fact))
    if step is not None:
        timeline = step(timeline, fact)
    timeline = _moved_on(timeline, fact)
    return requests.lapsed(timeline, fact) if timeline.asks else timeline


def moving() -> frozenset[type[OrderFact]]:
    """The facts that clocks are computed from."""
    return frozenset({OrderOpened, *FOLDS})


def _moved_on(timeline: Timeline, fact: OrderFact) -> Timeline:
    """What the order's new status says about its current round."""
    now, at, status = timeline.rounds[-1], fact.occurred_at, fact.status
    if status is OrderStatus.VERIFYING and now.verify_from is None:
        return with_round(timeline, replace(now, verify_from=at))
    if status is OrderStatus.CALLBACK and now.callback_from is None:
        return with_round(timeline, replace(now, callback_from=at, answered_at=now.answered_at or at))
    return timeline
