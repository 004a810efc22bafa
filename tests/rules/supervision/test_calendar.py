"""Working days, listed years and calendars that contradict themselves."""

from datetime import UTC, date, datetime, time

import pytest
from msgspec.structs import replace

from schemas.city import CalendarData, WorkingHours
from services.supervision.rules.calendar import Calendar, OutOfRange


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-10-10", True),  # make-up Saturday
        ("2026-09-20", True),  # make-up Sunday
        ("2026-10-01", False),  # holiday on a Thursday
        ("2026-10-03", False),  # holiday on a Saturday
        ("2026-10-11", False),  # plain Sunday
        ("2026-10-12", True),  # plain Monday
        ("2026-02-28", True),
        ("2027-01-01", True),  # no list: an ordinary Friday
        ("2028-02-29", True),
    ],
)
def test_makeup_days_are_worked_and_holidays_are_not(china: Calendar, day: str, worked: bool) -> None:
    assert china.is_workday(date.fromisoformat(day)) is worked


def test_working_days_of_2026_are_as_many_as_the_list_says(china: Calendar) -> None:
    days = [date.fromordinal(number) for number in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())]
    weekdays = sum(day.weekday() < 5 for day in days)
    off = sum(day.weekday() < 5 for day in china.data.holidays)
    assert sum(map(china.is_workday, days)) == weekdays - off + len(china.data.makeup_workdays)


def test_unlisted_years_are_named(china: Calendar) -> None:
    assert china.unlisted_years(date(2026, 1, 1), date(2026, 12, 31)) == frozenset()
    assert china.unlisted_years(date(2025, 12, 31), date(2028, 1, 1)) == {2025, 2027, 2028}


def test_a_week_may_have_other_working_days(china_data: CalendarData) -> None:
    hours = WorkingHours("market", ((time(9), time(17)),), weekdays=(1, 2, 3, 4, 5, 6))
    market = Calendar.of(replace(china_data, holidays=frozenset(), makeup_workdays=frozenset(), hours=hours))
    assert market.is_workday(date(2026, 10, 11))  # Sunday
    assert not market.is_workday(date(2026, 10, 12))  # Monday


@pytest.mark.parametrize(
    "shifts",
    [
        (),
        ((time(9), time(9)),),
        ((time(13), time(18)), (time(9), time(12))),
        ((time(9), time(13)), (time(12), time(18))),
        ((time(22), time(6)),),
    ],
)
def test_shifts_that_cannot_be_are_refused(china_data: CalendarData, shifts: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match="shifts must follow one another"):
        Calendar.of(replace(china_data, hours=WorkingHours("odd", shifts)))


def test_a_day_that_is_both_holiday_and_makeup_day_is_refused(china_data: CalendarData) -> None:
    with pytest.raises(ValueError, match="both holiday and make-up workday: 2026-10-10"):
        Calendar.of(replace(china_data, holidays=china_data.holidays | {date(2026, 10, 10)}))


def test_a_week_without_working_days_is_refused(china_data: CalendarData) -> None:
    with pytest.raises(ValueError, match="no weekday is worked"):
        Calendar.of(replace(china_data, hours=WorkingHours("never", ((time(9), time(17)),), weekdays=())))


def test_dates_and_moments_far_away_are_refused(china: Calendar) -> None:
    for day in (date(1969, 12, 31), date(2101, 1, 1)):
        with pytest.raises(OutOfRange):
            china.is_workday(day)
    for at in (datetime(1969, 12, 31, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)):
        with pytest.raises(OutOfRange):
            china.wall(at)
