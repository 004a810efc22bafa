"""Two calendars: China's with the list published for 2026 and a lunch break, and Boston's with summer time."""

from datetime import date, time, timedelta

import pytest

from schemas.city import CalendarData, WorkingHours
from services.supervision.rules.calendar import Calendar

HOLIDAYS_2026 = (
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)
MAKEUP_2026 = ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10")


def _days(first: str, last: str) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [begin + timedelta(step) for step in range((end - begin).days + 1)]


@pytest.fixture(scope="session")
def china_data() -> CalendarData:
    return CalendarData(
        name="china",
        version="2026",
        timezone="Asia/Shanghai",
        holidays=frozenset(day for span in HOLIDAYS_2026 for day in _days(*span)),
        makeup_workdays=frozenset(date.fromisoformat(day) for day in MAKEUP_2026),
        years=frozenset({2026}),
        hours=WorkingHours("office", ((time(9), time(12)), (time(13, 30), time(18)))),
    )


@pytest.fixture(scope="session")
def boston_data() -> CalendarData:
    return CalendarData(
        name="boston",
        version="1",
        timezone="America/New_York",
        holidays=frozenset(),
        makeup_workdays=frozenset(),
        years=frozenset({2011, 2012}),
        hours=WorkingHours("office", ((time(8, 30), time(17)),)),
    )


@pytest.fixture(scope="session")
def china(china_data: CalendarData) -> Calendar:
    return Calendar.of(china_data)


@pytest.fixture(scope="session")
def boston(boston_data: CalendarData) -> Calendar:
    return Calendar.of(boston_data)


@pytest.fixture(scope="session")
def night(boston_data: CalendarData) -> Calendar:
    """A duty that works every night from midnight to six, over the hours that summer time takes and gives."""
    from msgspec.structs import replace

    hours = WorkingHours("night", ((time(0), time(6)),), weekdays=(0, 1, 2, 3, 4, 5, 6))
    return Calendar.of(replace(boston_data, name="night", hours=hours))
