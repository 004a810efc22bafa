"""Orders that move to another order or to another platform, and the reports that go with them."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from schemas.facts import (
    HandoverOffered,
    HandoverReported,
    HandoverReturned,
    HandoverSigned,
    MovedReport,
    OrderFact,
    OrderLinked,
    OrderMerged,
    OrderSplit,
    OrderTransferred,
    OrderUnlinked,
    OrderUnmerged,
    ReportsMoved,
)
from schemas.vocabulary import OrderStatus
from services.supervision.rules.timeline.folding import ended, gone, on, parts_of, voice_of, with_round
from services.supervision.rules.timeline.shape import Contact, Handover, Promise, Timeline, Voice

STILL: tuple[type[OrderFact], ...] = (HandoverReported, OrderLinked, OrderUnlinked)


@on(OrderMerged)
def _merged(timeline: Timeline, fact: OrderMerged) -> Timeline:
    """Its units have nothing left to do; what its reporters were promised goes on elsewhere."""
    timeline = replace(timeline, parts=tuple(ended(part, fact.occurred_at) for part in timeline.parts))
    return gone(_left(timeline, _ids(fact.reports)), fact)


@on(OrderUnmerged)
def _unmerged(timeline: Timeline, fact: OrderUnmerged) -> Timeline:
    """It stands as it did. Its units get their own time anew, and so does the centre for a triage."""
    at, now = fact.occurred_at, timeline.rounds[-1]
    timeline = with_round(timeline, replace(now, ended_at=None))
    if fact.status is OrderStatus.TRIAGE:
        timeline = replace(timeline, triage_from=at, decided_at=None, triage_by=timeline.lead)
    new = parts_of(fact.assignments, now.number, timeline.class_key, at)
    timeline = replace(timeline, parts=(*timeline.parts, *new))
    for moved in fact.reports:
        timeline = _home(timeline, moved, at)
    return timeline


@on(ReportsMoved)
def _moved(timeline: Timeline, fact: ReportsMoved) -> Timeline:
    at, gone_ = fact.occurred_at, set(fact.withdrawn)
    parts = tuple(ended(part, at) if part.assignment_id in gone_ else part for part in timeline.parts)
    new = parts_of(fact.assignments, timeline.rounds[-1].number, timeline.class_key, at)
    timeline = replace(timeline, parts=(*parts, *new))
    if fact.away:
        return _left(timeline, _ids(fact.reports))
    for moved in fact.reports:
        timeline = _arrived(timeline, moved, at)
    return timeline


@on(OrderSplit)
def _split(timeline: Timeline, fact: OrderSplit) -> Timeline:
    """A report that is about a part alone is promised what that part's class promises, from its own receipt."""
    return _left(timeline, {report for part in fact.parts for report in part.reports})


@on(OrderTransferred)
def _transferred(timeline: Timeline, fact: OrderTransferred) -> Timeline:
    if fact.handover_id is not None:
        timeline = _signed(timeline, fact.handover_id, fact.occurred_at)
    return gone(timeline, fact)


@on(HandoverOffered)
def _offered(timeline: Timeline, fact: HandoverOffered) -> Timeline:
    asked = Handover(fact.handover_id, fact.platform, timeline.rounds[-1].number, fact.occurred_at)
    return replace(timeline, handovers=(*timeline.handovers, asked))


@on(HandoverSigned)
def _came_along(timeline: Timeline, fact: HandoverSigned) -> Timeline:
    return _signed(timeline, fact.handover_id, fact.occurred_at)


@on(HandoverReturned)
def _went_back(timeline: Timeline, fact: HandoverReturned) -> Timeline:
    handovers = tuple(
        replace(h, ended_at=fact.occurred_at) if h.handover_id == fact.handover_id else h for h in timeline.handovers
    )
    return replace(timeline, handovers=handovers)


def _signed(timeline: Timeline, handover_id: UUID, at: datetime) -> Timeline:
    handovers = tuple(replace(h, signed_at=at) if h.handover_id == handover_id else h for h in timeline.handovers)
    return replace(timeline, handovers=handovers)


def _ids(reports: tuple[MovedReport, ...]) -> set[UUID]:
    return {moved.report.report_id for moved in reports}


def _left(timeline: Timeline, ids: set[UUID]) -> Timeline:
    voices = tuple(replace(v, away=True) if v.report_id in ids else v for v in timeline.voices)
    return replace(timeline, voices=voices)


def _arrived(timeline: Timeline, moved: MovedReport, at: datetime) -> Timeline:
    """A report with the promise it brings, in the present round; it may have been here before."""
    round_ = timeline.rounds[-1].number
    given = moved.promise
    promise = Promise(at, given.since, given.class_key, given.urgency, given.tier, given.round, given.contact_from)
    contacts = () if moved.contacted_at is None else (Contact(round_, moved.contacted_at),)
    voice = replace(voice_of(moved.report, round_), contacts=contacts, promise=promise)
    others = tuple(v for v in timeline.voices if v.report_id != voice.report_id)
    return replace(timeline, voices=(*others, voice))


def _home(timeline: Timeline, moved: MovedReport, at: datetime) -> Timeline:
    """A report that comes back to where it was promised something: as it went, and with a contact made meanwhile. One
    that was never here arrives."""
    known = next((v for v in timeline.voices if v.report_id == moved.report.report_id), None)
    if known is None:
        return _arrived(timeline, moved, at)
    contacts = known.contacts
    if moved.contacted_at is not None and not any(c.at == moved.contacted_at for c in contacts):
        contacts = (*contacts, Contact(timeline.rounds[-1].number, moved.contacted_at))
    return replace(timeline, voices=_with(timeline, replace(known, contacts=contacts, away=False)))


def _with(timeline: Timeline, voice: Voice) -> tuple[Voice, ...]:
    return tuple(voice if v.report_id == voice.report_id else v for v in timeline.voices)
