"""When a time limit runs out, and when it has run long enough to warn: pure functions of start, limit and calendar.

How each unit counts (GB/T 30428.8 names the kinds; where no text decides, the choice is stated here):

- `minute`, `urgent_hour`: continuous, nights and holidays included.
- `work_hour`: only time inside working hours, lunch breaks left out; a limit that is used up exactly when a shift ends
  is due at that end.
- `work_day`: the day of receipt does not count, whatever the hour and whether or not it is worked; due at the end of
  the Nth working day after it. `count_start_day`: the day of receipt is day one if it is worked and not over yet.
- `natural_day`: N days later at the same time of day on the wall clock.
- `business_rule`: a start on a day off moves to the next working day and keeps its time of day; then, at or past
  closing it moves to the opening of the following working day (before opening it stays); then N working days on, at
  the same time of day.

Paused time is given back in full in the unit's own time (working time for working units), and `work_day` then rounds
up to the end of that day. Amounts are above zero, whole for the three day units.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from schemas.city import Limit
from schemas.vocabulary import LimitUnit
from services.supervision.rules.calendar import DAY, SECOND, Calendar

DayEnd = Literal["working_hours", "midnight"]
Pause = tuple[datetime, datetime]

WORKING = frozenset({LimitUnit.WORK_HOUR, LimitUnit.WORK_DAY, LimitUnit.BUSINESS_RULE})
_LAST_SECOND = DAY - SECOND


class Due(Struct, frozen=True, gc=False):
    """A deadline in UTC. `unlisted`: days were counted in a year without a published list, by weekdays alone."""

    at: datetime
    unlisted: bool


def due(
    start: datetime,
    amount: float,
    unit: LimitUnit,
    calendar: Calendar,
    *,
    day_end: str = "working_hours",
    count_start_day: bool = False,
) -> Due:
    """The deadline of a limit that starts running at `start` (any zone); never before the start. `day_end` says when a
    `work_day` ends: at closing, or at 23:59:59 with "midnight". Raises ValueError for an amount that is not above zero
    or not whole days, and for a start without zone; OutOfRange outside 1970–2100."""
    if not amount > 0:
        raise ValueError(f"a limit of {amount:g} is not above zero")
    if unit == LimitUnit.MINUTE:
        return Due(start.astimezone(UTC) + timedelta(minutes=amount), False)
    if unit == LimitUnit.URGENT_HOUR:
        return Due(start.astimezone(UTC) + timedelta(hours=amount), False)
    day, us = calendar.wall(start)
    last, until = due_on_wall(day, us, amount, unit, calendar, day_end=day_end, count_start_day=count_start_day)
    at = calendar.moment(last, until)
    if unit == LimitUnit.WORK_HOUR:
        at = _not_before(start, at)
    return Due(at, unit != LimitUnit.NATURAL_DAY and calendar.is_unlisted(day, last))


def due_on_wall(
    day: int,
    us: int,
    amount: float,
    unit: LimitUnit,
    calendar: Calendar,
    *,
    day_end: str = "working_hours",
    count_start_day: bool = False,
) -> tuple[int, int]:
    """The same for the units that go by the wall clock, on the wall clock: local (day, us) of the deadline. Raises as
    `due` does."""
    if unit == LimitUnit.WORK_HOUR:
        return calendar.after_working(calendar.worked(day, us) + round(amount * 3600 * SECOND))
    days = int(amount)
    if days != amount:
        raise ValueError(f"a limit of {amount:g} {unit} is not whole days")
    if unit == LimitUnit.NATURAL_DAY:
        return day + days, us
    if unit == LimitUnit.WORK_DAY:
        end = _end_of_day(calendar, day_end)
        counts = count_start_day and us < end and calendar.works(day)
        return calendar.workday((calendar.ranks[day] if counts else calendar.ranks[day + 1]) + days - 1), end
    rank = calendar.ranks[day]
    if us >= calendar.closing:
        rank, us = rank + 1, calendar.opening
    return calendar.workday(rank + days), us


def due_with_pauses(
    start: datetime, limit: Limit, pauses: Sequence[Pause], calendar: Calendar, *, day_end: str = "working_hours"
) -> Due:
    """The deadline of a limit whose clock stood still during `pauses`, a list of [from, to) in any order. Whatever is
    paused more, the deadline is never earlier, and never inside a pause. `day_end` is the policy's default."""
    day_end = limit.day_end or day_end
    plain = due(start, limit.amount, limit.unit, calendar, day_end=day_end, count_start_day=limit.count_start_day)
    if not pauses:
        return plain
    if limit.unit not in WORKING:
        return Due(_stretch(start, plain.at, pauses, _elapsed, lambda paused: plain.at + _span(paused)), plain.unlisted)
    base = calendar.worked_at(plain.at)

    def landing(paused: int) -> datetime:
        return calendar.moment(*calendar.after_working(base + paused)) if paused else plain.at

    def rounded(at: datetime) -> datetime:
        return _day_end_from(at, calendar, day_end) if limit.unit == LimitUnit.WORK_DAY else at

    at = _stretch(start, plain.at, pauses, _worked_between(calendar), landing, rounded)
    return Due(at, plain.unlisted or calendar.is_unlisted(calendar.wall(start)[0], calendar.wall(at)[0]))


def warn_at(
    start: datetime, due_at: datetime, limit: Limit, calendar: Calendar, pauses: Sequence[Pause] = ()
) -> datetime:
    """When the share `limit.warn` of the time from start to deadline is used, in UTC, measured in the unit's own time:
    working time for working units (a warning falls into working hours), real time otherwise and where no working time
    lies between. Within [start, due_at]; a greater share never warns earlier."""
    start, due_at = start.astimezone(UTC), due_at.astimezone(UTC)
    paused = _merged(start, [(begin, min(end, due_at)) for begin, end in pauses])
    if limit.unit in WORKING:
        base, between = calendar.worked_at(start), _worked_between(calendar)
        total = between(start, due_at) - sum(between(begin, end) for begin, end in paused)
        used = round(total * limit.warn)
        if used > 0:

            def landing(extra: int) -> datetime:
                return calendar.moment(*calendar.after_working(base + used + extra))

            return min(max(start, _stretch(start, landing(0), paused, between, landing)), due_at)
    total = _elapsed(start, due_at) - sum(_elapsed(begin, end) for begin, end in paused)
    first = start + _span(round(total * limit.warn))
    return min(_stretch(start, first, paused, _elapsed, lambda extra: first + _span(extra)), due_at)


def prolonged(until: datetime, since: datetime, pauses: Sequence[Pause]) -> datetime:
    """A deadline that was set to `until` at `since`, moved by what stood still after that: real time is given back."""
    at = until
    for begin, end in _merged(since, pauses):
        if begin >= at:
            break
        at += end - begin
    return at


def _stretch(
    start: datetime,
    first: datetime,
    pauses: Sequence[Pause],
    measure: Callable[[datetime, datetime], int],
    landing: Callable[[int], datetime],
    rounded: Callable[[datetime], datetime] = lambda at: at,
) -> datetime:
    """The moment `first`, moved by every pause that begins before it: `landing` of all the time paused so far, and not
    before the pause ends."""
    at, paused = first, 0
    for begin, end in _merged(start, pauses):
        if begin >= at:
            break
        paused += measure(begin, end)
        at = rounded(max(at, landing(paused), end))
    return at


def _merged(start: datetime, pauses: Sequence[Pause]) -> list[Pause]:
    """The pauses in order, from `start` on, joined where they touch; empty ones left out. UTC."""
    joined: list[Pause] = []
    for begin, end in sorted((max(begin, start).astimezone(UTC), end.astimezone(UTC)) for begin, end in pauses):
        if end <= begin:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def _end_of_day(calendar: Calendar, day_end: str) -> int:
    return _LAST_SECOND if day_end == "midnight" else calendar.closing


def _day_end_from(at: datetime, calendar: Calendar, day_end: str) -> datetime:
    """The end of the working day that `at` lies in, or of the next one if it is over or not worked."""
    day, us = calendar.wall(at)
    end = _end_of_day(calendar, day_end)
    if us == 0 and end == DAY:  # the end of a day that is worked until midnight
        day, us = day - 1, DAY
    over = calendar.works(day) and us > end
    return calendar.moment(calendar.workday(calendar.ranks[day] + over), end)


def _not_before(start: datetime, at: datetime) -> datetime:
    """A night shift may end within the hour that autumn repeats: then the second coming of that time is meant."""
    return at if at >= start else at + timedelta(hours=1)


def _worked_between(calendar: Calendar) -> Callable[[datetime, datetime], int]:
    return lambda begin, end: calendar.worked_at(end) - calendar.worked_at(begin)


def _elapsed(begin: datetime, end: datetime) -> int:
    return (end - begin) // timedelta(microseconds=1)


def _span(microseconds: int) -> timedelta:
    return timedelta(microseconds=microseconds)
