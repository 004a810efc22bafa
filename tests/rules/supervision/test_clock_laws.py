"""What must hold of every deadline, for starts, amounts, holidays and pauses that nobody thought of."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.city import CalendarData, Limit
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import due, due_with_pauses, warn_at

NAMES = st.sampled_from(["china", "boston", "night"])
UNITS = st.sampled_from(list(LimitUnit))
STARTS = st.datetimes(datetime(2025, 12, 1), datetime(2027, 4, 1), timezones=st.just(UTC))
BOSTON_TURNS = st.datetimes(datetime(2026, 10, 31), datetime(2026, 11, 3), timezones=st.just(UTC))
ANY_START = st.one_of(STARTS, BOSTON_TURNS)
AMOUNTS = st.integers(1, 40)
DAY_ENDS = st.sampled_from(["working_hours", "midnight"])
PAUSES = st.lists(
    st.tuples(ANY_START, st.integers(0, 6_000)).map(lambda pair: (pair[0], pair[0] + timedelta(minutes=pair[1]))),
    max_size=5,
)


@pytest.fixture(scope="module")
def calendars(china: Calendar, boston: Calendar, night: Calendar) -> dict[str, Calendar]:
    return {"china": china, "boston": boston, "night": night}


def limit(amount: float, unit: LimitUnit, count_start_day: bool = False, warn: float = 0.8) -> Limit:
    return Limit(limit_id="x", stage=Stage.TOTAL, amount=amount, unit=unit, count_start_day=count_start_day, warn=warn)


@given(NAMES, ANY_START, AMOUNTS, UNITS, DAY_ENDS, st.booleans())
def test_a_greater_amount_is_never_due_earlier_and_nothing_before_its_start(
    calendars: dict[str, Calendar], name: str, start: datetime, amount: int, unit: LimitUnit, end: str, counts: bool
) -> None:
    calendar = calendars[name]
    first = due(start, amount, unit, calendar, day_end=end, count_start_day=counts)
    second = due(start, amount + 1, unit, calendar, day_end=end, count_start_day=counts)
    assert start <= first.at <= second.at
    assert first.at < second.at or name == "night"  # only the hour that spring skips holds two deadlines in one


@given(NAMES, ANY_START, st.integers(1, 6_000), st.integers(0, 600))
def test_work_hours_grow_minute_by_minute(
    calendars: dict[str, Calendar], name: str, start: datetime, minutes: int, more: int
) -> None:
    calendar = calendars[name]
    first = due(start, minutes / 60, LimitUnit.WORK_HOUR, calendar).at
    assert start <= first <= due(start, (minutes + more) / 60, LimitUnit.WORK_HOUR, calendar).at


@settings(max_examples=60, deadline=None)
@given(
    ANY_START,
    AMOUNTS,
    UNITS,
    st.booleans(),
    st.frozensets(st.dates(date(2025, 12, 1), date(2027, 5, 1)), min_size=1, max_size=8),
)
def test_adding_holidays_never_makes_a_deadline_earlier(
    china_data: CalendarData,
    china: Calendar,
    start: datetime,
    amount: int,
    unit: LimitUnit,
    counts: bool,
    more: frozenset[date],
) -> None:
    longer = Calendar.of(replace(china_data, holidays=china_data.holidays | (more - china_data.makeup_workdays)))
    before = due(start, amount, unit, china, count_start_day=counts).at
    assert due(start, amount, unit, longer, count_start_day=counts).at >= before


@given(NAMES, ANY_START, AMOUNTS, UNITS, DAY_ENDS, PAUSES, PAUSES)
def test_more_pause_is_never_due_earlier(
    calendars: dict[str, Calendar],
    name: str,
    start: datetime,
    amount: int,
    unit: LimitUnit,
    end: str,
    some: list[tuple[datetime, datetime]],
    more: list[tuple[datetime, datetime]],
) -> None:
    calendar, row = calendars[name], limit(amount, unit)
    plain = due_with_pauses(start, row, [], calendar, day_end=end).at
    paused = due_with_pauses(start, row, some, calendar, day_end=end).at
    assert plain == due(start, amount, unit, calendar, day_end=end).at
    assert plain <= paused <= due_with_pauses(start, row, more + some, calendar, day_end=end).at
    assert due_with_pauses(start, row, some[::-1], calendar, day_end=end).at == paused
    assert not any(max(begin, start) <= paused < stop for begin, stop in some if stop > start)


@given(NAMES, ANY_START, AMOUNTS, UNITS, PAUSES)
def test_running_working_time_is_at_least_what_was_promised(
    calendars: dict[str, Calendar],
    name: str,
    start: datetime,
    amount: int,
    unit: LimitUnit,
    pauses: list[tuple[datetime, datetime]],
) -> None:
    calendar = calendars[name]
    plain = due(start, amount, unit, calendar).at
    at = due_with_pauses(start, limit(amount, unit), pauses, calendar).at
    paused = sum(
        (min(end, at) - max(begin, start) for begin, end in _joined(pauses) if begin < at and end > start),
        timedelta(),
    )
    if unit in (LimitUnit.MINUTE, LimitUnit.URGENT_HOUR, LimitUnit.NATURAL_DAY):
        assert at - start - paused == plain - start


def _joined(pauses: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in sorted(pauses):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


@given(NAMES, ANY_START, AMOUNTS, UNITS, PAUSES, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_warning_lies_between_start_and_due_and_grows_with_its_share(
    calendars: dict[str, Calendar],
    name: str,
    start: datetime,
    amount: int,
    unit: LimitUnit,
    pauses: list[tuple[datetime, datetime]],
    one: float,
    other: float,
) -> None:
    calendar = calendars[name]
    at = due_with_pauses(start, limit(amount, unit), pauses, calendar).at
    early, late = sorted((one, other))
    first = warn_at(start, at, limit(amount, unit, warn=early), calendar, pauses)
    second = warn_at(start, at, limit(amount, unit, warn=late), calendar, pauses)
    assert start <= first <= second <= at


def plain_due(start: datetime, amount: int, unit: LimitUnit, data: CalendarData) -> datetime:
    """The slow and obvious way, day by day and minute by minute on the wall clock."""
    zone = ZoneInfo(data.timezone)
    local = start.astimezone(zone).replace(tzinfo=None)

    def works(day: date) -> bool:
        return day in data.makeup_workdays or (day.weekday() in data.hours.weekdays and day not in data.holidays)

    def next_workday(day: date) -> date:
        day += timedelta(1)
        while not works(day):
            day += timedelta(1)
        return day

    if unit == LimitUnit.WORK_HOUR:
        left = amount * 60
        while left:
            inside = works(local.date()) and any(begin <= local.time() < end for begin, end in data.hours.shifts)
            left -= inside
            local += timedelta(minutes=1)
        return local.replace(tzinfo=zone)
    day, at = local.date(), local.time()
    if unit == LimitUnit.WORK_DAY:
        at = data.hours.shifts[-1][1]
    else:
        if not works(day):
            day = next_workday(day)
        if at >= data.hours.shifts[-1][1]:
            day, at = next_workday(day), data.hours.shifts[0][0]
    for _ in range(amount):
        day = next_workday(day)
    return datetime.combine(day, at, zone)


@given(
    st.sampled_from(["china", "boston"]),
    ANY_START.map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(1, 25),
    st.sampled_from([LimitUnit.WORK_HOUR, LimitUnit.WORK_DAY, LimitUnit.BUSINESS_RULE]),
)
def test_tables_agree_with_counting_on_the_fingers(
    calendars: dict[str, Calendar], name: str, start: datetime, amount: int, unit: LimitUnit
) -> None:
    calendar = calendars[name]
    assert due(start, amount, unit, calendar).at == plain_due(start, amount, unit, calendar.data)


@given(st.sampled_from(["china", "boston", "night"]), ANY_START)
def test_wall_clock_and_moment_are_each_others_inverse(calendars: dict[str, Calendar], name: str, at: datetime) -> None:
    calendar = calendars[name]
    local = at.astimezone(calendar.zone)
    day, us = calendar.wall(at)
    assert date(1970, 1, 1) + timedelta(day) == local.date()
    assert (datetime.combine(date(1970, 1, 1), time()) + timedelta(microseconds=us)).time() == local.time()
    assert calendar.moment(day, us) in (at, at - timedelta(hours=local.fold))
