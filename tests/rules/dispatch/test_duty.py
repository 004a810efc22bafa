"""Who is on: the roster, dates before weekdays, nights over midnight, swaps, empty shifts, and who rings instead."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.city import Shift, Unit
from schemas.rosters import Gap, Rosters, Swap
from schemas.vocabulary import Tier
from tests.rules.dispatch.town import CITY, UNITS

ZONE = ZoneInfo("Asia/Shanghai")
DAILY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHIFTS = (
    Shift("s1", DAILY, time(8), time(20), "day", "day-deputy", "1001"),
    Shift("s1", DAILY, time(20), time(8), "night", "night-deputy", "1001", "bring the keys"),
    Shift("s1", ("2026-10-01",), time(9), time(9), "holiday", "", "1002"),
    Shift("d1", ("mon", "tue", "wed", "thu", "fri"), time(9), time(17, 30), "district", "", "2001"),
    Shift("desk", DAILY, time(0), time(0), "desk", "", "9001"),
)
TOWN = replace(CITY, units=(*UNITS, Unit("desk", "总值班室", Tier.CITY, "duty_desk", "C", "city")), rosters=SHIFTS)
ROSTERS = Rosters(TOWN)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("unit", "moment", "person"),
    [
        ("s1", "2026-03-02 08:00", "day"),  # a shift begins with its first minute
        ("s1", "2026-03-02 19:59", "day"),
        ("s1", "2026-03-02 20:00", "night"),  # and ends before the last one named
        ("s1", "2026-03-03 07:59", "night"),  # yesterday's night shift
        ("s1", "2026-10-01 08:59", None),  # the night went home at 8, and the day has lines of its own
        ("s1", "2026-10-01 09:00", "holiday"),
        ("s1", "2026-10-01 23:00", "holiday"),
        ("s1", "2026-10-02 08:30", "day"),  # a day that begins takes over from the one before
        ("d1", "2026-03-02 09:00", "district"),
        ("d1", "2026-03-02 17:30", None),
        ("d1", "2026-03-07 12:00", None),  # a Saturday
        ("s2", "2026-03-02 12:00", None),  # no line at all
        ("desk", "2026-03-02 00:00", "desk"),
        ("desk", "2026-03-02 23:59", "desk"),
    ],
)
def test_who_is_on(unit: str, moment: str, person: str | None) -> None:
    found = ROSTERS.on(unit, at(moment))
    assert (found and found.person) == person


def test_a_moment_is_the_same_in_any_zone() -> None:
    local = at("2026-03-02 20:30")
    assert ROSTERS.on("s1", local) == ROSTERS.on("s1", local.astimezone(UTC))
    found = ROSTERS.on("s1", local)
    assert found is not None
    assert (found.starts, found.ends) == (at("2026-03-02 20:00"), at("2026-03-03 08:00"))


def a_swap(n: int, start: str, end: str, person: str, unit: str = "s1") -> Swap:
    return Swap(n=n, unit=unit, starts=at(start), ends=at(end), person=person, phone="7")


def test_a_swap_holds_for_its_span_and_the_one_recorded_last_counts() -> None:
    swaps = (
        a_swap(1, "2026-03-02 10:00", "2026-03-02 14:00", "first"),
        a_swap(2, "2026-03-02 12:00", "2026-03-02 13:00", "second"),
        a_swap(3, "2026-03-02 10:00", "2026-03-02 23:00", "elsewhere", unit="d1"),
    )

    def person(moment: str) -> str | None:
        found = ROSTERS.on("s1", at(moment), swaps)
        return found and found.person

    assert [person(f"2026-03-02 {hour}:30") for hour in ("09", "10", "12", "13", "14")] == [
        "day", "first", "second", "first", "day",
    ]  # fmt: skip
    before, after = (ROSTERS.on("s1", at(f"2026-03-02 {hour}:30"), swaps) for hour in ("09", "14"))
    assert before and before.ends == at("2026-03-02 10:00") and not before.swapped
    assert after and after.starts == at("2026-03-02 14:00")


def test_an_empty_shift_is_a_gap_and_the_unit_above_rings() -> None:
    nobody = (a_swap(1, "2026-03-02 22:00", "2026-03-03 01:00", ""),)
    day = (at("2026-03-02 12:00"), at("2026-03-03 12:00"))
    assert ROSTERS.gaps("s1", *day) == []
    assert ROSTERS.gaps("s1", *day, nobody) == [Gap("s1", at("2026-03-02 22:00"), at("2026-03-03 01:00"))]
    assert ROSTERS.gaps("d1", *day) == [Gap("d1", at("2026-03-02 17:30"), at("2026-03-03 09:00"))]
    for moment, unit, who in (
        ("2026-03-02 21:59", "s1", "night"),
        ("2026-03-02 22:00", "desk", "desk"),  # the district went home at 17:30
        ("2026-03-03 01:00", "s1", "night"),
    ):
        ring = ROSTERS.ring("s1", at(moment), nobody)
        assert ring.on is not None and (ring.on.unit, ring.on.person, ring.empty) == (unit, who, unit != "s1")
    daytime = ROSTERS.ring("s1", at("2026-03-02 12:00"), (a_swap(1, "2026-03-02 08:00", "2026-03-02 20:00", ""),))
    assert daytime.on is not None and daytime.on.unit == "d1"
    assert ROSTERS.above("k1") == ("k1", "s1", "d1", "city", "desk")
    assert ROSTERS.above("nobody knows") == ("nobody knows", "desk")
    assert Rosters(replace(CITY, rosters=())).ring("s1", at("2026-03-02 12:00")).on is None, (
        "a pack without rosters rings nobody"
    )


moments = st.datetimes(datetime(2026, 9, 28), datetime(2026, 10, 5)).map(lambda m: m.replace(tzinfo=ZONE))
swaps_ = st.lists(
    st.builds(
        lambda n, start, hours, person: Swap(
            n=n, unit="s1", starts=start, ends=start + timedelta(hours=hours), person=person
        ),
        st.integers(1, 9),
        moments,
        st.integers(1, 40),
        st.sampled_from(["", "swap"]),
    ),
    max_size=4,
    unique_by=lambda swap: swap.n,
)


@given(swaps_, moments, st.integers(1, 60), moments)
def test_a_moment_lies_in_a_gap_exactly_when_nobody_is_on(
    swaps: list[Swap], start: datetime, hours: int, moment: datetime
) -> None:
    end = start + timedelta(hours=hours)
    gaps = ROSTERS.gaps("s1", start, end, swaps)
    assert all(a.ends < b.starts for a, b in zip(gaps, gaps[1:], strict=False))
    if start <= moment < end:
        inside = any(gap.starts <= moment < gap.ends for gap in gaps)
        assert inside == (ROSTERS.on("s1", moment, swaps) is None)
