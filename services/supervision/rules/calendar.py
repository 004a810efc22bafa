"""Which days and hours are worked: local dates, working time and the way between wall clock and UTC.

Everything is looked up in tables made once per calendar, so that thousands of deadlines a second can be computed.
Positions in local time are (day, us): days since 1970-01-01 and microseconds since that day's midnight on the wall
clock. The wall clock is what people promise by: a shift of summer time moves the UTC moment, never the local hour.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from schemas.city import CalendarData

FIRST_YEAR, LAST_YEAR = 1970, 2100
SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_DAY0 = _EPOCH.toordinal()
_DAYS = date(LAST_YEAR, 12, 31).toordinal() - _DAY0 + 1


class OutOfRange(ValueError):
    """A moment or deadline lies outside the years that calendars cover (1970–2100)."""


class Calendar:
    """Working days and hours of one organisation. Make-up workdays count as working days, holidays do not, and the
    weekday rule decides the rest; years without a published list follow the weekday rule and are reported."""

    def __init__(self, data: CalendarData) -> None:
        """Make the tables. Raises ValueError when a day is both holiday and make-up workday, when no weekday is
        worked, or when shifts are missing, out of order, overlapping or past midnight."""
        both = data.holidays & data.makeup_workdays
        if both:
            raise ValueError(f"calendar {data.name!r}: both holiday and make-up workday: {min(both)}")
        if not data.hours.weekdays:
            raise ValueError(f"calendar {data.name!r}: no weekday is worked")
        self.data = data
        self.zone = ZoneInfo(data.timezone)
        self.shifts = _shifts(data)
        self.opening, self.closing = self.shifts[0][0], self.shifts[-1][1]
        self.worked_per_day = sum(end - begin for begin, end, _ in self.shifts)
        self.ranks, self.workdays = _workdays(data)
        self._unlisted = _unlisted(data.years)
        self._texts: dict[int, tuple[str, str]] = {}
        self._by_utc_day = _offsets(self.zone)
        self._by_local_day = [
            here if before == here == after else None
            for before, here, after in zip(
                self._by_utc_day[:1] + self._by_utc_day[:-1],
                self._by_utc_day,
                self._by_utc_day[1:] + self._by_utc_day[-1:],
                strict=True,
            )
        ]

    @classmethod
    def of(cls, data: CalendarData) -> "Calendar":
        """The calendar of a published list; see the constructor for what is refused."""
        return cls(data)

    def is_workday(self, day: date) -> bool:
        """Whether that local date is a working day. Raises OutOfRange outside 1970–2100."""
        return self.works(_in_range(day.toordinal() - _DAY0))

    def unlisted_years(self, first: date, last: date) -> frozenset[int]:
        """Years from `first` to `last` for which no list was published: there the weekday rule is a guess."""
        return frozenset(range(first.year, last.year + 1)) - self.data.years

    def works(self, day: int) -> bool:
        """Whether the day of that index is worked."""
        return self.ranks[day + 1] > self.ranks[day]

    def is_unlisted(self, first: int, last: int) -> bool:
        """Whether any day from index `first` to index `last` lies in a year without a published list."""
        return self._unlisted[last + 1] > self._unlisted[first]

    def workday(self, rank: int) -> int:
        """Index of the working day that has `rank` working days before it. Raises OutOfRange past 2100."""
        try:
            return self.workdays[rank]
        except IndexError:
            raise OutOfRange(f"working day {rank} lies after {LAST_YEAR}") from None

    def wall(self, at: datetime) -> tuple[int, int]:
        """Local (day, us) of a moment. Raises ValueError for a time without zone, OutOfRange outside 1970–2100."""
        if at.tzinfo is None:
            raise ValueError("a time without zone cannot be placed on a calendar")
        since = at - _EPOCH
        if not 0 < since.days < _DAYS - 1:
            raise OutOfRange(f"{at} lies outside {FIRST_YEAR}–{LAST_YEAR}")
        offset = self._by_utc_day[since.days]
        if offset is None:
            local = at.astimezone(self.zone)
            return local.toordinal() - _DAY0, _us(local.timetz())
        us = (since.seconds + offset) * SECOND + since.microseconds
        if us < 0:
            return since.days - 1, us + DAY
        if us >= DAY:
            return since.days + 1, us - DAY
        return since.days, us

    def moment(self, day: int, us: int) -> datetime:
        """UTC moment of a local (day, us). A wall time that comes twice in autumn is its first coming; one that spring
        skips is the first moment after the gap. Raises OutOfRange outside 1970–2100."""
        if not 0 < day < _DAYS - 1:
            raise OutOfRange(f"day {day} after 1970-01-01 lies outside {FIRST_YEAR}–{LAST_YEAR}")
        offset = self._by_local_day[day]
        if offset is not None:
            return _EPOCH + timedelta(day, -offset, us)
        wanted = datetime.fromordinal(_DAY0 + day) + timedelta(microseconds=us)
        found = wanted.replace(tzinfo=self.zone).astimezone(UTC)
        if found.astimezone(self.zone).replace(tzinfo=None) == wanted:
            return found
        return self._after_gap(wanted)

    def turns(self, day: int) -> bool:
        """Whether the clock is put forward or back on that day, or next to it."""
        return not 0 < day < _DAYS - 1 or self._by_local_day[day] is None

    def text(self, day: int, us: int) -> str:
        """Local (day, us) in RFC 3339, to the second or, where there are any, to the microsecond; `moment` in words."""
        offset = self._by_local_day[day] if 0 < day < _DAYS - 1 else None
        if offset is None or us >= DAY:
            return self.moment(day, us).astimezone(self.zone).isoformat()
        date_, suffix = self._texts.get(day) or self._day_text(day, offset)
        seconds, rest = divmod(us, SECOND)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        fraction = f".{rest:06}" if rest else ""
        return f"{date_}T{hour:02}:{minute:02}:{second:02}{fraction}{suffix}"

    def _day_text(self, day: int, offset: int) -> tuple[str, str]:
        at = datetime.fromordinal(_DAY0 + day).replace(tzinfo=timezone(timedelta(seconds=offset)))
        found = self._texts[day] = (at.date().isoformat(), at.isoformat()[19:])
        return found

    def worked(self, day: int, us: int) -> int:
        """Working microseconds from 1970-01-01 until a local (day, us)."""
        done = self.ranks[day] * self.worked_per_day
        if not self.works(day):
            return done
        for begin, end, before in self.shifts:
            if us <= begin:
                return done + before
            if us < end:
                return done + before + us - begin
        return done + self.worked_per_day

    def worked_at(self, at: datetime) -> int:
        """Working microseconds from 1970-01-01 until a moment."""
        return self.worked(*self.wall(at))

    def after_working(self, total: int) -> tuple[int, int]:
        """Local (day, us) at which `total` working microseconds since 1970-01-01 are done: the earliest such moment, so
        a full day ends at its closing and a full shift at its end."""
        rank, rest = divmod(total, self.worked_per_day)
        if rest == 0:
            return self.workday(rank - 1), self.closing
        day = self.workday(rank)
        for begin, end, before in self.shifts:
            if rest <= before + end - begin:
                return day, begin + rest - before
        return day, self.closing

    def _after_gap(self, wanted: datetime) -> datetime:
        """The moment at which the clock jumps over the local time `wanted`."""
        low = wanted.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        high = wanted.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        before = low.astimezone(self.zone).utcoffset()
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            if middle.astimezone(self.zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high.replace(microsecond=0)


def _in_range(day: int) -> int:
    if not 0 <= day < _DAYS:
        raise OutOfRange(f"day {day} after 1970-01-01 lies outside {FIRST_YEAR}–{LAST_YEAR}")
    return day


def _us(moment: time) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * SECOND + moment.microsecond


def _shifts(data: CalendarData) -> list[tuple[int, int, int]]:
    """(from, to, worked before) of each shift in microseconds."""
    flat = [_us(moment) for shift in data.hours.shifts for moment in shift]
    if len(flat) > 1 and flat[-1] == 0:  # until midnight
        flat[-1] = DAY
    if not flat or flat != sorted(set(flat)):
        raise ValueError(f"calendar {data.name!r}: shifts must follow one another within one day")
    found: list[tuple[int, int, int]] = []
    worked = 0
    for begin, end in zip(flat[::2], flat[1::2], strict=True):
        found.append((begin, end, worked))
        worked += end - begin
    return found


def _workdays(data: CalendarData) -> tuple[list[int], list[int]]:
    """Working days before each day, and the indexes of all working days."""
    holidays = {day.toordinal() - _DAY0 for day in data.holidays}
    extra = {day.toordinal() - _DAY0 for day in data.makeup_workdays}
    weekdays = frozenset(data.hours.weekdays)
    first = _EPOCH.weekday()
    ranks, workdays = [0], []
    for day in range(_DAYS):
        if day in extra or ((first + day) % 7 in weekdays and day not in holidays):
            workdays.append(day)
        ranks.append(len(workdays))
    return ranks, workdays


def _unlisted(years: Iterable[int]) -> list[int]:
    """Days in years without a published list before each day."""
    listed = frozenset(years)
    found = [0]
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        step = 0 if year in listed else 1
        for _ in range(date(year, 12, 31).timetuple().tm_yday):
            found.append(found[-1] + step)
    return found


def _offsets(zone: ZoneInfo) -> list[int | None]:
    """Offset from UTC in seconds on each UTC day; None on a day on which it changes."""
    starts = [_offset(zone, _EPOCH + timedelta(day)) for day in range(_DAYS + 1)]
    return [here if here == after else None for here, after in zip(starts, starts[1:], strict=False)]


def _offset(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
