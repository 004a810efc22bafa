"""Which clocks an order has, since when, until when and how they stand: a pure function of its timeline and the terms.

| stage    | one for each | starts                                     | met by                                     |
|----------|--------------|--------------------------------------------|--------------------------------------------|
| triage   | order        | opening without a sure unit                | the decision: routed, rejected, passed on  |
| accept   | assignment   | the offer                                  | acceptance                                 |
| arrive   | assignment   | the offer                                  | arrival; "done" when nobody had to come    |
| handle   | assignment   | the offer (派遣): dawdling earns no time    | the unit's "done"                          |
| contact  | report       | its receipt, not before a unit leads       | a reporter reached by a unit               |
| verify   | order        | the result waits for its check             | the check, whatever it says                |
| callback | report       | the answer is approved                     | the reporter reached; at closing, any try  |
| total    | report       | its receipt; in a reopened round that      | the approved answer                        |

A failed check is rework: `contact` and `total` run on, the lead gets a `handle` of the new round. Of the computed
deadline of `total` and the sending platform's own, the earlier counts. What ends without being met is cancelled, unless
it was late already; an order entered in error (void) was never late. A stage without a policy row has no clock.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from schemas.city import City, ClassItem, Limit
from schemas.facts import ClockView
from schemas.ids import clock_id_of
from schemas.vocabulary import AssignmentRole, ClockState, Source, Stage, TicketType, Tier, Urgency
from services.supervision.rules.limits import LimitFacts, Terms
from services.supervision.rules.timeline import Part, Round, Timeline, Voice

SOURCE_DUE = "source_due"  # the policy of a clock whose deadline the sending platform set
SOURCE_WARN = 0.8


class Clock(Struct, frozen=True, gc=False):
    """One clock: what others see of it, when it warns, and the calendar if it had no published list for the span."""

    view: ClockView
    warn_at: datetime
    unlisted: str = ""


class Span(Struct, frozen=True, gc=False):
    """What a limit comes to from one start."""

    due: datetime
    warn_at: datetime
    unlisted: str


class Promises:
    """The terms of a city, with the majors of its classes, and a memory of the last answers: thousands of orders a
    second ask for the same few limits, often from the same moment."""

    REMEMBERED = 50_000

    def __init__(self, terms: Terms, classes: tuple[ClassItem, ...]) -> None:
        self._terms = terms
        self._majors = {item.key: item.major for item in classes}
        self._limits: dict[tuple[object, ...], Limit | None] = {}
        self._spans: dict[tuple[str, datetime], Span] = {}

    @classmethod
    def of(cls, city: City) -> "Promises":
        """The promises of a city pack."""
        return cls(Terms.of(city.policy, city.calendars), city.classes)

    def limit(
        self,
        stage: Stage,
        source: Source,
        ticket_type: TicketType | None,
        class_key: str,
        urgency: Urgency,
        tier: Tier,
        round_: int,
        start: datetime,
    ) -> Limit | None:
        """The policy row for a stage whose clock starts at `start`, or None when nothing is promised."""
        key = (stage, source, ticket_type, class_key, urgency, tier, round_, self._terms.phase(start))
        try:
            return self._limits[key]
        except KeyError:
            facts = LimitFacts(
                source=source,
                class_key=class_key,
                major=self._majors.get(class_key, ""),
                ticket_type=ticket_type,
                urgency=urgency,
                tier=tier,
                round=round_,
            )
            if len(self._limits) >= self.REMEMBERED:
                self._limits.clear()
            found = self._limits[key] = self._terms.limit_for(stage, facts, start)
            return found

    def span(self, limit: Limit, start: datetime) -> Span:
        """Deadline and warning of a limit that runs from `start`."""
        key = (limit.limit_id, start)
        found = self._spans.get(key)
        if found is None:
            due = self._terms.due(limit, start)
            calendar = self._terms.calendar_of(limit).data.name if due.unlisted else ""
            found = Span(due.at, self._terms.warn_at(limit, start, due.at), calendar)
            if len(self._spans) >= self.REMEMBERED:
                self._spans.clear()
            self._spans[key] = found
        return found


def clocks(timeline: Timeline, promises: Promises, known: datetime | None = None) -> tuple[Clock, ...]:
    """All clocks of an order, in the order of its rounds. `known`: every fact recorded before it is in the timeline,
    so what was due before it and is not met is missed; None leaves it running until that is certain."""
    return tuple(_Reader(timeline, promises, known).read())


class _Reader:
    def __init__(self, timeline: Timeline, promises: Promises, known: datetime | None) -> None:
        self._of = timeline
        self._promises = promises
        self._known = known
        self._ticket_type = timeline.voices[0].ticket_type if timeline.voices else None

    def read(self) -> Iterator[Clock]:
        timeline = self._of
        yield from self._triage()
        for round_ in timeline.rounds:
            for part in timeline.parts:
                if part.round == round_.number:
                    yield from self._of_part(part, round_)
            yield from self._verify(round_)
            for voice in timeline.voices:
                if voice.round <= round_.number:
                    yield from self._of_voice(voice, round_)

    def _triage(self) -> Iterator[Clock]:
        if (start := self._of.triage_from) is not None:
            first = self._of.rounds[0]
            yield from self._for_order(Stage.TRIAGE, first, self._of.lead, start, self._of.decided_at, first.ended_at)

    def _of_part(self, part: Part, round_: Round) -> Iterator[Clock]:
        ends = [at for at in (part.ended_at, round_.ended_at) if at is not None]
        if round_.ended_at is None and round_ is not self._of.rounds[-1]:
            ends.append(self._after(round_).started_at)
        end = min(ends) if ends else None
        milestones = [(Stage.ARRIVE, part.arrived_at or part.done_at), (Stage.HANDLE, part.done_at)]
        if not part.resumed:
            milestones.insert(0, (Stage.ACCEPT, part.accepted_at or part.done_at))
        for stage, at in milestones:
            limit = self._limit(stage, part.class_key, part.tier, round_, part.offered_at)
            if limit is not None:
                span = self._promises.span(limit, part.offered_at)
                state = self._state(span.due, at, end)
                yield self._clock(
                    stage, round_, part.unit, part.offered_at, span, state, limit.limit_id, part=part.assignment_id
                )

    def _after(self, round_: Round) -> Round:
        return self._of.rounds[self._of.rounds.index(round_) + 1]

    def _verify(self, round_: Round) -> Iterator[Clock]:
        if (start := round_.verify_from) is not None:
            yield from self._for_order(
                Stage.VERIFY, round_, self._of.centre, start, round_.verified_at, round_.ended_at or round_.answered_at
            )

    def _for_order(
        self, stage: Stage, round_: Round, owner: str, start: datetime, at: datetime | None, end: datetime | None
    ) -> Iterator[Clock]:
        limit = self._limit(stage, self._of.class_key, self._of.tier, round_, start)
        if limit is not None:
            span = self._promises.span(limit, start)
            yield self._clock(stage, round_, owner, start, span, self._state(span.due, at, end), limit.limit_id)

    def _of_voice(self, voice: Voice, round_: Round) -> Iterator[Clock]:
        if not round_.rework or voice.round == round_.number:
            yield from self._total(voice, round_)
            yield from self._contact(voice, round_)
        if round_.callback_from is not None:
            yield from self._callback(voice, round_)

    def _total(self, voice: Voice, round_: Round) -> Iterator[Clock]:
        start = voice.received_at if voice.round == round_.number else round_.started_at
        source_due = voice.source_due if voice.round == round_.number else None
        limit = self._limit(Stage.TOTAL, self._of.class_key, self._of.tier, round_, start, voice)
        span = self._promises.span(limit, start) if limit is not None else None
        policy = limit.limit_id if limit is not None else SOURCE_DUE
        if source_due is not None and (span is None or source_due < span.due):
            span, policy = _sent_with(start, source_due), SOURCE_DUE
        if span is None:
            return
        run = self._run_from(round_)
        answered = next((lap.answered_at for lap in run if lap.answered_at is not None), None)
        if answered is not None and answered < start:  # a report that joined after the answer was given
            answered = next((lap.ended_at for lap in run if lap.ended_at is not None), None)
        state = self._state(span.due, answered, run[-1].ended_at)
        yield self._clock(Stage.TOTAL, round_, self._of.top, start, span, state, policy, report=voice.report_id)

    def _contact(self, voice: Voice, round_: Round) -> Iterator[Clock]:
        run = self._run_from(round_)
        numbers = {lap.number for lap in run}
        led = [p.offered_at for p in self._of.parts if p.round in numbers and p.role is AssignmentRole.LEAD]
        if not led:
            return
        since = voice.received_at if voice.round == round_.number else round_.started_at
        start = max(since, min(led))
        limit = self._limit(Stage.CONTACT, self._of.class_key, self._of.tier, round_, start, voice)
        if limit is None:
            return
        span = self._promises.span(limit, start)
        at = min((contact.at for contact in voice.contacts if contact.round in numbers), default=None)
        state = self._state(span.due, at, run[-1].ended_at)
        yield self._clock(
            Stage.CONTACT, round_, self._of.lead, start, span, state, limit.limit_id, report=voice.report_id
        )

    def _callback(self, voice: Voice, round_: Round) -> Iterator[Clock]:
        if round_.callback_from is None:
            return
        start = max(voice.received_at, round_.callback_from)
        limit = self._limit(Stage.CALLBACK, self._of.class_key, self._of.tier, round_, start, voice)
        if limit is None:
            return
        span = self._promises.span(limit, start)
        calls = [call for call in voice.callbacks if call.round == round_.number]
        at = min((call.at for call in calls if call.reached), default=None)
        if at is None and calls and round_.ended_at is not None:
            at = max(call.at for call in calls)
        state = self._state(span.due, at, round_.ended_at)
        yield self._clock(
            Stage.CALLBACK, round_, self._of.centre, start, span, state, limit.limit_id, report=voice.report_id
        )

    def _run_from(self, round_: Round) -> list[Round]:
        """A round with the rework that followed it: one promise."""
        if len(self._of.rounds) == 1:
            return [round_]
        run = [round_]
        for later in self._of.rounds[self._of.rounds.index(round_) + 1 :]:
            if not later.rework:
                break
            run.append(later)
        return run

    def _limit(
        self, stage: Stage, class_key: str, tier: Tier, round_: Round, start: datetime, voice: Voice | None = None
    ) -> Limit | None:
        source, ticket_type = self._of.source, self._ticket_type
        if voice is not None:
            source, ticket_type = voice.source, voice.ticket_type
        return self._promises.limit(stage, source, ticket_type, class_key, self._of.urgency, tier, round_.number, start)

    def _state(self, due: datetime, at: datetime | None, end: datetime | None) -> ClockState:
        """How a clock stands whose milestone came at `at` and whose stage ended at `end`."""
        if self._of.void:
            return ClockState.CANCELLED
        if at is not None:
            return ClockState.MET if at <= due else ClockState.MISSED
        if end is not None:
            return ClockState.MISSED if due < end and not self._of.imported else ClockState.CANCELLED
        if self._known is not None and due < self._known:
            return ClockState.MISSED
        return ClockState.RUNNING

    def _clock(
        self,
        stage: Stage,
        round_: Round,
        owner: str,
        start: datetime,
        span: Span,
        state: ClockState,
        policy: str,
        *,
        part: UUID | None = None,
        report: UUID | None = None,
    ) -> Clock:
        subject = part or report
        view = ClockView(
            clock_id=clock_id_of(self._of.order_id, round_.number, stage, str(subject) if subject else ""),
            stage=stage,
            owner=owner,
            start=start,
            due=span.due,
            state=state,
            policy=policy,
            round=round_.number,
            assignment_id=part,
            report_id=report,
        )
        return Clock(view, span.warn_at, span.unlisted)


def _sent_with(start: datetime, source_due: datetime) -> Span:
    """The span of a deadline that came with the report: real time, and the warning after four fifths of it."""
    spent: timedelta = (source_due - start) * SOURCE_WARN
    return Span(source_due, min(max(start, start + spent), source_due), "")
