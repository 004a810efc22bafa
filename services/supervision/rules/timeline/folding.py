"""What folds share: the registry of facts that move clocks, and how rounds and parts are changed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from schemas.facts import AssignmentOffer, Hop, OrderFact, ReportStub
from schemas.vocabulary import Tier
from services.supervision.rules.timeline.shape import Part, Round, Timeline, Voice

F = TypeVar("F", bound=OrderFact)
FOLDS: dict[type[OrderFact], Callable[[Timeline, Any], Timeline]] = {}
_RANK = {tier: rank for rank, tier in enumerate(Tier)}


def on(kind: type[F]) -> Callable[[Callable[[Timeline, F], Timeline]], Callable[[Timeline, F], Timeline]]:
    """Register what a kind of fact makes of a timeline. A kind without a fold moves no clock but by its status."""

    def keep(step: Callable[[Timeline, F], Timeline]) -> Callable[[Timeline, F], Timeline]:
        FOLDS[kind] = step
        return step

    return keep


def above(path: tuple[Hop, ...], lead: str) -> tuple[str, str]:
    """The top unit of a path, and the last one above the tier where it ends: the centre that dispatched the lead."""
    if not path:
        return lead, lead
    rank = _RANK[path[-1].tier]
    return path[0].unit, next((hop.unit for hop in reversed(path) if _RANK[hop.tier] < rank), path[0].unit)


def parts_of(offers: tuple[AssignmentOffer, ...], round_: int, class_key: str, at: datetime) -> tuple[Part, ...]:
    """The parts that offers make in a round."""
    return tuple(Part(o.assignment_id, o.unit, o.role, o.tier, round_, class_key, at) for o in offers)


def voice_of(report: ReportStub, round_: int) -> Voice:
    """The report as its promise is counted."""
    return Voice(report.report_id, report.source, report.ticket_type, report.received_at, report.source_due, round_)


def with_round(timeline: Timeline, round_: Round) -> Timeline:
    """The current round, changed."""
    return replace(timeline, rounds=(*timeline.rounds[:-1], round_))


def over(timeline: Timeline, at: datetime) -> Timeline:
    """The current round has ended, unless it had before."""
    now = timeline.rounds[-1]
    return timeline if now.ended_at is not None else with_round(timeline, replace(now, ended_at=at))


def with_part(timeline: Timeline, assignment_id: UUID, change: Callable[[Part], Part]) -> Timeline:
    """The newest round of that assignment, changed."""
    for place in range(len(timeline.parts) - 1, -1, -1):
        part = timeline.parts[place]
        if part.assignment_id == assignment_id:
            parts = (*timeline.parts[:place], change(part), *timeline.parts[place + 1 :])
            return replace(timeline, parts=parts)
    return timeline


def ended(part: Part, at: datetime) -> Part:
    """The part, over since then at the latest."""
    return part if part.ended_at is not None else replace(part, ended_at=at)


def gone(timeline: Timeline, fact: OrderFact) -> Timeline:
    """Decided, in a triage, and ended."""
    at = fact.occurred_at
    timeline = over(timeline, at)
    if timeline.triage_from is not None and timeline.decided_at is None:
        timeline = replace(timeline, decided_at=at)
    return timeline
