"""Counts one order: which items it has in which numbers, on which day, for whom. A pure function of the order's facts
(timeline, ledger, clocks as they stand) and of the appeals that were granted, so the order of arrival cannot matter.

An item is counted on the day on which it was decided (`definitions`: `day`), under what the order was at that moment:
the unit, the class, the district. What happens later to the order does not move it to another day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from schemas.vocabulary import ClockState, OrderStatus, Result, Source, Stage
from services.supervision.rules.kpi.bearings import Bearings
from services.supervision.rules.kpi.definitions import BY_ID, FINDERS, REPORT_SOURCES, TENTHS
from services.supervision.rules.kpi.ledger import Heard, Ledger
from services.supervision.rules.stages import Clock
from services.supervision.rules.timeline import Round, Timeline, Voice

EXCLUDE = "exclude"  # 剔除: the item is not counted
CORRECT = "correct"  # 更正: it counts in the unit's favour
Granted = Mapping[tuple[str, UUID, date], str]  # (number, subject, day) → what an appeal was granted
OPEN = frozenset(OrderStatus) - {
    OrderStatus.CLOSED,
    OrderStatus.REJECTED,
    OrderStatus.TRANSFERRED,
    OrderStatus.MERGED,
    OrderStatus.VOID,
}
_DONE = (ClockState.MET, ClockState.MISSED)
_BIT = {kpi.kpi: 1 << kpi.bit for kpi in BY_ID.values()}
_SECONDS = {
    _BIT["time_to_accept"]: "accept_s",
    _BIT["time_to_contact"]: "contact_s",
    _BIT["time_to_handle"]: "handle_s",
}


class Measure(Struct, gc=False):
    """What one subject (an order, which also stands for the report that opened it; another report; a unit's part)
    counts on one day for one unit. `den` and `num` have a bit for each number; `tenths` is the numerator of a
    satisfaction; the other three are seconds. `n` tells rows of the same subject, day and unit apart."""

    subject: UUID
    n: int
    day: date
    unit: str
    tier: str
    district: str
    major: str
    source: str
    den: int = 0
    num: int = 0
    tenths: int = 0
    accept_s: int | None = None
    contact_s: int | None = None
    handle_s: int | None = None

    @property
    def key(self) -> tuple[UUID, date, str, int]:
        """What tells it from the order's other rows."""
        return self.subject, self.day, self.unit, self.n


def tally(
    timeline: Timeline,
    ledger: Ledger,
    clocks: Sequence[Clock],
    bearings: Bearings,
    granted: Granted | None = None,
) -> list[Measure]:
    """Everything an order counts. Nothing of an imported past, and nothing of an order that was entered in error."""
    if timeline.imported or timeline.void:
        return []
    return _Tally(timeline, ledger, bearings, granted or {}).of(clocks)


class _Tally:
    def __init__(self, timeline: Timeline, ledger: Ledger, bearings: Bearings, granted: Granted) -> None:
        self._of = timeline
        self._ledger = ledger
        self._bearings = bearings
        self._granted = granted
        self._opener = ledger.heard[0].report_id if ledger.heard else None
        self._heard = {heard.report_id: heard for heard in ledger.heard}
        self._rows: dict[tuple[UUID, date, str], list[Measure]] = {}

    def of(self, clocks: Sequence[Clock]) -> list[Measure]:
        ledger = self._ledger
        whole = ledger.status is not OrderStatus.MERGED
        self._received()
        if whole:
            self._opened()
        misses: dict[int, datetime] = {}
        for clock in clocks:
            if clock.view.state in _DONE:
                self._of_clock(clock, misses)
        for check in ledger.checks:
            self._order("rework", check.at, not check.passed)
        for heard in ledger.heard:
            if heard.words:
                self._words(heard)
        if whole:
            if misses or ledger.closings:
                self._ends(misses)
            self._first_dispatch()
        self._returns()
        if ledger.urged or ledger.supervised:
            self._rungs()
        return [row for rows in self._rows.values() for row in rows]

    # -- at the beginning

    def _received(self) -> None:
        for voice in self._voices():
            at, heard = voice.received_at, self._heard.get(voice.report_id)
            subject, unit = self._subject(voice.report_id), self._ledger.at(at).lead
            repeats = heard is not None and heard.repeat
            hits = (("repeat", repeats), ("merged", voice.report_id != self._opener))
            self._add(hits, at, subject, unit, voice.source)

    def _opened(self) -> None:
        timeline, ledger, at = self._of, self._ledger, self._of.opened_at
        hits: tuple[tuple[str, bool], ...] = (("recurred", ledger.successor), ("no_match", ledger.in_triage))
        if timeline.source is not Source.TASK and not ledger.split:
            first = min(self._voices(), key=lambda voice: voice.received_at, default=None)
            hits += (("found_first", (first.source if first else timeline.source) in FINDERS),)
        self._add(hits, at, timeline.order_id, ledger.at(at).lead, timeline.source)

    # -- from clocks

    def _of_clock(self, clock: Clock, misses: dict[int, datetime]) -> None:
        view, at = clock.view, clock.at
        met = view.state is ClockState.MET
        when = at if met and at is not None else view.due
        stage, source = view.stage, self._of.source
        if stage is Stage.ACCEPT and view.assignment_id is not None:
            self._add((("accept_in_time", met),), when, view.assignment_id, view.owner, source)
            self._took("time_to_accept", view.start, at, view.assignment_id, view.owner, source)
        elif stage is Stage.HANDLE and view.assignment_id is not None:
            self._add((("handle_in_time", met),), when, view.assignment_id, view.owner, source)
            self._took("time_to_handle", view.start, at, view.assignment_id, view.owner, source)
        elif stage is Stage.CONTACT or stage is Stage.TOTAL:
            voice = next((voice for voice in self._of.voices if voice.report_id == view.report_id), None)
            if voice is None or voice.away:
                return
            subject, unit = self._subject(voice.report_id), self._ledger.at(when).lead
            if stage is Stage.CONTACT:
                heard = self._heard.get(voice.report_id)
                if heard is None or heard.reachable or met:
                    self._add((("contact_in_time", met),), when, subject, unit, voice.source)
                if at is not None:
                    self._took("time_to_contact", view.start, at, subject, self._ledger.at(at).lead, voice.source)
                return
            if not met:
                misses[view.round] = min(when, misses.get(view.round, when))
            if self._is_case(voice):
                self._add((("answer_in_time", met),), when, subject, unit, voice.source)

    def _took(self, kpi: str, start: datetime, at: datetime | None, subject: UUID, unit: str, source: Source) -> None:
        if at is not None:
            self._add(((kpi, False),), at, subject, unit, source, seconds=max(0, int((at - start).total_seconds())))

    # -- at the end

    def _ends(self, misses: Mapping[int, datetime]) -> None:
        closings = {closing.round: closing for closing in self._ledger.closings}
        run: list[Round] = []
        runs = [run]
        for round_ in self._of.rounds:
            if run and not round_.rework:
                run = []
                runs.append(run)
            run.append(round_)
        for place, run in enumerate(runs):
            closing = next((closings[lap.number] for lap in reversed(run) if lap.number in closings), None)
            missed = misses.get(run[0].number) if run else None
            moments = [m for m in (missed, closing.at if closing else None) if m is not None]
            if moments:
                self._order("close_in_time", min(moments), missed is None)
            if closing is None:
                continue
            self._order("reopened", closing.at, place > 0)
            ping_pong = self._ledger.ping_pong_at
            self._order("ping_pong", closing.at, ping_pong is not None and ping_pong <= closing.at)
            if closing.result in (Result.SOLVED, Result.EXPLAINED):
                for voice in self._voices():
                    if self._is_case(voice) and voice.round <= closing.round and self._came(voice) <= closing.at:
                        subject, unit = self._subject(voice.report_id), self._ledger.at(closing.at).lead
                        self._add(
                            (("solved", closing.result is Result.SOLVED),), closing.at, subject, unit, voice.source
                        )

    def _words(self, heard: Heard) -> None:
        voice = next((voice for voice in self._voices() if voice.report_id == heard.report_id), None)
        if voice is None:
            return
        subject = self._subject(heard.report_id)
        for number in dict.fromkeys(word.round for word in heard.words):
            words = [word for word in heard.words if word.round == number]
            satisfied = [word for word in words if word.satisfied is not None]
            if satisfied and (last := satisfied[-1].satisfied) is not None:
                at = satisfied[0].at
                unit, tenths = self._ledger.at(at).lead, TENTHS[last]
                self._add((("satisfied", tenths == 10),), at, subject, unit, voice.source, tenths=tenths)
            solved = [word for word in words if word.solved is not None]
            if solved:
                at = solved[0].at
                self._add(
                    (("solved_said", bool(solved[-1].solved)),), at, subject, self._ledger.at(at).lead, voice.source
                )

    def _first_dispatch(self) -> None:
        first = self._ledger.first
        if first is None:
            return
        back = next((r.at for r in self._ledger.returned if r.assignment_id == first.assignment_id), None)
        done = (p.done_at for p in self._of.parts if p.assignment_id == first.assignment_id and p.done_at is not None)
        at = back if back is not None else min(done, default=None)
        if at is not None:
            self._add((("first_dispatch", back is None),), at, self._of.order_id, first.centre, self._of.source)

    def _returns(self) -> None:
        if not self._ledger.returned and all(part.done_at is None for part in self._of.parts):
            return
        back = {returned.assignment_id: returned.at for returned in reversed(self._ledger.returned)}
        finished: dict[UUID, datetime] = {}
        units: dict[UUID, str] = {}
        for part in self._of.parts:
            units[part.assignment_id] = part.unit
            if part.done_at is not None and part.assignment_id not in finished:
                finished[part.assignment_id] = part.done_at
        for id_, unit in units.items():
            at = back.get(id_) or finished.get(id_)
            if at is not None:
                self._add((("returned", id_ in back),), at, id_, unit, self._of.source)

    def _rungs(self) -> None:
        ledger = self._ledger
        self._once_a_day("urged", ledger.urged)
        for level in (1, 2, 3):
            self._once_a_day(f"supervised_{level}", (at for at, rung in ledger.supervised if min(rung, 3) == level))

    def _once_a_day(self, kpi: str, moments: Iterable[datetime]) -> None:
        days: set[date] = set()
        for at in moments:
            day = self._bearings.day(at)
            if day not in days:
                days.add(day)
                self._order(kpi, at, True)

    # -- shared

    def _voices(self) -> Iterable[Voice]:
        return (voice for voice in self._of.voices if not voice.away)

    def _is_case(self, voice: Voice) -> bool:
        """Whether a report is an item of a number that counts cases: of such a source, or the one that stands for an
        order whose source counts orders."""
        if voice.source in REPORT_SOURCES:
            return True
        return voice.report_id == self._opener and self._of.source not in REPORT_SOURCES

    def _subject(self, report_id: UUID) -> UUID:
        return self._of.order_id if report_id == self._opener else report_id

    @staticmethod
    def _came(voice: Voice) -> datetime:
        return voice.received_at if voice.promise is None else voice.promise.arrived_at

    def _order(self, kpi: str, at: datetime, hit: bool) -> None:
        self._add(((kpi, hit),), at, self._of.order_id, self._ledger.at(at).lead, self._of.source)

    def _add(
        self,
        hits: Iterable[tuple[str, bool]],
        at: datetime,
        subject: UUID,
        unit: str,
        source: Source,
        *,
        tenths: int = 0,
        seconds: int | None = None,
    ) -> None:
        """Count a subject in some numbers at a moment, each with whether it counts in the numerator."""
        day = self._bearings.day(at)
        den = num = 0
        for kpi, hit in hits:
            if self._granted:
                effect = self._granted.get((kpi, subject, day))
                if effect == EXCLUDE:
                    continue
                if effect == CORRECT:
                    hit = BY_ID[kpi].better == "more"
            den |= _BIT[kpi]
            if hit:
                num |= _BIT[kpi]
        if not den:
            return
        row = self._row(day, at, subject, unit, source.value, den)
        row.den |= den
        row.num |= num
        row.tenths += tenths
        if seconds is not None:
            setattr(row, _SECONDS[den], seconds)

    def _row(self, day: date, at: datetime, subject: UUID, unit: str, source: str, den: int) -> Measure:
        """The row of a subject that has room for these numbers and says the same of where it counts."""
        spell, bearings = self._ledger.at(at), self._bearings
        district, major = bearings.district(spell.division), bearings.major(spell.class_key)
        rows = self._rows.setdefault((subject, day, unit), [])
        for row in rows:
            if not row.den & den and row.district == district and row.major == major and row.source == source:
                return row
        row = Measure(subject, len(rows), day, unit, bearings.tier(unit), district, major, source)
        rows.append(row)
        return row


class Overdue(Struct, frozen=True, gc=False):
    """An order that is open past its promise, and where it counts now."""

    unit: str
    tier: str
    district: str
    major: str
    source: str


def overdue(timeline: Timeline, ledger: Ledger, clocks: Sequence[Clock], bearings: Bearings) -> Overdue | None:
    """Whether an order is open with the `total` of its newest promise missed."""
    if timeline.imported or ledger.status not in OPEN:
        return None
    totals = [clock.view for clock in clocks if clock.view.stage is Stage.TOTAL]
    newest = max((view.round for view in totals), default=0)
    if not any(view.state is ClockState.MISSED and view.round == newest for view in totals):
        return None
    spell = ledger.spells[-1]
    major, district = bearings.major(spell.class_key), bearings.district(spell.division)
    return Overdue(spell.lead, bearings.tier(spell.lead), district, major, timeline.source.value)
