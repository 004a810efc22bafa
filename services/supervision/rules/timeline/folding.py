"""What folds share: the registry of facts that move clocks, and how rounds and parts are changed."""

from collections.abc import Callable, Container, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from schemas.facts import AssignmentOffer, Hop, OrderFact, ReportStub
from schemas.vocabulary import AssignmentRole, Tier
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
    return tuple(
        Part(
            o.assignment_id,
            o.unit,
            o.role,
            o.tier,
            round_,
            class_key,
            at,
            parent=o.parent,
            led=o.role is AssignmentRole.LEAD,
        )
        for o in offers
    )


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
    """The newest round or stint of that assignment, changed."""
    place = _place_of(timeline, assignment_id)
    if place is None:
        return timeline
    parts = (*timeline.parts[:place], change(timeline.parts[place]), *timeline.parts[place + 1 :])
    return replace(timeline, parts=parts)


def _place_of(timeline: Timeline, assignment_id: UUID) -> int | None:
    for place in range(len(timeline.parts) - 1, -1, -1):
        if timeline.parts[place].assignment_id == assignment_id:
            return place
    return None


def ended(part: Part, at: datetime) -> Part:
    """The part, over since then at the latest."""
    return part if part.ended_at is not None else replace(part, ended_at=at)


def taken_back(timeline: Timeline, assignment_ids: Container[UUID], at: datetime) -> Timeline:
    """These parts have ended, with whatever was passed on from them."""
    now = {part.assignment_id: part for part in timeline.parts}  # each as it stands in its newest stint
    found = [id_ for id_ in now if id_ in assignment_ids]
    for above in found:
        found += [id_ for id_, part in now.items() if part.parent == above]
    parts = tuple(ended(part, at) if part.assignment_id in found else part for part in timeline.parts)
    return replace(timeline, parts=parts)


def as_offered(offer: AssignmentOffer) -> Callable[[Part], Part]:
    """A part that is offered again, perhaps in another role."""
    return lambda part: replace(part, role=offer.role, parent=offer.parent)


def offered_again(
    timeline: Timeline, offers: Iterable[AssignmentOffer], at: datetime
) -> tuple[Timeline, tuple[AssignmentOffer, ...]]:
    """The timeline after these offers went to units that have a part already; beside it the offers that are new."""
    offered = {offer.assignment_id: offer for offer in offers}
    for part in {part.assignment_id: part for part in timeline.parts}.values():  # each in its newest stint
        again = offered.pop(part.assignment_id, None)
        if again is not None and again.role is AssignmentRole.LEAD and part.role is not AssignmentRole.LEAD:
            timeline = promoted(timeline, again, at)
        elif again is not None:
            timeline = with_part(timeline, part.assignment_id, as_offered(again))
    return timeline, tuple(offered.values())


def promoted(timeline: Timeline, offer: AssignmentOffer, at: datetime) -> Timeline:
    """A part that was there leads from now on, in a stint of its own: a lead has its own limits from the moment it
    leads, and what it did or missed as an assist stays as it was."""

    def begin(part: Part) -> Part:
        return replace(
            part,
            role=AssignmentRole.LEAD,
            parent=offer.parent,
            offered_at=at,
            resumed=part.resumed or part.accepted_at is not None,
            due=None,
            stint=part.stint + 1,
            led=True,
        )

    place = _place_of(timeline, offer.assignment_id)
    if place is None:
        return timeline
    old = timeline.parts[place]
    parts = (*timeline.parts[:place], ended(old, at), *timeline.parts[place + 1 :], begin(old))
    return replace(timeline, parts=parts)


def gone(timeline: Timeline, fact: OrderFact) -> Timeline:
    """Decided, in a triage, and ended."""
    at = fact.occurred_at
    timeline = over(timeline, at)
    if timeline.triage_from is not None and timeline.decided_at is None:
        timeline = replace(timeline, decided_at=at)
    return timeline
