"""The facts of one order that clocks need, folded one after the other into a compact value.

A timeline holds what happened and when it happened (`occurred_at`), never what is due: deadlines follow from it, the
policy and the calendars (`stages`), so a new policy is a recompute and not a repair.

A **round** begins with the order, with a failed check (rework: the promise to the reporters runs on) and with a
reopening (a promise of its own).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas.facts import (
    ArrivedOnSite,
    AssignmentAccepted,
    AssignmentConfirmed,
    AssignmentDone,
    AssignmentOffer,
    AssignmentWithdrawn,
    CallbackRecorded,
    ContactMade,
    Hop,
    OrderClosed,
    OrderFact,
    OrderOpened,
    OrderRejected,
    OrderReopened,
    OrderRouted,
    OrderTransferred,
    OrderVoided,
    ProgressNoted,
    ReportJoined,
    ReportStub,
    Supervised,
    Urged,
    VerificationRecorded,
)
from schemas.vocabulary import AssignmentRole, OrderStatus, Source, TicketType, Tier, Urgency


class Part(Struct, frozen=True, array_like=True, gc=False):
    """One unit's part of an order in one round, with the class it was given under. `resumed`: taken up again after a
    failed check, so there is nothing to accept."""

    assignment_id: UUID
    unit: str
    role: AssignmentRole
    tier: Tier
    round: int
    class_key: str
    offered_at: datetime
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    done_at: datetime | None = None
    ended_at: datetime | None = None
    resumed: bool = False


class Contact(Struct, frozen=True, array_like=True, gc=False):
    """A reporter was reached by a unit in a round."""

    round: int
    at: datetime


class Callback(Struct, frozen=True, array_like=True, gc=False):
    """The centre called a reporter in a round."""

    round: int
    at: datetime
    reached: bool


class Voice(Struct, frozen=True, array_like=True):
    """One report on the order: the promise made to whoever sent it, counted from its own receipt. `round` is the one
    it came in."""

    report_id: UUID
    source: Source
    ticket_type: TicketType | None
    received_at: datetime
    source_due: datetime | None
    round: int
    contacts: tuple[Contact, ...] = ()
    callbacks: tuple[Callback, ...] = ()


class Round(Struct, frozen=True, array_like=True, gc=False):
    """One round. `verify_from` and `callback_from`: since when the result waits for its check or its call-backs;
    `answered_at`: when the answer was approved; `ended_at`: closed, or gone any other way."""

    number: int
    started_at: datetime
    rework: bool = False
    verify_from: datetime | None = None
    verified_at: datetime | None = None
    callback_from: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class Timeline(Struct, frozen=True, array_like=True):
    """One order as its clocks see it. `top` is the first unit of the path, `centre` the last one before the lead;
    `triage_from` and `decided_at` frame the decision of a triage."""

    order_id: UUID
    source: Source
    class_key: str
    urgency: Urgency
    division: str
    tier: Tier
    lead: str
    top: str
    centre: str
    opened_at: datetime
    parts: tuple[Part, ...]
    voices: tuple[Voice, ...]
    rounds: tuple[Round, ...]
    triage_from: datetime | None = None
    decided_at: datetime | None = None
    imported: bool = False
    void: bool = False


class Misplaced(ValueError):
    """A fact that cannot stand where its number puts it: the first must open the order, no other may."""


# Facts that move no clock. Every other one has its step below, so that none is forgotten (tests/contracts).
STILL: frozenset[type[OrderFact]] = frozenset({ProgressNoted, AssignmentConfirmed, Urged, Supervised})
_RANK = {tier: rank for rank, tier in enumerate(Tier)}
F = TypeVar("F", bound=OrderFact)
_FOLDS: dict[type[OrderFact], Callable[[Timeline, Any], Timeline]] = {}


def fold(timeline: Timeline | None, fact: OrderFact) -> Timeline:
    """The timeline with one more fact, the one that follows by `seq`. The very same object when the fact changes no
    clock. Raises Misplaced."""
    if isinstance(fact, OrderOpened):
        if timeline is not None:
            raise Misplaced("an order is opened once")
        return _opened(fact)
    if timeline is None:
        raise Misplaced(f"{type(fact).__name__} of an order that is not open")
    step = _FOLDS.get(type(fact))
    if step is not None:
        timeline = step(timeline, fact)
    return _moved_on(timeline, fact)


def moving() -> frozenset[type[OrderFact]]:
    """The facts that clocks are computed from."""
    return frozenset({OrderOpened, *_FOLDS})


def _on(kind: type[F]) -> Callable[[Callable[[Timeline, F], Timeline]], Callable[[Timeline, F], Timeline]]:
    def keep(step: Callable[[Timeline, F], Timeline]) -> Callable[[Timeline, F], Timeline]:
        _FOLDS[kind] = step
        return step

    return keep


def _opened(fact: OrderOpened) -> Timeline:
    at = fact.occurred_at
    in_triage = fact.status is OrderStatus.TRIAGE
    top, centre = _above(fact.path, fact.lead)
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
        parts=_parts(fact.assignments, fact.round, fact.class_ref.key, at),
        voices=tuple(_voice(report, fact.round) for report in fact.reports),
        rounds=(Round(fact.round, at),),
        triage_from=at if in_triage else None,
        imported=fact.imported,
    )


def _above(path: tuple[Hop, ...], lead: str) -> tuple[str, str]:
    """The top unit of a path, and the last one above the tier where it ends: the centre that dispatched the lead."""
    if not path:
        return lead, lead
    rank = _RANK[path[-1].tier]
    return path[0].unit, next((hop.unit for hop in reversed(path) if _RANK[hop.tier] < rank), path[0].unit)


def _parts(offers: tuple[AssignmentOffer, ...], round_: int, class_key: str, at: datetime) -> tuple[Part, ...]:
    return tuple(Part(o.assignment_id, o.unit, o.role, o.tier, round_, class_key, at) for o in offers)


def _voice(report: ReportStub, round_: int) -> Voice:
    return Voice(report.report_id, report.source, report.ticket_type, report.received_at, report.source_due, round_)


def _moved_on(timeline: Timeline, fact: OrderFact) -> Timeline:
    """What the order's new status says about its current round."""
    now, at, status = timeline.rounds[-1], fact.occurred_at, fact.status
    if status is OrderStatus.VERIFYING and now.verify_from is None:
        return _with_round(timeline, replace(now, verify_from=at))
    if status is OrderStatus.CALLBACK and now.callback_from is None:
        return _with_round(timeline, replace(now, callback_from=at, answered_at=now.answered_at or at))
    return timeline


def _with_round(timeline: Timeline, round_: Round) -> Timeline:
    return replace(timeline, rounds=(*timeline.rounds[:-1], round_))


def _over(timeline: Timeline, at: datetime) -> Timeline:
    """The current round has ended, unless it had before."""
    now = timeline.rounds[-1]
    return timeline if now.ended_at is not None else _with_round(timeline, replace(now, ended_at=at))


def _with_part(timeline: Timeline, assignment_id: UUID, change: Callable[[Part], Part]) -> Timeline:
    """The newest round of that assignment, changed."""
    for place in range(len(timeline.parts) - 1, -1, -1):
        part = timeline.parts[place]
        if part.assignment_id == assignment_id:
            parts = (*timeline.parts[:place], change(part), *timeline.parts[place + 1 :])
            return replace(timeline, parts=parts)
    return timeline


@_on(ReportJoined)
def _joined(timeline: Timeline, fact: ReportJoined) -> Timeline:
    if any(voice.report_id == fact.report.report_id for voice in timeline.voices):
        return timeline
    return replace(timeline, voices=(*timeline.voices, _voice(fact.report, timeline.rounds[-1].number)))


@_on(OrderRouted)
def _routed(timeline: Timeline, fact: OrderRouted) -> Timeline:
    at, gone = fact.occurred_at, set(fact.withdrawn)
    top, centre = _above(fact.path, fact.lead)
    offered = {offer.assignment_id: offer for offer in fact.assignments}
    kept = []
    for part in timeline.parts:
        again = offered.pop(part.assignment_id, None)
        if part.assignment_id in gone:
            part = _ended(part, at)
        elif again is not None and again.role is not part.role:
            part = replace(part, role=again.role)
        kept.append(part)
    new = _parts(tuple(offered.values()), timeline.rounds[-1].number, fact.class_ref.key, at)
    return replace(
        timeline,
        class_key=fact.class_ref.key,
        division=fact.place.division,
        tier=fact.path[-1].tier if fact.path else timeline.tier,
        lead=fact.lead,
        top=top,
        centre=centre,
        parts=(*kept, *new),
        decided_at=timeline.decided_at or at if timeline.triage_from else timeline.decided_at,
    )


def _ended(part: Part, at: datetime) -> Part:
    return part if part.ended_at is not None else replace(part, ended_at=at)


@_on(AssignmentAccepted)
def _accepted(timeline: Timeline, fact: AssignmentAccepted) -> Timeline:
    def accept(part: Part) -> Part:
        return replace(part, accepted_at=part.accepted_at or fact.occurred_at, role=fact.role)

    if fact.role is AssignmentRole.LEAD:  # several were told at once: the first to accept leads, who led assists
        parts = tuple(
            replace(part, role=AssignmentRole.ASSIST)
            if part.role is AssignmentRole.LEAD and part.assignment_id != fact.assignment_id and part.ended_at is None
            else part
            for part in timeline.parts
        )
        timeline = replace(timeline, parts=parts, lead=fact.lead)
    return _with_part(timeline, fact.assignment_id, accept)


@_on(ContactMade)
def _contacted(timeline: Timeline, fact: ContactMade) -> Timeline:
    if not fact.reached:
        return timeline
    contact = Contact(timeline.rounds[-1].number, fact.occurred_at)
    voices = tuple(
        replace(voice, contacts=(*voice.contacts, contact)) if fact.report_id in (None, voice.report_id) else voice
        for voice in timeline.voices
    )
    return replace(timeline, voices=voices)


@_on(ArrivedOnSite)
def _arrived(timeline: Timeline, fact: ArrivedOnSite) -> Timeline:
    return _with_part(
        timeline, fact.assignment_id, lambda part: replace(part, arrived_at=part.arrived_at or fact.occurred_at)
    )


@_on(AssignmentDone)
def _done(timeline: Timeline, fact: AssignmentDone) -> Timeline:
    return _with_part(
        timeline, fact.assignment_id, lambda part: replace(part, done_at=part.done_at or fact.occurred_at)
    )


@_on(AssignmentWithdrawn)
def _withdrawn(timeline: Timeline, fact: AssignmentWithdrawn) -> Timeline:
    return _with_part(timeline, fact.assignment_id, lambda part: _ended(part, fact.occurred_at))


@_on(VerificationRecorded)
def _verified(timeline: Timeline, fact: VerificationRecorded) -> Timeline:
    now, at = timeline.rounds[-1], fact.occurred_at
    timeline = _with_round(timeline, replace(now, verified_at=now.verified_at or at))
    if fact.passed:
        return timeline
    number = max(fact.round, now.number + 1)
    again = tuple(
        replace(
            part, round=number, class_key=timeline.class_key, offered_at=at, arrived_at=None, done_at=None, resumed=True
        )
        for part in timeline.parts
        if part.round == now.number and part.role is AssignmentRole.LEAD and part.ended_at is None
    )
    rounds = (*timeline.rounds, Round(number, at, rework=True))
    return replace(timeline, parts=(*timeline.parts, *again), rounds=rounds)


@_on(CallbackRecorded)
def _called_back(timeline: Timeline, fact: CallbackRecorded) -> Timeline:
    callback = Callback(timeline.rounds[-1].number, fact.occurred_at, fact.reached)
    voices = tuple(
        replace(voice, callbacks=(*voice.callbacks, callback)) if voice.report_id == fact.report_id else voice
        for voice in timeline.voices
    )
    return replace(timeline, voices=voices)


@_on(OrderClosed)
def _closed(timeline: Timeline, fact: OrderClosed) -> Timeline:
    now, at = timeline.rounds[-1], fact.occurred_at
    timeline = _over(_with_round(timeline, replace(now, answered_at=now.answered_at or at)), at)
    if not timeline.imported:
        return timeline
    # An imported past knows one closing and nothing in between: it is also when the lead was done.
    parts = tuple(
        replace(part, done_at=part.done_at or at) if part.role is AssignmentRole.LEAD else part
        for part in timeline.parts
    )
    return replace(timeline, parts=parts)


@_on(OrderReopened)
def _reopened(timeline: Timeline, fact: OrderReopened) -> Timeline:
    number = max(fact.round, timeline.rounds[-1].number + 1)
    new = _parts(fact.assignments, number, timeline.class_key, fact.occurred_at)
    timeline = _over(timeline, fact.occurred_at)
    rounds = (*timeline.rounds, Round(number, fact.occurred_at))
    return replace(timeline, parts=(*timeline.parts, *new), rounds=rounds)


@_on(OrderRejected)
def _rejected(timeline: Timeline, fact: OrderRejected) -> Timeline:
    return _gone(timeline, fact)


@_on(OrderTransferred)
def _transferred(timeline: Timeline, fact: OrderTransferred) -> Timeline:
    return _gone(timeline, fact)


@_on(OrderVoided)
def _voided(timeline: Timeline, fact: OrderVoided) -> Timeline:
    return replace(_gone(timeline, fact), void=True)


def _gone(timeline: Timeline, fact: OrderFact) -> Timeline:
    """Decided, in a triage, and ended."""
    at = fact.occurred_at
    timeline = _over(timeline, at)
    if timeline.triage_from is not None and timeline.decided_at is None:
        timeline = replace(timeline, decided_at=at)
    return timeline
