"""Approved pauses and early warnings, case by case; local time of Shanghai."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.city import Limit
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.calendar import Calendar
from services.supervision.rules.clock import due_with_pauses, warn_at

ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZONE)


def limit(amount: float, unit: str, warn: float = 0.8) -> Limit:
    return Limit(limit_id="x", stage=Stage.TOTAL, amount=amount, unit=LimitUnit(unit), warn=warn)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "pauses", "expected"),
    [
        ("10-08 10:00", 2, "work_day", [("10-09 09:00", "10-09 18:00")], "10-12 18:00"),  # one whole working day
        ("10-08 10:00", 2, "work_day", [("10-09 10:00", "10-09 10:05")], "10-12 18:00"),  # rounded up
        ("10-08 10:00", 2, "work_day", [("10-09 10:00", "10-09 10:05"), ("10-09 11:00", "10-09 11:05")], "10-12 18:00"),
        ("10-08 10:00", 3, "work_day", [("10-10 18:00", "10-12 09:00")], "10-12 18:00"),  # a weekend costs nothing
        ("10-08 10:00", 2, "work_day", [("10-10 18:00", "10-14 09:00")], "10-10 18:00"),  # begins when it is due
        ("10-08 10:00", 2, "work_day", [("10-07 09:00", "10-08 10:00")], "10-10 18:00"),  # over before the start
        ("10-08 10:00", 2, "work_day", [("10-10 17:00", "10-14 10:00")], "10-14 18:00"),
        ("10-08 10:00", 2, "work_day", [("10-09 18:00", "10-09 09:00")], "10-10 18:00"),  # ends before it begins
        ("10-08 09:00", 4, "work_hour", [("10-08 10:00", "10-08 11:00")], "10-08 15:30"),
        (
            "10-08 09:00",
            4,
            "work_hour",
            [("10-08 10:30", "10-08 11:30"), ("10-08 10:00", "10-08 11:00")],
            "10-08 16:00",
        ),
        ("10-08 09:00", 4, "work_hour", [("10-08 12:00", "10-08 13:30")], "10-08 14:30"),  # lunch
        ("10-08 09:00", 4, "work_hour", [("10-08 08:00", "10-08 10:00")], "10-08 15:30"),  # runs into the start
        ("10-08 09:00", 8, "work_hour", [("10-08 17:00", "10-08 22:00")], "10-09 10:30"),
        ("10-03 23:00", 2, "urgent_hour", [("10-03 23:30", "10-04 00:30")], "10-04 02:00"),
        ("10-03 23:00", 1, "natural_day", [("10-04 01:00", "10-04 04:00")], "10-05 02:00"),
        ("10-08 07:00", 2, "business_rule", [("10-10 06:00", "10-10 06:30")], "10-10 07:00"),  # nobody works then
        # never due inside a pause
        ("10-08 07:00", 2, "business_rule", [("10-10 06:30", "10-10 07:30")], "10-10 07:30"),
        ("10-08 10:00", 1, "business_rule", [("10-09 09:30", "10-09 17:00")], "10-09 17:30"),
    ],
)
def test_paused_time_is_given_back(
    china: Calendar, start: str, amount: float, unit: str, pauses: list[tuple[str, str]], expected: str
) -> None:
    intervals = [(local(begin), local(end)) for begin, end in pauses]
    assert due_with_pauses(local(start), limit(amount, unit), intervals, china).at == local(expected)


def test_a_pause_into_an_unlisted_year_says_so(china: Calendar) -> None:
    start, until = local("12-28 10:00"), datetime(2027, 1, 5, 12, tzinfo=ZONE)
    assert not due_with_pauses(start, limit(2, "work_day"), [], china).unlisted
    answer = due_with_pauses(start, limit(2, "work_day"), [(local("12-29 10:00"), until)], china)
    assert answer.unlisted
    assert answer.at == datetime(2027, 1, 7, 18, tzinfo=ZONE)


def test_the_limit_overrides_the_policys_end_of_day(china: Calendar) -> None:
    start, plain = local("10-08 10:00"), limit(1, "work_day")
    own = Limit(limit_id="x", stage=Stage.TOTAL, amount=1, unit=LimitUnit.WORK_DAY, day_end="midnight")
    assert due_with_pauses(start, plain, [], china, day_end="midnight").at == local("10-09 23:59:59")
    assert due_with_pauses(start, own, [], china, day_end="working_hours").at == local("10-09 23:59:59")
    paused = [(local("10-09 23:00"), local("10-10 00:30"))]
    assert due_with_pauses(start, own, paused, china).at == local("10-10 23:59:59")


@pytest.mark.parametrize(
    ("start", "amount", "unit", "warn", "expected"),
    [
        ("10-03 02:00", 10, "minute", 0.8, "10-03 02:08"),
        ("10-01 23:00", 5, "urgent_hour", 0.8, "10-02 03:00"),
        ("10-01 10:00", 5, "natural_day", 0.8, "10-05 10:00"),
        ("10-08 09:00", 5, "work_hour", 0.8, "10-08 14:30"),
        ("10-09 17:00", 5, "work_hour", 0.8, "10-10 12:00"),
        ("10-08 10:00", 5, "work_day", 0.8, "10-13 16:42"),
        ("10-03 10:00", 1, "work_day", 0.8, "10-08 16:30"),
        ("10-08 10:00", 1, "business_rule", 0.5, "10-08 15:15"),
        ("10-08 10:00", 5, "work_day", 1.0, "10-14 18:00"),
    ],
)
def test_warning_share_is_measured_in_the_units_own_time(
    china: Calendar, start: str, amount: float, unit: str, warn: float, expected: str
) -> None:
    row = limit(amount, unit, warn)
    due_at = due_with_pauses(local(start), row, [], china).at
    assert warn_at(local(start), due_at, row, china) == local(expected)


def test_a_pause_moves_the_warning_too(china: Calendar) -> None:
    row, pauses = limit(5, "work_hour"), [(local("10-08 10:00"), local("10-08 11:00"))]
    due_at = due_with_pauses(local("10-08 09:00"), row, pauses, china).at
    assert due_at == local("10-08 16:30")
    assert warn_at(local("10-08 09:00"), due_at, row, china, pauses) == local("10-08 15:30")


def test_a_due_set_by_another_platform_on_a_day_off_still_warns_in_between(china: Calendar) -> None:
    assert warn_at(local("10-03 10:00"), local("10-03 20:00"), limit(5, "work_day"), china) == local("10-03 18:00")
