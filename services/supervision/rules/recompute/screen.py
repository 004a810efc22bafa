"""Leaves out the orders whose clocks other terms cannot have moved: of a million all are read, and few worked on.

What is left out is proven: its clocks lie in days that both calendars judge alike, and every row that could be asked
for says the same. What is let through may still turn out unmoved.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime

from schemas.city import Limit, Policy
from schemas.vocabulary import RequestKind, Stage, Urgency
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.limits import Terms
from services.supervision.rules.stages import Asked, Promises
from services.supervision.rules.stages.promises import Version
from services.supervision.rules.timeline import Timeline

_Cell = tuple[int, int, int, int]  # which version and phase of the old terms, and of the new


class Screen:
    """Between the terms that stored clocks are of and those they shall be of."""

    REMEMBERED = 200_000

    def __init__(self, old: Promises, new: Promises) -> None:
        self._old, self._new = old, new
        before, after = old.newest.terms.calendars, new.newest.terms.calendars
        self.everything = (
            old.centres != new.centres
            or old.data.of_units != new.data.of_units
            or [*before] != [*after]
            or any(_other_hours(before[name], after[name]) for name in before)
        )
        self._days: list[int] = []
        if not self.everything:
            changed = {day for name in before for day in _changed_days(before[name], after[name])}
            self._days = sorted(changed)
        self._zone = new.newest.terms.calendars[next(iter(after))]
        self._moves = [_moves(each) for each in old.versions] != [_moves(each) for each in new.versions]
        self._several = len(old.versions) + len(new.versions) > 2
        self._known: dict[tuple[_Cell, Asked], bool] = {}

    def touches(self, timeline: Timeline, first: datetime, last: datetime, due: datetime) -> bool:
        """Whether any of its clocks may have moved: they start from `first` to `last` and are due by `due`, as stored
        under the old terms."""
        if self.everything or (timeline.asks and (self._moves or self._several)):
            return True
        if self._days and self._meets_changed_day(first, due):
            return True
        last = max(last, *(pace.until for pace in timeline.paces)) if timeline.paces else last
        cell = self._cell(timeline.opened_at, first)
        if last > first and cell != self._cell(timeline.opened_at, last):
            return True
        return any(self._differs(cell, asked) for asked in _all_asked(timeline))

    def _meets_changed_day(self, first: datetime, due: datetime) -> bool:
        place = bisect_left(self._days, self._zone.wall(first)[0])
        return place < len(self._days) and self._days[place] <= self._zone.wall(due)[0]

    def _cell(self, opened: datetime, start: datetime) -> _Cell:
        old, new = self._old.version(opened, start), self._new.version(opened, start)
        return (
            self._old.versions.index(old) if self._several else 0,
            old.terms.phase(start),
            self._new.versions.index(new) if self._several else 0,
            new.terms.phase(start),
        )

    def _differs(self, cell: _Cell, asked: Asked) -> bool:
        key = (cell, asked)
        found = self._known.get(key)
        if found is None:
            old, new = self._old.versions[cell[0]], self._new.versions[cell[2]]
            one = {s: _content(limit, old.terms) for s, limit in old.limits_in(cell[1], asked).items()}
            other = {s: _content(limit, new.terms) for s, limit in new.limits_in(cell[3], asked).items()}
            if len(self._known) >= self.REMEMBERED:
                self._known.clear()
            found = self._known[key] = one != other
        return found


def _all_asked(timeline: Timeline) -> Iterator[Asked]:
    """Everything that the order's clocks could ask the policy for, and perhaps more."""
    kind = timeline.voices[0].ticket_type if timeline.voices else None
    urgencies: set[Urgency] = {timeline.urgency, *(pace.urgency for pace in timeline.paces)}
    for urgency in urgencies:
        for part in timeline.parts:
            yield timeline.source, kind, part.class_key, urgency, part.tier, part.round
        for lap in timeline.rounds:
            yield timeline.source, kind, timeline.class_key, urgency, timeline.tier, lap.number
            for voice in timeline.voices:
                yield voice.source, voice.ticket_type, timeline.class_key, urgency, timeline.tier, lap.number
    for voice in timeline.voices:
        if (brought := voice.promise) is not None:
            yield voice.source, voice.ticket_type, brought.class_key, brought.urgency, brought.tier, brought.round


def _content(limit: Limit, terms: Terms) -> tuple[object, ...]:
    """What of a row a clock can feel."""
    end = limit.day_end or terms.policy.day_end
    calendar = terms.calendar_name(limit)
    return (limit.limit_id, limit.amount, limit.unit, limit.warn, calendar, end, limit.count_start_day)


def _moves(version: Version) -> dict[RequestKind, tuple[Stage, ...]]:
    policy: Policy = version.terms.policy
    return {rule.kind: rule.moves for rule in policy.requests}


def _other_hours(old: Calendar, new: Calendar) -> bool:
    return old.zone != new.zone or old.shifts != new.shifts


def _changed_days(old: Calendar, new: Calendar) -> list[int]:
    """Days that one calendar works and the other does not."""
    return sorted(set(old.workdays) ^ set(new.workdays))
