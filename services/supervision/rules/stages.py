"""Which clocks an order has, since when, until when and how they stand: a pure function of its timeline and the terms.

| stage    | one for each | starts                                     | met by                                     |
|----------|--------------|--------------------------------------------|--------------------------------------------|
| triage   | order        | opening without a sure unit                | the decision: routed, rejected, passed on  |
| accept   | assignment   | the offer                                  | acceptance                                 |
| arrive   | assignment   | the offer                                  | arrival; being done ends it                |
| handle   | assignment   | the offer (派遣): dawdling earns no time    | the unit's "done"                          |
| contact  | report       | its receipt, not before a unit leads       | a reporter reached by a unit               |
| verify   | order        | the result waits for its check             | the check, whatever it says                |
| callback | report       | the answer is approved                     | reached, rated or 未评价; at closing, any try |
| sign     | hand-over    | another platform is asked                  | a named person there signs; going back ends|
| decide   | request, for | when it came before that centre            | the decision; the centre above takes over  |
|          | each centre  |                                            |                                            |
| decide   | parking      | the parking; due on its review date        | the order going on, or parked anew         |
| total    | report       | its receipt; in a reopened round that      | the approved answer                        |

A request moves no clock until it is granted. Then, of the stages that the policy names for its kind: an extension sets
a new end for its unit's `handle` and the reporters' `total`; a deferral and a parking make clocks stand still, a
deferral until its date, a parking until the order goes on. No `total` is moved past the sending platform's own due.

An order that becomes more urgent has, from then on, no more time than one that begins so; what was promised before, and
is sooner, stays. One that becomes less urgent has as long as if it had never been more urgent than that.

A part that was passed on has clocks of its own, its handling the sooner of the policy's deadline and its parent's; the
parent's run on. An assist that becomes the lead starts anew from that moment.

A failed check is rework: `contact` and `total` run on, the lead gets a `handle` of the new round. Of the computed
deadline of `total` and the sending platform's own, the earlier counts. What ends without being met is cancelled, unless
it was late already; an order entered in error (void) was never late. A stage without a policy row has no clock.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from schemas.city import City, ClassItem, Limit
from schemas.facts import ClockView
from schemas.ids import clock_id_of
from schemas.vocabulary import GRAVITY, ClockState, RequestKind, Source, Stage, TicketType, Tier, Urgency
from services.supervision.rules.asks import UNMOVED, Moved, moved, reviewed_at
from services.supervision.rules.clock import prolonged
from services.supervision.rules.limits import LimitFacts, Terms
from services.supervision.rules.timeline import Ask, Handover, Part, Round, Timeline, Voice

SOURCE_DUE = "source_due"  # the policy of a clock whose deadline the sending platform set
PARENT_DUE = "parent_due"  # one that the unit which passed the part on set
REVIEW_DATE = "review_date"  # one on which a parked order is looked at again
SET_WARN = 0.8


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


# What a policy row is chosen by: source, ticket type, class key, urgency, tier, round.
Asked = tuple[Source, TicketType | None, str, Urgency, Tier, int]


class Promises:
    """The terms of a city, with the majors of its classes, and a memory of the last answers: thousands of orders a
    second ask for the same few limits, often from the same moment."""

    REMEMBERED = 50_000

    def __init__(self, terms: Terms, classes: tuple[ClassItem, ...]) -> None:
        self._terms = terms
        self._majors = {item.key: item.major for item in classes}
        self._moves = {rule.kind: frozenset(rule.moves) for rule in terms.policy.requests}
        self._limits: dict[tuple[int, Asked], dict[Stage, Limit]] = {}
        self._spans: dict[tuple[str, datetime], Span] = {}

    @classmethod
    def of(cls, city: City) -> "Promises":
        """The promises of a city pack."""
        return cls(Terms.of(city.policy, city.calendars), city.classes)

    def limits(self, asked: Asked, start: datetime) -> dict[Stage, Limit]:
        """The policy rows for clocks that start then, by stage; a stage without one promises nothing."""
        key = (self._terms.phase(start), asked)
        found = self._limits.get(key)
        if found is None:
            source, ticket_type, class_key, urgency, tier, round_ = asked
            facts = LimitFacts(
                source=source,
                class_key=class_key,
                major=self._majors.get(class_key, ""),
                ticket_type=ticket_type,
                urgency=urgency,
                tier=tier,
                round=round_,
            )
            rows = ((stage, self._terms.limit_for(stage, facts, start)) for stage in Stage)
            if len(self._limits) >= self.REMEMBERED:
                self._limits.clear()
            found = self._limits[key] = {stage: limit for stage, limit in rows if limit is not None}
        return found

    def moves(self, kind: RequestKind) -> frozenset[Stage]:
        """The stages whose clocks a granted request of this kind moves."""
        return self._moves[kind]

    def span(self, limit: Limit, start: datetime, granted: Moved = UNMOVED) -> Span:
        """Deadline and warning of a limit that runs from `start`, as granted requests moved it: never earlier."""
        if granted is not UNMOVED:
            due = self._terms.due(limit, start, granted.pauses)
            at = max(due.at, granted.latest_end() or due.at)
            calendar = self._terms.calendar_of(limit).data.name if due.unlisted else ""
            return Span(at, self._terms.warn_at(limit, start, at, granted.pauses), calendar)
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


def clocks(timeline: Timeline, promises: Promises, known: datetime | None = None) -> list[Clock]:
    """All clocks of an order, in the order of its rounds. `known`: every fact recorded before it is in the timeline,
    so what was due before it and is not met is missed; None leaves it running until that is certain."""
    return _Reader(timeline, promises, known).read()


class _Reader:
    """Reads the clocks off one timeline."""

    def __init__(self, timeline: Timeline, promises: Promises, known: datetime | None) -> None:
        self._of = timeline
        self._promises = promises
        self._known = known
        self._ticket_type = timeline.voices[0].ticket_type if timeline.voices else None
        self._found: list[Clock] = []

    def read(self) -> list[Clock]:
        timeline = self._of
        if timeline.triage_from is not None:
            first = timeline.rounds[0]
            self._for_order(
                Stage.TRIAGE, first, timeline.lead, timeline.triage_from, timeline.decided_at, first.ended_at
            )
        for place, round_ in enumerate(timeline.rounds):
            for part in timeline.parts:
                if part.round == round_.number:
                    self._of_part(part, round_, place)
            if round_.verify_from is not None:
                end = round_.ended_at or round_.answered_at
                self._for_order(Stage.VERIFY, round_, timeline.centre, round_.verify_from, round_.verified_at, end)
            for asked in timeline.handovers:
                if asked.round == round_.number:
                    self._of_handover(asked, round_)
            for ask in timeline.asks:
                if ask.round == round_.number:
                    self._of_ask(ask, round_)
            run = _run_from(timeline.rounds, place)
            for voice in timeline.voices:
                if voice.round <= round_.number and not voice.away:
                    self._of_voice(voice, round_, run)
        return self._found

    def _of_part(self, part: Part, round_: Round, place: int) -> None:
        end = round_.ended_at
        if end is None and place + 1 < len(self._of.rounds):
            end = self._of.rounds[place + 1].started_at
        if part.ended_at is not None and (end is None or part.ended_at < end):
            end = part.ended_at
        asked = (self._of.source, self._ticket_type, part.class_key, self._of.urgency, part.tier, round_.number)
        over = part.done_at or end  # whoever is done has nothing left to accept, and nowhere to go
        stages = [(Stage.ARRIVE, part.arrived_at, over), (Stage.HANDLE, part.done_at, end)]
        if not part.resumed:
            stages.insert(0, (Stage.ACCEPT, part.accepted_at, over))
        for stage, at, until in stages:
            granted, sooner = self._moved(stage, (round_,), part.assignment_id), None
            if stage is Stage.HANDLE and part.due is not None:
                sooner = (prolonged(part.due, part.offered_at, granted.pauses), PARENT_DUE)
            start = part.offered_at
            self._add(asked, stage, round_, part.unit, start, at, until, part=part, sooner=sooner, granted=granted)

    def _moved(self, stage: Stage, rounds: Sequence[Round], assignment: UUID | None = None) -> Moved:
        if not self._of.asks:
            return UNMOVED
        return moved(self._of.asks, self._promises.moves, stage, {round_.number for round_ in rounds}, assignment)

    def _of_ask(self, ask: Ask, round_: Round) -> None:
        """A clock for each centre that a request lies before, and one until the review of what was parked."""
        timeline = self._of
        asked = (timeline.source, self._ticket_type, timeline.class_key, timeline.urgency, timeline.tier, round_.number)
        for level, turn in enumerate(ask.turns):
            last = level + 1 == len(ask.turns)
            end = ask.lapsed_at if last else ask.turns[level + 1].since
            at = ask.decided_at if last else None
            key = f"{ask.request_id}/{level}"
            self._add(asked, Stage.DECIDE, round_, turn.decider, turn.since, at, end, key=key)
        if ask.parks and ask.decided_at and ask.until:
            at, end = reviewed_at(timeline.asks, ask), timeline.rounds[-1].ended_at
            owner, review = ask.turns[-1].decider, (ask.until, REVIEW_DATE)
            key = f"{ask.request_id}/review"
            self._add(None, Stage.DECIDE, round_, owner, ask.decided_at, at, end, sooner=review, key=key)

    def _for_order(
        self, stage: Stage, round_: Round, owner: str, start: datetime, at: datetime | None, end: datetime | None
    ) -> None:
        timeline = self._of
        asked = (timeline.source, self._ticket_type, timeline.class_key, timeline.urgency, timeline.tier, round_.number)
        self._add(asked, stage, round_, owner, start, at, end)

    def _of_handover(self, handover: Handover, round_: Round) -> None:
        """The other platform's time to sign; the sender's own clocks run on meanwhile."""
        timeline, start = self._of, handover.offered_at
        asked = (timeline.source, self._ticket_type, timeline.class_key, timeline.urgency, timeline.tier, round_.number)
        end, key = handover.ended_at or round_.ended_at, str(handover.handover_id)
        self._add(asked, Stage.SIGN, round_, handover.platform, start, handover.signed_at, end, key=key)

    def _of_voice(self, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
        timeline = self._of
        asked = (voice.source, voice.ticket_type, timeline.class_key, timeline.urgency, timeline.tier, round_.number)
        brought = voice.promise if voice.round == round_.number else None
        if brought is not None:  # a promise made elsewhere is kept here as it was made
            asked = (*asked[:2], brought.class_key, brought.urgency, brought.tier, brought.round)
        if not round_.rework or voice.round == round_.number:
            self._contact(asked, voice, round_, run)
            self._total(asked, voice, round_, run)
        if round_.callback_from is not None:
            self._callback(asked, voice, round_, max(voice.received_at, round_.callback_from))

    def _total(self, asked: Asked, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
        joins = voice.round == round_.number
        start = _since(voice) if joins else round_.started_at
        answered = next((lap.answered_at for lap in run if lap.answered_at is not None), None)
        came = start if voice.promise is None or not joins else max(start, voice.promise.arrived_at)
        if answered is not None and answered < came:  # a report that joined after the answer was given
            answered = next((lap.ended_at for lap in run if lap.ended_at is not None), None)
        end, sent_with = run[-1].ended_at, voice.source_due if joins else None
        sooner = None if sent_with is None else (sent_with, SOURCE_DUE)
        id_, granted, owner = voice.report_id, self._moved(Stage.TOTAL, run), self._of.top
        self._add(asked, Stage.TOTAL, round_, owner, start, answered, end, report=id_, sooner=sooner, granted=granted)

    def _contact(self, asked: Asked, voice: Voice, round_: Round, run: Sequence[Round]) -> None:
        if voice.source is Source.TASK:  # a row of a list: nobody waits to be spoken to
            return
        numbers = {lap.number for lap in run}
        led = [p.offered_at for p in self._of.parts if p.led and p.round in numbers]
        joins = voice.round == round_.number
        start = voice.promise.contact_from if joins and voice.promise is not None else None
        if start is None and led:
            start = max(_since(voice) if joins else round_.started_at, min(led))
        if start is not None:
            at = min((contact.at for contact in voice.contacts if contact.round in numbers), default=None)
            end = run[-1].ended_at
            self._add(asked, Stage.CONTACT, round_, self._of.lead, start, at, end, report=voice.report_id)

    def _callback(self, asked: Asked, voice: Voice, round_: Round, start: datetime) -> None:
        calls = [call for call in voice.callbacks if call.round == round_.number]
        at = min((call.at for call in calls if call.reached), default=None)
        if at is None and calls and round_.ended_at is not None:
            at = max(call.at for call in calls)
        end, owner = round_.ended_at, self._of.centre
        self._add(asked, Stage.CALLBACK, round_, owner, start, at, end, report=voice.report_id)

    def _add(
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
        span, policy = (None, "") if asked is None else self._promised(asked, stage, start, at, granted)
        if sooner is not None and (span is None or sooner[0] < span.due):
            span, policy = set_to(start, sooner[0]), sooner[1]
        if span is not None:
            state, still = self._state(span.due, at, end), granted.still_since
            if still is not None and at is None and end is None and still <= span.due:
                state = ClockState.PAUSED
            self._clock(stage, round_, owner, start, span, state, policy, part, report, key)

    def _promised(
        self, asked: Asked, stage: Stage, start: datetime, at: datetime | None, granted: Moved
    ) -> tuple[Span | None, str]:
        """What the policy promises, and by which row; of an order that was hurried on the way, the soonest of what each
        urgency promises since it holds."""
        best, policy = None, ""
        for urgency, since in _held(self._of, asked[3], start, at):
            limit = self._promises.limits((*asked[:3], urgency, *asked[4:]), since).get(stage)
            if limit is not None:
                span = self._promises.span(limit, since, granted)
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
    ) -> None:
        id_ = None if part is None else part.assignment_id
        of = key or str(id_ or report or "") + (f"/{part.stint}" if part is not None and part.stint else "")
        view = ClockView(
            clock_id=clock_id_of(self._of.order_id, round_.number, stage, of),
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
        self._found.append(Clock(view, span.warn_at, span.unlisted))

    def _state(self, due: datetime, at: datetime | None, end: datetime | None) -> ClockState:
        if self._of.void:
            return ClockState.CANCELLED
        if at is not None:
            return ClockState.MET if at <= due else ClockState.MISSED
        if end is not None:
            return ClockState.MISSED if due < end and not self._of.imported else ClockState.CANCELLED
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


def _since(voice: Voice) -> datetime:
    """Since when what a reporter was promised first counts."""
    return voice.received_at if voice.promise is None else voice.promise.since


def _run_from(rounds: tuple[Round, ...], place: int) -> Sequence[Round]:
    """A round with the rework that followed it: one promise."""
    end = place + 1
    while end < len(rounds) and rounds[end].rework:
        end += 1
    return rounds[place:end]


def set_to(start: datetime, due: datetime) -> Span:
    """The span of a deadline that somebody set: real time, and the warning after four fifths of it."""
    spent: timedelta = (due - start) * SET_WARN
    return Span(due, min(max(start, start + spent), due), "")
