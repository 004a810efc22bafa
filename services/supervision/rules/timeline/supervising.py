"""Supervisions: opened, answered, sent back, over. Each answer that is due is a clock.

An answer that went back is a clock of its own: the one before it keeps what it was.
"""

from collections.abc import Callable

from msgspec.structs import replace

from schemas.facts import (
    OrderFact,
    Supervised,
    SupervisionAccepted,
    SupervisionAnswered,
    SupervisionCleared,
    SupervisionRefused,
    Urged,
)
from services.supervision.rules.timeline.folding import on
from services.supervision.rules.timeline.shape import Timeline, Watch

STILL: tuple[type[OrderFact], ...] = (Urged, SupervisionAccepted)


@on(Supervised)
def _opened(timeline: Timeline, fact: Supervised) -> Timeline:
    if fact.supervision_id is None or not fact.answerer:
        return timeline
    new = Watch(fact.supervision_id, fact.answerer, fact.round, fact.occurred_at, fact.answer_due)
    return replace(timeline, watches=(*timeline.watches, new))


@on(SupervisionAnswered)
def _answered(timeline: Timeline, fact: SupervisionAnswered) -> Timeline:
    return _with(timeline, fact, lambda watch: replace(watch, answered_at=watch.answered_at or fact.occurred_at))


@on(SupervisionRefused)
def _refused(timeline: Timeline, fact: SupervisionRefused) -> Timeline:
    last = _last(timeline, fact)
    if last is None:
        return timeline
    anew = Watch(last.supervision_id, last.answerer, last.round, fact.occurred_at, turn=fact.turn)
    return replace(timeline, watches=(*timeline.watches, anew))


@on(SupervisionCleared)
def _cleared(timeline: Timeline, fact: SupervisionCleared) -> Timeline:
    return _with(timeline, fact, lambda watch: replace(watch, ended_at=watch.ended_at or fact.occurred_at))


def _last(timeline: Timeline, fact: SupervisionAnswered | SupervisionRefused | SupervisionCleared) -> Watch | None:
    mine = [watch for watch in timeline.watches if watch.supervision_id == fact.supervision_id]
    return mine[-1] if mine else None


def _with(
    timeline: Timeline,
    fact: SupervisionAnswered | SupervisionCleared,
    change: Callable[[Watch], Watch],
) -> Timeline:
    last = _last(timeline, fact)
    if last is None:
        return timeline
    watches = tuple(change(watch) if watch is last else watch for watch in timeline.watches)
    return replace(timeline, watches=watches)
