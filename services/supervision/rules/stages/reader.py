"""The reader of one timeline: what every theme of stages adds its clocks to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from schemas.facts import ClockView
from schemas.ids import clock_id_of
from schemas.vocabulary import GRAVITY, ClockState, Stage, Urgency
from services.supervision.rules.asks import UNMOVED, Moved, moved
from services.supervision.rules.stages.promises import Asked, Clock, Promises, Span, set_to
from services.supervision.rules.timeline import Ask, Part, Round, Timeline

SOURCE_DUE = "source_due"  # the policy of a clock whose deadline the sending platform set
PARENT_DUE = "parent_due"  # one that the unit which passed the part on set
SET_BY_HAND = "set_by_hand"  # one that whoever opened a supervision set
REVIEW_DATE = "review_date"  # one on which a parked order is looked at again


class Reader:
    """Reads the clocks off one timeline; `found` are those read so far."""

    def __init__(self, timeline: Timeline, promises: Promises, known: datetime | None) -> None:
        self.of = timeline
        self.promises = promises
        self.ticket_type = timeline.voices[0].ticket_type if timeline.voices else None
        self.found: list[Clock] = []
        self._known = known

    def asked(self, round_: Round) -> Asked:
        """What the policy goes by for a clock of the order as a whole."""
        of = self.of
        return (of.source, self.ticket_type, of.class_key, of.urgency, of.tier, round_.number)

    def moved(self, stage: Stage, rounds: Sequence[Round], assignment: UUID | None = None) -> Moved:
        """What granted requests do to a clock of that stage."""
        if not self.of.asks:
            return UNMOVED
        return moved(self.of.asks, self._moves, stage, {round_.number for round_ in rounds}, assignment)

    def _moves(self, ask: Ask) -> frozenset[Stage]:
        return self.promises.version(self.of.opened_at, ask.decided_at or ask.made_at).moves(ask.kind)

    def add(
        self,
        asked: Asked | None,
        stage: Stage,
        round_: Round,
        owner: str,
        start: datetime,
        at: datetime | None,
        end: datetime | None,
        *,
        part: Part | None = None,
        report: UUID | None = None,
        sooner: tuple[datetime, str] | None = None,
        granted: Moved = UNMOVED,
        key: str = "",
    ) -> None:
        """The clock of a stage that runs from `start`, whose milestone came at `at` and whose reason ended at `end`;
        none when nothing is promised. `asked` is what the policy goes by; None where it has no say. A deadline that
        somebody set (`sooner`, with the name it goes by) counts where the policy has none or a later one. `granted` is
        what requests did to it; `key` names what it is for, when that is neither an assignment nor a report."""
        span, policy = (None, "") if asked is None else self._promised(asked, stage, owner, start, at, granted)
        if sooner is not None and (span is None or sooner[0] < span.due):
            span, policy = set_to(start, sooner[0]), sooner[1]
        if span is not None:
            state, still = self._state(span.due, at, end), granted.still_since
            if still is not None and at is None and end is None and still <= span.due:
                state = ClockState.PAUSED
            over = at is not None or end is not None
            self._clock(stage, round_, owner, start, span, state, policy, part, report, key, over, at)

    def _promised(
        self, asked: Asked, stage: Stage, owner: str, start: datetime, at: datetime | None, granted: Moved
    ) -> tuple[Span | None, str]:
        """What the policy promises, and by which row; of an order that was hurried on the way, the soonest of what each
        urgency promises since it holds."""
        best, policy = None, ""
        for urgency, since in _held(self.of, asked[3], start, at):
            version = self.promises.version(self.of.opened_at, since)
            limit = version.limits((*asked[:3], urgency, *asked[4:]), since).get(stage)
            if limit is not None:
                span = version.span(version.terms.bound(limit, owner), since, granted)
                if best is None or span.due < best.due:
                    best, policy = span, limit.limit_id
        return best, policy

    def _clock(
        self,
        stage: Stage,
        round_: Round,
        owner: str,
        start: datetime,
        span: Span,
        state: ClockState,
        policy: str,
        part: Part | None,
        report: UUID | None,
        key: str,
        over: bool,
        at: datetime | None,
    ) -> None:
        id_ = None if part is None else part.assignment_id
        of = key or str(id_ or report or "") + (f"/{part.stint}" if part is not None and part.stint else "")
        view = ClockView(
            clock_id=clock_id_of(self.of.order_id, round_.number, stage, of),
            stage=stage,
            owner=owner,
            start=start,
            due=span.due,
            state=state,
            policy=policy,
            round=round_.number,
            assignment_id=id_,
            report_id=report,
        )
        self.found.append(Clock(view, span.warn_at, span.unlisted, over, at))

    def _state(self, due: datetime, at: datetime | None, end: datetime | None) -> ClockState:
        if self.of.void:
            return ClockState.CANCELLED
        if at is not None:
            return ClockState.MET if at <= due else ClockState.MISSED
        if end is not None:
            return ClockState.MISSED if due < end and not self.of.imported else ClockState.CANCELLED
        if self._known is not None and due < self._known:
            return ClockState.MISSED
        return ClockState.RUNNING


def _held(
    timeline: Timeline, urgency: Urgency, start: datetime, at: datetime | None
) -> Sequence[tuple[Urgency, datetime]]:
    """Which urgencies count for a clock that runs from `start` to `at`, and since when each has held, or a graver one
    in its place, without a break. One that was taken back counts no more."""
    if not timeline.paces or urgency is not timeline.urgency:
        return ((urgency, start),)
    became = [*(pace.urgency for pace in timeline.paces[1:]), timeline.urgency]
    held = [(timeline.paces[0].urgency, start)]
    for pace, later in zip(timeline.paces, became, strict=True):
        if at is not None and pace.until >= at:
            break
        since = max(start, pace.until)
        while held and GRAVITY[held[-1][0]] > GRAVITY[later]:
            since = held.pop()[1]
        if not held or held[-1][0] is not later:
            held = [(later, start)] if since <= start else [*held, (later, since)]
    return held
