"""Policy rows bound in time, and amounts that no clock could run."""

from pathlib import Path

import pytest

from services.chassis.city import CityFaults, load
from tests.city import small

FIRST, SECOND = "2026-10-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"


def added(directory: Path, *rows: str) -> list[str]:
    """The faults of a small pack with rows put before its own."""
    small.write(directory)
    text = "".join(
        f'[[limit]]\nlimit_id = "new-{number}"\nstage = "accept"\n{row}\n\n' for number, row in enumerate(rows)
    )
    first = '[[limit]]\nlimit_id = "accept"'
    small.change(directory, "policy.toml", first, text + first)
    try:
        load(directory)
    except CityFaults as trouble:
        return [fault.cause for fault in trouble.faults if fault.file == "policy.toml"]
    return []


def test_a_row_bound_in_time_leaves_the_rest_of_time_to_later_rows(tmp_path: Path) -> None:
    bounded = f'amount = 1\nunit = "work_day"\nvalid_from = {FIRST}\nvalid_to = {SECOND}'
    until = f'amount = 2\nunit = "work_day"\nvalid_to = {SECOND}'
    assert added(tmp_path, bounded, until) == []
    pack = load(tmp_path)
    assert [row.valid_from is None for row in pack.policy.limits[:3]] == [False, True, True]


def test_a_row_inside_the_time_of_an_earlier_one_can_never_match(tmp_path: Path) -> None:
    until = f'amount = 2\nunit = "work_day"\nvalid_to = {SECOND}'
    causes = added(tmp_path, until, f'amount = 1\nunit = "work_day"\nvalid_to = {FIRST}')
    assert len(causes) == 1
    assert "'new-1' can never match: 'new-0'" in causes[0]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ('amount = 1.5\nunit = "work_day"', "must be whole days"),
        ('amount = 0.5\nunit = "business_rule"', "must be whole days"),
        ('amount = 1\nunit = "minute"\nvalid_from = 2026-10-01T00:00:00', "need an offset"),
        (f'amount = 1\nunit = "minute"\nvalid_from = {SECOND}\nvalid_to = {FIRST}', "would never apply"),
        (f'amount = 1\nunit = "minute"\nvalid_from = {FIRST}\nvalid_to = {FIRST}', "would never apply"),
    ],
)
def test_a_row_that_no_clock_could_follow_is_a_fault(tmp_path: Path, row: str, cause: str) -> None:
    causes = added(tmp_path, f"{row}\nrounds = [2]")
    assert len(causes) == 1
    assert cause in causes[0]


def test_half_hours_are_fine(tmp_path: Path) -> None:
    assert added(tmp_path, 'amount = 0.5\nunit = "work_hour"\nrounds = [2]') == []
