"""Every holiday and make-up workday of 2024 to 2026 as the State Council published them, beside the pack's calendar.

国务院办公厅 2023-10-25, 2024-11-12 and 2025-11-04: the spans are written here as the notices word them, so that a date
that is wrong in the pack is found by a table that does not come from it.
"""

from datetime import date, datetime, timedelta

import pytest

from schemas.city import CalendarData, City
from schemas.vocabulary import LimitUnit
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import due

# (first day off, last day off)
OFF = [
    ("2024-01-01", "2024-01-01"),  # 元旦
    ("2024-02-10", "2024-02-17"),  # 春节
    ("2024-04-04", "2024-04-06"),  # 清明节
    ("2024-05-01", "2024-05-05"),  # 劳动节
    ("2024-06-10", "2024-06-10"),  # 端午节
    ("2024-09-15", "2024-09-17"),  # 中秋节
    ("2024-10-01", "2024-10-07"),  # 国庆节
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),  # 国庆节、中秋节
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
]
WORKED = [
    *("2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14", "2024-09-29", "2024-10-12"),
    *("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
    *("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"),
]
WORKING_DAYS = {2024: 251, 2025: 248, 2026: 248}


def _days(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(step) for step in range((end - begin).days + 1)]


EVERY_DAY_OFF = [day for span in OFF for day in _days(*span)]
EVERY_DAY_MADE_UP = [date.fromisoformat(day) for day in WORKED]


@pytest.fixture(scope="module", params=["shanghai", "street"])
def data(request: pytest.FixtureRequest, shanghai: City) -> CalendarData:
    """Both organisations' calendars: the days are the same, the hours are not."""
    return next(each for each in shanghai.calendars if each.name == request.param)


@pytest.fixture(scope="module")
def calendar(data: CalendarData) -> Calendar:
    return Calendar.of(data)


def test_no_day_of_three_years_is_judged_otherwise(calendar: Calendar) -> None:
    day, wrong = date(2024, 1, 1), []
    while day < date(2027, 1, 1):
        worked = day in EVERY_DAY_MADE_UP or (day.weekday() < 5 and day not in EVERY_DAY_OFF)
        if calendar.is_workday(day) is not worked:
            wrong.append(day)
        day += timedelta(1)
    assert wrong == []


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_a_year_has_as_many_working_days_as_its_notice_leaves(calendar: Calendar, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(step) for step in range(366)]
    assert sum(calendar.is_workday(day) for day in days if day.year == year) == WORKING_DAYS[year]


def _next_worked(day: date) -> date:
    while True:
        day += timedelta(1)
        if day in EVERY_DAY_MADE_UP or (day.weekday() < 5 and day not in EVERY_DAY_OFF):
            return day


@pytest.mark.parametrize("hour", [0, 10, 23])
@pytest.mark.parametrize("day", [*EVERY_DAY_OFF, *EVERY_DAY_MADE_UP], ids=str)
def test_what_is_received_on_that_day_is_due_at_the_end_of_the_next_working_day(
    calendar: Calendar, day: date, hour: int
) -> None:
    received = datetime(day.year, day.month, day.day, hour, 30, tzinfo=calendar.zone)
    answer = due(received, 1, LimitUnit.WORK_DAY, calendar)
    last = _next_worked(day)
    closing = calendar.data.hours.shifts[-1][1]
    assert answer.at == datetime.combine(last, closing, calendar.zone)
    assert answer.unlisted is (last.year == 2027)


@pytest.mark.parametrize("day", EVERY_DAY_OFF, ids=str)
def test_no_working_hour_passes_on_a_day_off(calendar: Calendar, day: date) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    assert calendar.worked_at(begin) == calendar.worked_at(begin + timedelta(1))


@pytest.mark.parametrize("day", EVERY_DAY_MADE_UP, ids=str)
def test_a_make_up_day_is_worked_in_full(calendar: Calendar, day: date) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    assert calendar.worked_at(begin + timedelta(1)) - calendar.worked_at(begin) == calendar.worked_per_day


@pytest.mark.parametrize(
    ("received", "amount", "unit", "expected"),
    [
        # across the Spring Festivals, with the lunch break of each organisation
        ("2024-02-09T16:30", 5, "work_day", {"shanghai": "2024-02-22T17:30", "street": "2024-02-22T17:00"}),
        ("2024-02-09T16:30", 4, "work_hour", {"shanghai": "2024-02-18T12:00", "street": "2024-02-18T13:30"}),
        ("2025-01-27T16:30", 5, "work_day", {"shanghai": "2025-02-10T17:30", "street": "2025-02-10T17:00"}),
        ("2025-01-27T16:30", 4, "work_hour", {"shanghai": "2025-02-05T12:00", "street": "2025-02-05T13:30"}),
        ("2026-02-14T16:30", 5, "work_day", {"shanghai": "2026-02-28T17:30", "street": "2026-02-28T17:00"}),
        ("2026-02-14T16:30", 4, "work_hour", {"shanghai": "2026-02-24T12:00", "street": "2026-02-24T13:30"}),
        # in the lunch break, before opening, at night
        ("2026-03-02T12:30", 1, "work_hour", {"shanghai": "2026-03-02T14:00", "street": "2026-03-02T14:00"}),
        ("2026-03-02T08:40", 1, "work_hour", {"shanghai": "2026-03-02T10:00", "street": "2026-03-02T09:40"}),
        ("2026-03-02T23:00", 1, "work_hour", {"shanghai": "2026-03-03T10:00", "street": "2026-03-03T09:30"}),
    ],
)
def test_each_organisation_counts_by_its_own_hours(
    calendar: Calendar, received: str, amount: float, unit: str, expected: dict[str, str]
) -> None:
    answer = due(datetime.fromisoformat(received).replace(tzinfo=calendar.zone), amount, LimitUnit(unit), calendar)
    assert answer.at == datetime.fromisoformat(expected[calendar.data.name]).replace(tzinfo=calendar.zone)
