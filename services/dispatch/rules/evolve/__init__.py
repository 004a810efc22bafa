"""What each fact makes of an order: `fold` for one that exists, `opened` for the first.

The live path and the look back at any past moment share this, so what was seen then can be shown again. Each module
here holds the folds of one theme.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from schemas.facts import OrderFact, OrderOpened
from schemas.vocabulary import AssignmentStatus, OrderStatus
from services.dispatch.rules.evolve import (
    assigning,
    finishing,
    linking,
    merging,
    milestones,
    requests,
    steering,
    supervising,
    tree,
    urgency,
)
from services.dispatch.rules.evolve.moving import offered, voice_of
from services.dispatch.rules.lifecycle import ENDED, LIVE
from services.dispatch.rules.order import Assignment, Detail, Order, Stood

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
    linking,
)
FOLDS: dict[type[OrderFact], Callable[[Order, Any], None]] = {
    kind: step for theme in _THEMES for kind, step in theme.FOLDS.items()
}


TELLS: dict[type[OrderFact], Callable[[Order, Any, dict[str, Any]], None]] = {
    **finishing.TELLS,
    **requests.TELLS,
    **supervising.TELLS,
}


def opened(fact: OrderOpened, why: str = "", text: str = "") -> Order:
    """The order that a first fact opens; why it is in triage, and what of another's ticket it is about."""
    order = Order(
        order_id=fact.order_id,
        status=fact.status,
        urgency=fact.urgency,
        source=fact.source,
        verification=fact.verification,
        lead=fact.lead,
        detail=Detail(
            class_ref=fact.class_ref,
            place=fact.place,
            path=fact.path,
            rule=fact.rule,
            together=fact.together,
            platforms=fact.platforms,
            resources=fact.resources,
            candidates=fact.candidates,
            why=why,
            split_from=fact.split_from,
            text=text,
        ),
        opened_at=fact.occurred_at,
        since=fact.occurred_at,
        recorded_at=fact.recorded_at,
        seq=fact.seq,
        imported=fact.imported,
        recurrence_of=fact.recurrence_of,
        subjects=fact.subjects,
        class_intake=fact.class_ref.key,
    )
    order.voices = [voice_of(stub) for stub in fact.reports]
    order.assignments = [offered(order, offer, i, fact.occurred_at) for i, offer in enumerate(fact.assignments)]
    _told(order.assignments, fact)
    return order


def fold(order: Order, fact: OrderFact) -> None:
    """Fold a fact into its order, in place."""
    before = (order.status, order.lead)
    queued = [(a, a.status, a.actors) for a in order.assignments]
    FOLDS[type(fact)](order, fact)
    for a, status, actors in queued:
        if a.status is not status or a.actors is not actors:
            _requeued(order, a, status, actors, fact.recorded_at)
    _told(order.assignments[len(queued) :], fact)
    order.seq = fact.seq
    order.recorded_at = fact.recorded_at
    order.round = fact.round
    if order.requests:
        requests.lapse(order)
    if fact.status is not order.status:
        order.status = fact.status
        order.since = fact.occurred_at
    if order.supervisions and order.status in ENDED:
        supervising.lapse(order, fact)
    if order.parked_by is not None and order.status is not OrderStatus.PARKED:
        order.parked_by = order.review_at = None
    if before != (order.status, order.lead):
        order.version += 1


def tell(order: Order, fact: OrderFact, private: str) -> None:
    """Fold what was said to dispatch alone (JSON), behind its fact: answers, names, words of citizens."""
    step = TELLS.get(type(fact))
    if step is not None:
        step(order, fact, msgspec.json.decode(private))


def _told(new: Iterable[Assignment], fact: OrderFact) -> None:
    for a in new:
        a.told_at = a.stood_since = fact.recorded_at


def _requeued(
    order: Order, a: Assignment, status: AssignmentStatus, actors: tuple[str, ...], recorded_at: datetime
) -> None:
    """What an assignment was in its unit's queue until now is remembered."""
    if status in LIVE:
        order.left.append(Stood(a.assignment_id, a.order_id, a.unit, status, actors, a.stood_since, recorded_at))
    a.stood_since = recorded_at
