"""A special case as its clocks see it: what units committed to, folded out of its facts, and the clock of each.

| stage      | one for each                                 | starts                          | met by               |
|------------|----------------------------------------------|---------------------------------|----------------------|
| commitment | commitment, and each time it was sent back   | the meeting; the sending back   | its unit's answer    |

The due is what the meeting, or whoever sent it back, named; the warning comes after four fifths of the time. An answer
that is told late counts from when it was given. What is sent back has a time of its own: that the first answer was in
time, or late, stays as it was. A commitment that was withdrawn in time is cancelled, and stays missed if it was late.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas import facts
from schemas.facts import CaseFact, ClockView
from schemas.ids import clock_id_of
from schemas.vocabulary import ClockState, Stage
from services.supervision.rules.stages import Clock, set_to
from services.supervision.rules.timeline import Misplaced

MEETING_DUE = "meeting_due"  # the policy of a clock whose deadline a meeting set


class Asking(Struct, frozen=True, array_like=True, gc=False):
    """One time that a commitment was asked for."""

    start: datetime
    due: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class Commitment(Struct, frozen=True, array_like=True):
    """What one unit committed to, each time it was asked for."""

    commitment_id: UUID
    unit: str
    asked: tuple[Asking, ...]


class CaseTimeline(Struct, frozen=True, array_like=True):
    """What happened in a special case and when, never what is due."""

    case_id: UUID
    division: str
    opened_at: datetime
    commitments: tuple[Commitment, ...] = ()

    @property
    def aggregate_id(self) -> UUID:
        """Whose timeline it is."""
        return self.case_id

    @property
    def imported(self) -> bool:
        """Never: no past is imported of special cases."""
        return False


def fold_case(timeline: CaseTimeline | None, fact: CaseFact) -> CaseTimeline:
    """The timeline with one more fact; the very same object when the fact changes no clock. Raises Misplaced."""
    if isinstance(fact, facts.SpecialCaseOpened):
        if timeline is not None:
            raise Misplaced("a special case is opened once")
        return CaseTimeline(fact.case_id, fact.division, fact.occurred_at)
    if timeline is None:
        raise Misplaced(f"{type(fact).__name__} of a special case that is not open")
    step = _FOLDS.get(type(fact))
    return timeline if step is None else step(timeline, fact)


def case_clocks(timeline: CaseTimeline) -> list[Clock]:
    """The clocks of all commitments, in the order they were made."""
    found = []
    for one in timeline.commitments:
        for place, asking in enumerate(one.asked):
            span = set_to(asking.start, asking.due)
            view = ClockView(
                clock_id=clock_id_of(timeline.case_id, place + 1, Stage.COMMITMENT, str(one.commitment_id)),
                stage=Stage.COMMITMENT,
                owner=one.unit,
                start=asking.start,
                due=asking.due,
                state=_state(asking),
                policy=MEETING_DUE,
                round=place + 1,
            )
            found.append(Clock(view, span.warn_at))
    return found


def _state(asking: Asking) -> ClockState:
    if asking.answered_at is not None:
        return ClockState.MET if asking.answered_at <= asking.due else ClockState.MISSED
    if asking.ended_at is not None:
        return ClockState.MISSED if asking.due < asking.ended_at else ClockState.CANCELLED
    return ClockState.RUNNING


def _met(timeline: CaseTimeline, fact: facts.MeetingRecorded) -> CaseTimeline:
    new = tuple(Commitment(c.commitment_id, c.unit, (Asking(fact.occurred_at, c.due),)) for c in fact.commitments)
    return replace(timeline, commitments=(*timeline.commitments, *new)) if new else timeline


def _answered(timeline: CaseTimeline, fact: facts.CommitmentAnswered) -> CaseTimeline:
    return _last(timeline, fact.commitment_id, lambda asking: replace(asking, answered_at=fact.occurred_at))


def _withdrawn(timeline: CaseTimeline, fact: facts.CommitmentWithdrawn) -> CaseTimeline:
    return _last(timeline, fact.commitment_id, lambda asking: replace(asking, ended_at=fact.occurred_at))


def _sent_back(timeline: CaseTimeline, fact: facts.CommitmentSentBack) -> CaseTimeline:
    again = Asking(fact.occurred_at, fact.due)
    return _with(timeline, fact.commitment_id, lambda one: replace(one, asked=(*one.asked, again)))


def _last(timeline: CaseTimeline, commitment_id: UUID, change: Callable[[Asking], Asking]) -> CaseTimeline:
    """The newest time that it was asked for, changed."""
    return _with(timeline, commitment_id, lambda one: replace(one, asked=(*one.asked[:-1], change(one.asked[-1]))))


def _with(timeline: CaseTimeline, commitment_id: UUID, change: Callable[[Commitment], Commitment]) -> CaseTimeline:
    found = tuple(change(one) if one.commitment_id == commitment_id else one for one in timeline.commitments)
    return replace(timeline, commitments=found)


_FOLDS: dict[type[CaseFact], Callable[[CaseTimeline, Any], CaseTimeline]] = {
    facts.MeetingRecorded: _met,
    facts.CommitmentAnswered: _answered,
    facts.CommitmentWithdrawn: _withdrawn,
    facts.CommitmentSentBack: _sent_back,
}
MOVING = frozenset({facts.SpecialCaseOpened, *_FOLDS})
# Facts that move no clock.
STILL: frozenset[type[CaseFact]] = frozenset(
    {
        facts.SpecialCaseLinked,
        facts.SpecialCaseUnlinked,
        facts.CommitmentAccepted,
        facts.CommitmentRung,
        facts.SpecialCaseClosed,
    }
)
