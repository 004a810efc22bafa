"""Setting our deadlines beside the published ones."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from deploy.replay.compare import ALL, INFERRED, KEPT_BACK, Ours, compare, reason_of
from deploy.replay.records import Record
from deploy.replay.report import as_data, passes

from .conftest import moment

Make = Callable[..., Record]
DUE = moment("2011-10-05 10:00:05")


@pytest.mark.parametrize(
    ("seconds", "equal"), [(0, True), (1, True), (59.9, True), (-59.9, True), (60, False), (-60, False), (86400, False)]
)
def test_deadlines_are_the_same_when_less_than_a_minute_apart(record: Make, seconds: float, equal: bool) -> None:
    row = record(target=DUE)
    outcome = compare([row], {"1": Ours(DUE + timedelta(seconds=seconds), True, "x")})
    assert outcome.total.ruled == 1
    assert outcome.total.equal == equal
    assert outcome.total.second == (seconds == 0)
    assert bool(outcome.disagreements) != equal


def test_periods_are_counted_apart(record: Make) -> None:
    rows = [
        record(case_id="1"),
        record(case_id="2", opened="2011-10-31 23:59:59"),
        record(case_id="3", opened="2011-11-01 00:00:00"),
    ]
    outcome = compare(rows, {row.case_id: Ours(row.target, True) for row in rows})
    assert [outcome.periods[name].rows for name in (INFERRED, KEPT_BACK, ALL)] == [2, 1, 3]


def test_every_row_falls_into_its_own_count(record: Make) -> None:
    target = record().target
    rows = {
        "same": record(),
        "flag": record(on_time=False),
        "no flag": record(on_time=None),
        "no rule": record(),
        "no target": record(target=None),
        "neither": record(target=None),
        "lost": record(),
    }
    named = [_named(row, name) for name, row in rows.items()]
    ours = {
        "same": Ours(target, True),
        "flag": Ours(target, True),
        "no flag": Ours(target, True),
        "no rule": Ours(),
        "no target": Ours(DUE, True),
        "neither": Ours(),
    }
    outcome = compare(named, ours)
    total = outcome.total
    assert (total.rows, total.missing, total.targets, total.ruled, total.unpromised) == (7, 1, 5, 3, 1)
    assert (total.flags, total.flags_equal, total.flags_at_equal, total.flags_equal_at_equal) == (2, 1, 2, 1)
    assert total.coverage == 3 / 5
    assert total.agreement == 1.0
    assert outcome.unruled == {"Sticker Request": 1}
    assert not passes(outcome)  # one row is missing


def _named(row: Record, name: str) -> Record:
    return replace(row, case_id=name)


@pytest.mark.parametrize(
    ("target", "due", "kind"),
    [
        ("2011-10-05 10:02:04", "2011-10-05 10:04:05", "form open"),
        ("2011-10-07 15:30:00", "2011-10-05 10:00:05", "moved by hand"),
        ("2059-12-31 19:00:00", "2011-10-05 10:00:05", "placeholder"),
        ("2011-10-01 00:00:00", "2011-10-05 10:00:05", "before opening"),
        ("2011-10-07 08:30:00", "2011-10-05 10:00:05", "another rule"),
        ("2011-10-07 10:00:05", "2011-10-05 10:00:05", "another rule"),
        ("2011-10-05 09:00:05", "2011-10-05 10:00:05", "another rule"),
    ],
)
def test_a_difference_gets_its_most_likely_reason(target: str, due: str, kind: str) -> None:
    found, reason = reason_of(moment("2011-10-03 10:00:05"), moment(target), moment(due))
    assert found == kind
    assert reason


def test_ninety_nine_in_a_hundred_must_be_the_same(record: Make) -> None:
    rows = [_named(record(), str(number)) for number in range(200)]
    good = {row.case_id: Ours(row.target, True, "x") for row in rows}
    late = Ours(DUE + timedelta(days=1), True, "x")
    assert passes(compare(rows, good))
    assert passes(compare(rows, good | {"0": late, "1": late}))
    assert not passes(compare(rows, good | {"0": late, "1": late, "2": late}))


def test_a_flag_that_differs_at_the_same_deadline_is_not_passed_over(record: Make) -> None:
    rows = [_named(record(), str(number)) for number in range(100)]
    ours = {row.case_id: Ours(row.target, True, "x") for row in rows}
    assert not passes(compare(rows, ours | {"0": Ours(rows[0].target, False, "x")}))


def test_nothing_to_compare_does_not_pass(record: Make) -> None:
    assert not passes(compare([], {}))
    assert not passes(compare([record()], {"1": Ours()}))


def test_programs_get_every_disagreement(record: Make) -> None:
    rows = [_named(record(), str(number)) for number in range(40)]
    told = as_data(compare(rows, {row.case_id: Ours(DUE + timedelta(days=1), False, "x") for row in rows}), "here")
    assert told["passes"] is False
    assert len(told["disagreements"]) == 40
    assert told["disagreements_by_kind"] == [{"kind": "another rule", "rows": 40, "flags": 40}]
    assert told["periods"][ALL]["agreement"] == 0.0


def test_a_flag_that_differs_alone_is_told_with_its_closing(record: Make) -> None:
    rows = [record(on_time=False), _named(record(closed=None, on_time=False), "2")]
    outcome = compare(rows, {"1": Ours(DUE, True, "x"), "2": Ours(DUE, None, "x")})
    assert [(found.kind, found.flag) for found in outcome.disagreements] == [("flag alone", True)] * 2
    assert outcome.disagreements[0].reason == "closed 2011-10-04 12:00:00: published missed, ours kept"
    assert outcome.disagreements[1].reason == "still open: published missed, ours undecided"
