"""Finished, checked, called back, closed, reopened."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from schemas.facts import (
    AssignmentConfirmed,
    AssignmentDone,
    CallbackRecorded,
    OrderClosed,
    OrderConcluded,
    OrderFact,
    OrderReopened,
    RatingReceived,
    ReopeningDismissed,
    RepeatAnswered,
    VerificationRecorded,
)
from schemas.vocabulary import AssignmentRole, CallKind
from services.supervision.rules.timeline.folding import on, over, parts_of, with_part, with_round
from services.supervision.rules.timeline.shape import Callback, Round, Timeline

STILL: tuple[type[OrderFact], ...] = (AssignmentConfirmed, ReopeningDismissed, OrderConcluded, RepeatAnswered)


@on(AssignmentDone)
def _done(timeline: Timeline, fact: AssignmentDone) -> Timeline:
    return with_part(timeline, fact.assignment_id, lambda part: replace(part, done_at=part.done_at or fact.occurred_at))


@on(VerificationRecorded)
def _verified(timeline: Timeline, fact: VerificationRecorded) -> Timeline:
    now, at = timeline.rounds[-1], fact.occurred_at
    timeline = with_round(timeline, replace(now, verified_at=now.verified_at or at))
    if fact.passed:
        return timeline
    number = max(fact.round, now.number + 1)
    again = tuple(
        replace(
            part,
            round=number,
            class_key=timeline.class_key,
            offered_at=at,
            arrived_at=None,
            done_at=None,
            resumed=True,
            due=None,
        )
        for part in timeline.parts
        if part.round == now.number and part.role is AssignmentRole.LEAD and part.ended_at is None
    )
    rounds = (*timeline.rounds, Round(number, at, rework=True))
    return replace(timeline, parts=(*timeline.parts, *again), rounds=rounds)


@on(CallbackRecorded)
def _called_back(timeline: Timeline, fact: CallbackRecorded) -> Timeline:
    """Only the centre's call is its duty done: by reaching the reporter, or by the last attempt that was due."""
    if fact.kind is not CallKind.CENTRE:
        return timeline
    return _heard(timeline, fact.report_id, fact.occurred_at, fact.reached or fact.unrated)


@on(RatingReceived)
def _rated(timeline: Timeline, fact: RatingReceived) -> Timeline:
    """Whoever rates by himself while the order waits for his call need not be called."""
    if timeline.rounds[-1].ended_at is not None:
        return timeline
    return _heard(timeline, fact.report_id, fact.occurred_at, True)


def _heard(timeline: Timeline, report_id: UUID, at: datetime, settled: bool) -> Timeline:
    callback = Callback(timeline.rounds[-1].number, at, settled)
    voices = tuple(
        replace(voice, callbacks=(*voice.callbacks, callback)) if voice.report_id == report_id else voice
        for voice in timeline.voices
    )
    return replace(timeline, voices=voices)


@on(OrderClosed)
def _closed(timeline: Timeline, fact: OrderClosed) -> Timeline:
    now, at = timeline.rounds[-1], fact.occurred_at
    timeline = over(with_round(timeline, replace(now, answered_at=now.answered_at or at)), at)
    if not timeline.imported:
        return timeline
    # An imported past knows one closing and nothing in between: it is also when the lead was done.
    parts = tuple(
        replace(part, done_at=part.done_at or at) if part.role is AssignmentRole.LEAD else part
        for part in timeline.parts
    )
    return replace(timeline, parts=parts)


@on(OrderReopened)
def _reopened(timeline: Timeline, fact: OrderReopened) -> Timeline:
    number = max(fact.round, timeline.rounds[-1].number + 1)
    new = parts_of(fact.assignments, number, timeline.class_key, fact.occurred_at)
    timeline = over(timeline, fact.occurred_at)
    rounds = (*timeline.rounds, Round(number, fact.occurred_at))
    return replace(timeline, parts=(*timeline.parts, *new), rounds=rounds)
