"""A policy that replaces an earlier one from a moment on, and units that work by a calendar of their own."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from schemas.city import City
from schemas.vocabulary import Stage
from services.chassis.city import CityFaults, load
from services.supervision.rules.limits import Terms
from tests.city import small

SINCE = "2026-12-01T00:00:00+08:00"


def faults(directory: Path) -> list[str]:
    try:
        load(directory)
    except CityFaults as trouble:
        return [str(fault) for fault in trouble.faults]
    return []


def versioned(directory: Path, newest: str, **older: str) -> Path:
    """A small pack whose policy begins with these lines, and older versions that begin with theirs."""
    small.write(directory)
    text = (directory / "policy.toml").read_text()
    body = text.split("\n", 1)[1].replace('day_end = "working_hours"\n', "")
    assert text.startswith("version = ")
    (directory / "policy.toml").write_text(newest + "\n" + body)
    (directory / "policies").mkdir()
    for name, head in older.items():
        (directory / "policies" / f"{name}.toml").write_text(head + "\n" + body)
    return directory


def test_versions_stand_in_the_order_of_time(tmp_path: Path) -> None:
    pack = load(
        versioned(
            tmp_path,
            f'version = "3"\nsince = {SINCE}\ncovers = "orders"',
            b='version = "2"\nsince = 2026-06-01T00:00:00+08:00',
            a='version = "1"',
        )
    )
    assert pack.policy.version == "3" and pack.policy.covers == "orders"
    assert pack.policy.since == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert [(p.version, p.covers) for p in pack.earlier_policies] == [("1", "clocks"), ("2", "clocks")]


@pytest.mark.parametrize(
    ("newest", "older", "cause"),
    [
        ('version = "2"', 'version = "1"', "since: missing; of several versions only the oldest"),
        ('version = "2"', f'version = "1"\nsince = {SINCE}', "policy.toml:1: since: missing; it says from when"),
        (f'version = "1"\nsince = {SINCE}', 'version = "1"', "policies/a.toml:1: version: '1' is also policy.toml's"),
        (f'version = "2"\nsince = {SINCE}', f'version = "1"\nsince = {SINCE}', "policies/a.toml:2: since: policy.toml"),
        (
            'version = "2"\nsince = 2026-06-01T00:00:00+08:00',
            f'version = "1"\nsince = {SINCE}',
            "policies/a.toml:2: since: later than that of policy.toml",
        ),
        ('version = "2"\nsince = 2026-12-01', 'version = "1"', "policy.toml:2: since: must be a moment with an offset"),
        ('version = "2"\nsince = "soon"', 'version = "1"', "policy.toml:2: since: must be a moment with an offset"),
        (
            f'version = "2"\nsince = {SINCE}\ncovers = "all"',
            'version = "1"',
            "policy.toml:3: covers: 'all' is not one of clocks, orders",
        ),
        (f'version = "2"\nsince = {SINCE}', 'version = "1"\nday_end = "noon"', "policies/a.toml:2: day_end"),
    ],
)
def test_versions_that_contradict_each_other_are_faults(tmp_path: Path, newest: str, older: str, cause: str) -> None:
    found = faults(versioned(tmp_path, newest, a=older))
    assert any(cause in fault for fault in found), found


def test_a_broken_row_of_an_older_version_is_named_with_its_file(tmp_path: Path) -> None:
    versioned(tmp_path, f'version = "2"\nsince = {SINCE}', a='version = "1"')
    small.change(tmp_path, "policies/a.toml", "amount = 5", "amount = -5")
    (found,) = faults(tmp_path)
    assert found.startswith("policies/a.toml:") and "amount -5 must be above 0" in found


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("years = [2024, 2026]", "years: 2025 is missing between listed ones"),
        ('years = [2026]\nfunctions = ["nobody"]', "no unit has the function 'nobody'"),
        ('years = [2026]\nunits = ["X"]', "unknown unit 'X'"),
    ],
)
def test_a_calendar_with_a_gap_or_for_nobody_is_a_fault(tmp_path: Path, line: str, cause: str) -> None:
    small.write(tmp_path)
    small.change(tmp_path, "city.toml", "years = [2026]", line)
    assert any(cause in fault for fault in faults(tmp_path))


def test_two_calendars_for_one_unit_are_a_fault(tmp_path: Path) -> None:
    small.write(tmp_path)
    small.change(tmp_path, "city.toml", "years = [2026]", 'years = [2026]\nfunctions = ["cleaning"]')
    again = '[[calendar]]\nname = "other"\nfile = "calendar.csv"\nhours = "office"\nversion = "1"\nyears = [2026]\n'
    text = (tmp_path / "city.toml").read_text() + again + 'functions = ["cleaning"]\n'
    (tmp_path / "city.toml").write_text(text)
    assert any("'cleaning' works by calendar 'small' already" in fault for fault in faults(tmp_path))


def test_shifts_may_end_at_midnight_and_begin_there(tmp_path: Path) -> None:
    small.write(tmp_path)
    hours = 'shifts = [["0:00", "6:00"], ["22:00", "24:00"]]'
    small.change(tmp_path, "city.toml", 'shifts = [["9:00", "12:00"], ["13:00", "17:30"]]', hours)
    assert load(tmp_path).calendars[0].hours.shifts == ((time(0), time(6)), (time(22), time(0)))
    over = 'shifts = [["22:00", "6:00"]]'
    small.change(tmp_path, "city.toml", hours, over)
    (found,) = faults(tmp_path)
    assert "one over midnight is two, until 24:00 and from 00:00 on" in found


def test_a_street_accepts_by_its_own_working_hours_and_a_bureau_by_the_citys(shanghai: City) -> None:
    terms = Terms.of(shanghai.policy, shanghai.calendars, shanghai.units)
    street = next(unit for unit in shanghai.units if unit.function == "street_office")
    bureau = next(unit for unit in shanghai.units if unit.function == "construction")
    accept = next(row for row in shanghai.policy.limits if row.limit_id == "accept" and row.stage is Stage.ACCEPT)
    start = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # Monday, 08:30
    assert terms.due(terms.bound(accept, street.unit_id), start).at == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert terms.due(terms.bound(accept, bureau.unit_id), start).at == datetime(2026, 3, 2, 6, tzinfo=UTC)
    later = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)  # 13:30
    assert terms.due(terms.bound(accept, street.unit_id), later).at == datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert terms.due(terms.bound(accept, bureau.unit_id), later).at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
