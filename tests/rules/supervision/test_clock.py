"""Deadlines case by case: each row says received, limit, due — all in local time — and stands for one situation."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from schemas.city import CalendarData, Limit, WorkingHours
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.calendar import Calendar, OutOfRange
from services.supervision.rules.clock import due, due_with_pauses

SHANGHAI, BOSTON = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")

WORK_DAYS = [
    # National Day 2026: off from 1 to 7 October, Saturday the 10th is worked instead
    ("2026-10-08 10:00", 1, "2026-10-09 18:00"),
    ("2026-10-08 10:00", 2, "2026-10-10 18:00"),
    ("2026-10-08 10:00", 3, "2026-10-12 18:00"),
    ("2026-10-08 10:00", 5, "2026-10-14 18:00"),
    ("2026-10-08 10:00", 15, "2026-10-28 18:00"),
    ("2026-10-08 00:00", 1, "2026-10-09 18:00"),
    ("2026-10-08 23:59", 1, "2026-10-09 18:00"),
    ("2026-10-09 19:00", 1, "2026-10-10 18:00"),
    ("2026-10-10 10:00", 1, "2026-10-12 18:00"),
    ("2026-10-10 20:00", 1, "2026-10-12 18:00"),
    ("2026-10-11 12:00", 1, "2026-10-12 18:00"),
    ("2026-09-30 17:59", 1, "2026-10-08 18:00"),
    ("2026-09-30 17:59", 5, "2026-10-13 18:00"),
    ("2026-10-03 10:00", 1, "2026-10-08 18:00"),
    ("2026-10-07 23:30", 1, "2026-10-08 18:00"),
    ("2026-09-18 16:00", 1, "2026-09-20 18:00"),
    ("2026-09-18 16:00", 2, "2026-09-21 18:00"),
    ("2026-09-24 10:00", 1, "2026-09-28 18:00"),
    ("2026-09-24 10:00", 5, "2026-10-09 18:00"),
    # Spring Festival 2026: off from 15 to 23 February, Saturdays the 14th and the 28th are worked
    ("2026-02-13 17:00", 1, "2026-02-14 18:00"),
    ("2026-02-13 17:00", 2, "2026-02-24 18:00"),
    ("2026-02-13 17:00", 5, "2026-02-27 18:00"),
    ("2026-02-13 17:00", 6, "2026-02-28 18:00"),
    ("2026-02-14 10:00", 1, "2026-02-24 18:00"),
    ("2026-02-17 00:30", 1, "2026-02-24 18:00"),
    ("2026-02-17 00:30", 5, "2026-02-28 18:00"),
    ("2026-02-23 23:59", 1, "2026-02-24 18:00"),
    ("2026-02-27 18:00", 1, "2026-02-28 18:00"),
    ("2026-02-28 12:30", 1, "2026-03-02 18:00"),
    # The other holidays of the year
    ("2026-01-02 08:00", 1, "2026-01-04 18:00"),
    ("2026-04-03 09:00", 1, "2026-04-07 18:00"),
    ("2026-04-30 10:00", 1, "2026-05-06 18:00"),
    ("2026-04-30 10:00", 5, "2026-05-11 18:00"),
    ("2026-05-08 10:00", 1, "2026-05-09 18:00"),
    ("2026-06-18 10:00", 1, "2026-06-22 18:00"),
    ("2026-12-30 10:00", 1, "2026-12-31 18:00"),
]

UNLISTED = [
    ("2026-12-31 10:00", 1, "2027-01-01 18:00"),
    ("2026-12-31 10:00", 5, "2027-01-07 18:00"),
    ("2026-12-25 10:00", 5, "2027-01-01 18:00"),
    ("2027-03-01 10:00", 1, "2027-03-02 18:00"),
    ("2028-02-28 10:00", 1, "2028-02-29 18:00"),
    ("2025-12-31 10:00", 1, "2026-01-04 18:00"),
]

WORK_HOURS = [
    ("2026-10-08 09:00", 3, "2026-10-08 12:00"),
    ("2026-10-08 09:00", 3.5, "2026-10-08 14:00"),
    ("2026-10-08 09:00", 7.5, "2026-10-08 18:00"),
    ("2026-10-08 09:00", 8, "2026-10-09 09:30"),
    ("2026-10-08 11:00", 2, "2026-10-08 14:30"),
    ("2026-10-08 12:30", 1, "2026-10-08 14:30"),
    ("2026-10-08 18:00", 1, "2026-10-09 10:00"),
    ("2026-10-08 03:00", 4, "2026-10-08 14:30"),
    ("2026-10-09 17:00", 4, "2026-10-10 12:00"),
    ("2026-10-10 17:30", 1, "2026-10-12 09:30"),
    ("2026-09-30 17:00", 2, "2026-10-08 10:00"),
    ("2026-02-14 17:00", 4, "2026-02-24 12:00"),
    ("2026-10-03 10:00", 7.5, "2026-10-08 18:00"),
    ("2026-10-08 11:59:59", 0.5, "2026-10-08 13:59:59"),
]

CONTINUOUS = [
    ("2026-10-03 02:00", 10, "minute", "2026-10-03 02:10"),
    ("2026-10-03 23:55", 10, "minute", "2026-10-04 00:05"),
    ("2026-10-08 10:00", 0.5, "minute", "2026-10-08 10:00:30"),
    ("2026-10-01 23:00", 2, "urgent_hour", "2026-10-02 01:00"),
    ("2026-02-16 12:00", 48, "urgent_hour", "2026-02-18 12:00"),
    ("2026-10-01 10:00", 1, "natural_day", "2026-10-02 10:00"),
    ("2026-02-28 10:00", 1, "natural_day", "2026-03-01 10:00"),
    ("2028-02-28 10:00", 1, "natural_day", "2028-02-29 10:00"),
    ("2026-12-31 23:59", 1, "natural_day", "2027-01-01 23:59"),
]

BUSINESS_RULE = [
    ("2026-10-08 10:00", 2, "2026-10-10 10:00"),
    ("2026-10-08 12:30", 1, "2026-10-09 12:30"),
    ("2026-10-08 07:00", 1, "2026-10-09 07:00"),
    ("2026-10-08 17:59:59", 1, "2026-10-09 17:59:59"),
    ("2026-10-08 18:00", 1, "2026-10-10 09:00"),
    ("2026-10-03 10:00", 1, "2026-10-09 10:00"),
    ("2026-10-03 20:00", 1, "2026-10-10 09:00"),
    ("2026-10-10 18:00", 1, "2026-10-13 09:00"),
]

IN_BOSTON = [
    # Summer time ends on 2011-11-06 at 02:00 and begins on 2012-03-11 at 02:00
    ("2011-11-04 16:59", 1, "business_rule", "2011-11-07 16:59-05:00"),
    ("2011-11-04 17:00", 1, "business_rule", "2011-11-08 08:30-05:00"),
    ("2011-11-05 10:00", 2, "business_rule", "2011-11-09 10:00-05:00"),
    ("2011-11-05 21:00", 2, "business_rule", "2011-11-10 08:30-05:00"),
    ("2011-11-11 10:00", 1, "business_rule", "2011-11-14 10:00-05:00"),
    ("2011-11-05 12:00", 1, "natural_day", "2011-11-06 12:00-05:00"),
    ("2011-11-05 01:30", 1, "natural_day", "2011-11-06 01:30-04:00"),
    ("2012-03-10 02:30", 1, "natural_day", "2012-03-11 03:00-04:00"),
    ("2011-11-05 12:00", 24, "urgent_hour", "2011-11-06 11:00-05:00"),
    ("2012-03-11 01:50", 20, "minute", "2012-03-11 03:10-04:00"),
    ("2012-03-09 16:00", 2, "work_hour", "2012-03-12 09:30-04:00"),
    ("2012-03-09 16:00", 1, "work_day", "2012-03-12 17:00-04:00"),
]


def local(text: str, zone: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


@pytest.mark.parametrize(("received", "days", "expected"), WORK_DAYS)
def test_work_days_count_from_the_day_after_receipt(china: Calendar, received: str, days: int, expected: str) -> None:
    answer = due(local(received, SHANGHAI), days, LimitUnit.WORK_DAY, china)
    assert answer.at == local(expected, SHANGHAI)
    assert answer.at.tzinfo is UTC
    assert not answer.unlisted


@pytest.mark.parametrize(("received", "days", "expected"), UNLISTED)
def test_a_year_without_a_list_uses_weekdays_and_says_so(
    china: Calendar, received: str, days: int, expected: str
) -> None:
    answer = due(local(received, SHANGHAI), days, LimitUnit.WORK_DAY, china)
    assert answer.at == local(expected, SHANGHAI)
    assert answer.unlisted


@pytest.mark.parametrize(("received", "hours", "expected"), WORK_HOURS)
def test_work_hours_run_only_inside_the_shifts(china: Calendar, received: str, hours: float, expected: str) -> None:
    answer = due(local(received, SHANGHAI), hours, LimitUnit.WORK_HOUR, china)
    assert answer.at == local(expected, SHANGHAI)
    assert not answer.unlisted


@pytest.mark.parametrize(("received", "amount", "unit", "expected"), CONTINUOUS)
def test_continuous_units_ignore_nights_and_holidays(
    china: Calendar, received: str, amount: float, unit: str, expected: str
) -> None:
    answer = due(local(received, SHANGHAI), amount, LimitUnit(unit), china)
    assert answer.at == local(expected, SHANGHAI)
    assert not answer.unlisted


@pytest.mark.parametrize(("received", "days", "expected"), BUSINESS_RULE)
def test_business_rule_moves_the_start_and_keeps_the_time_of_day(
    china: Calendar, received: str, days: int, expected: str
) -> None:
    assert due(local(received, SHANGHAI), days, LimitUnit.BUSINESS_RULE, china).at == local(expected, SHANGHAI)


@pytest.mark.parametrize(("received", "amount", "unit", "expected"), IN_BOSTON)
def test_summer_time_moves_the_moment_never_the_wall_clock(
    boston: Calendar, received: str, amount: float, unit: str, expected: str
) -> None:
    assert due(local(received, BOSTON), amount, LimitUnit(unit), boston).at == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("received", "days", "day_end", "count_start_day", "expected"),
    [
        ("2026-10-08 10:00", 2, "midnight", False, "2026-10-10 23:59:59"),
        ("2026-09-30 20:00", 1, "midnight", False, "2026-10-08 23:59:59"),
        ("2026-10-08 10:00", 1, "working_hours", True, "2026-10-08 18:00"),
        ("2026-10-08 17:59:59", 1, "working_hours", True, "2026-10-08 18:00"),
        ("2026-10-08 18:00", 1, "working_hours", True, "2026-10-09 18:00"),
        ("2026-10-08 20:00", 1, "midnight", True, "2026-10-08 23:59:59"),
        ("2026-10-03 10:00", 1, "working_hours", True, "2026-10-08 18:00"),
        ("2026-10-10 09:30", 2, "working_hours", True, "2026-10-12 18:00"),
        ("2026-10-11 09:30", 2, "midnight", True, "2026-10-13 23:59:59"),
    ],
)
def test_policy_says_when_a_day_ends_and_whether_the_first_counts(
    china: Calendar, received: str, days: int, day_end: str, count_start_day: bool, expected: str
) -> None:
    answer = due(
        local(received, SHANGHAI), days, LimitUnit.WORK_DAY, china, day_end=day_end, count_start_day=count_start_day
    )
    assert answer.at == local(expected, SHANGHAI)


def test_the_zone_of_the_start_does_not_matter(china: Calendar) -> None:
    start = local("2026-10-08 07:30", SHANGHAI)
    for zone in (UTC, BOSTON):
        for unit in LimitUnit:
            assert due(start.astimezone(zone), 2, unit, china) == due(start, 2, unit, china)


def test_a_night_shift_in_the_repeated_hour_is_due_after_its_start(night: Calendar) -> None:
    second_coming = datetime(2011, 11, 6, 6, 50, tzinfo=UTC)
    assert due(second_coming, 0.1, LimitUnit.WORK_HOUR, night).at == datetime(2011, 11, 6, 6, 56, tzinfo=UTC)


def test_a_night_shift_over_the_skipped_hour_ends_after_the_gap(night: Calendar) -> None:
    start = local("2012-03-11 01:30", BOSTON)
    assert due(start, 1, LimitUnit.WORK_HOUR, night).at == datetime.fromisoformat("2012-03-11 03:00-04:00")
    assert due(start, 2, LimitUnit.WORK_HOUR, night).at == datetime.fromisoformat("2012-03-11 03:30-04:00")


@pytest.mark.parametrize(("amount", "unit"), [(0, "minute"), (-1, "work_day"), (float("nan"), "work_hour")])
def test_a_limit_must_be_above_zero(china: Calendar, amount: float, unit: str) -> None:
    with pytest.raises(ValueError, match="not above zero"):
        due(local("2026-10-08 10:00", SHANGHAI), amount, LimitUnit(unit), china)


@pytest.mark.parametrize("unit", ["work_day", "natural_day", "business_rule"])
def test_days_are_whole(china: Calendar, unit: str) -> None:
    with pytest.raises(ValueError, match="not whole days"):
        due(local("2026-10-08 10:00", SHANGHAI), 1.5, LimitUnit(unit), china)


def test_a_start_without_zone_is_refused(china: Calendar) -> None:
    with pytest.raises(ValueError, match="without zone"):
        due(datetime(2026, 10, 8, 10), 1, LimitUnit.WORK_DAY, china)


@pytest.mark.parametrize("unit", ["work_hour", "work_day", "natural_day", "business_rule"])
def test_beyond_the_calendar_is_an_error_not_a_guess(china: Calendar, unit: str) -> None:
    with pytest.raises(OutOfRange):
        due(local("2026-10-08 10:00", SHANGHAI), 900_000, LimitUnit(unit), china)
    with pytest.raises(OutOfRange):
        due(datetime(1969, 1, 1, tzinfo=UTC), 1, LimitUnit(unit), china)


def test_a_watch_that_works_until_midnight_is_due_at_midnight(china_data: CalendarData) -> None:
    shifts = ((time(0), time(6)), (time(22), time(0)))
    watch = Calendar.of(replace(china_data, hours=WorkingHours("watch", shifts, weekdays=tuple(range(7)))))
    assert watch.worked_per_day == 8 * 3600 * 1_000_000
    start = local("2026-03-02 23:00", SHANGHAI)
    assert due(start, 1, LimitUnit.WORK_HOUR, watch).at == local("2026-03-03 00:00", SHANGHAI)
    assert due(start, 2, LimitUnit.WORK_HOUR, watch).at == local("2026-03-03 01:00", SHANGHAI)
    assert due(start, 1, LimitUnit.WORK_DAY, watch).at == local("2026-03-04 00:00", SHANGHAI)
    limit = Limit(limit_id="x", stage=Stage.TOTAL, amount=1, unit=LimitUnit.WORK_DAY)
    pause = [(local("2026-03-03 01:00", SHANGHAI), local("2026-03-03 06:00", SHANGHAI))]
    assert due_with_pauses(start, limit, pause, watch).at == local("2026-03-05 00:00", SHANGHAI), "rounded up once"
    whole = [(local("2026-03-03 00:00", SHANGHAI), local("2026-03-04 00:00", SHANGHAI))]
    assert due_with_pauses(start, limit, whole, watch).at == local("2026-03-05 00:00", SHANGHAI), "a whole day for one"
