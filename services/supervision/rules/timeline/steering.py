"""An order as a whole: opened, joined, routed, ended."""

from msgspec.structs import replace

from schemas.facts import (
    OrderFact,
    OrderOpened,
    OrderRejected,
    OrderRouted,
    OrderVoided,
    ReportJoined,
)
from schemas.vocabulary import OrderStatus
from services.supervision.rules.timeline.folding import (
    above,
    gone,
    offered_again,
    on,
    parts_of,
    taken_back,
    voice_of,
)
from services.supervision.rules.timeline.shape import Round, Timeline

STILL: tuple[type[OrderFact], ...] = ()


def opened(fact: OrderOpened) -> Timeline:
    """The timeline that a first fact opens."""
    at = fact.occurred_at
    in_triage = fact.status is OrderStatus.TRIAGE
    top, centre = above(fact.path, fact.lead)
    return Timeline(
        order_id=fact.order_id,
        source=fact.source,
        class_key=fact.class_ref.key,
        urgency=fact.urgency,
        division=fact.place.division,
        tier=fact.path[-1].tier if fact.path else fact.place.tier,
        lead=fact.lead,
        top=top,
        centre=centre,
        opened_at=at,
        parts=parts_of(fact.assignments, fact.round, fact.class_ref.key, at),
        voices=tuple(voice_of(report, fact.round) for report in fact.reports),
        rounds=(Round(fact.round, at),),
        triage_from=at if in_triage else None,
        triage_by=fact.lead if in_triage else "",
        imported=fact.imported,
    )


@on(ReportJoined)
def _joined(timeline: Timeline, fact: ReportJoined) -> Timeline:
    if any(voice.report_id == fact.report.report_id for voice in timeline.voices):
        return timeline
    return replace(timeline, voices=(*timeline.voices, voice_of(fact.report, timeline.rounds[-1].number)))


@on(OrderRouted)
def _routed(timeline: Timeline, fact: OrderRouted) -> Timeline:
    at = fact.occurred_at
    top, centre = above(fact.path, fact.lead)
    timeline, offered = offered_again(timeline, fact.assignments, at)
    timeline = taken_back(timeline, set(fact.withdrawn), at)
    new = parts_of(offered, timeline.rounds[-1].number, fact.class_ref.key, at)
    return replace(
        timeline,
        class_key=fact.class_ref.key,
        division=fact.place.division,
        tier=fact.path[-1].tier if fact.path else timeline.tier,
        lead=fact.lead,
        top=top,
        centre=centre,
        parts=(*timeline.parts, *new),
        decided_at=timeline.decided_at or at if timeline.triage_from else timeline.decided_at,
    )


@on(OrderRejected)
def _rejected(timeline: Timeline, fact: OrderRejected) -> Timeline:
    return gone(timeline, fact)


@on(OrderVoided)
def _voided(timeline: Timeline, fact: OrderVoided) -> Timeline:
    return replace(gone(timeline, fact), void=True)
