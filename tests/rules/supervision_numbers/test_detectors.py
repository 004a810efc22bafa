"""Detectors: each with a case that is found and one that just is not, and a late fact that takes it back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from schemas.city import Detector
from schemas.facts import ContactMade, Place
from schemas.vocabulary import FindingKind, Tier, Verification
from services.supervision.rules.detectors import (
    Neighbour,
    Rules,
    cell_of,
    cells_near,
    found,
    metres,
    silent,
)
from tests.rules.supervision_numbers.counted import folded
from tests.rules.supervision_numbers.test_each_number import at, handled, returned
from tests.rules.supervision_timeline.asking import parked, resumed
from tests.rules.supervision_timeline.story import Story
from tests.rules.supervision_timeline.toy import START

RULES = Rules()
SPOT = (121.4, 31.2)
NOW = at(24 * 60)


def kinds(told: Story, now: datetime = NOW, rules: Rules = RULES, near: list[Neighbour] | None = None) -> set[str]:
    timeline, ledger = folded(told.facts)
    return {finding.kind.value for finding in found(timeline, ledger, rules, now, near)}


def site(name: str = "site", **given: Any) -> Story:
    return Story(name).opened(START, verification=Verification.SITE, **given)


def fast(minutes: float, **given: Any) -> Story:
    return Story("fast").opened(START, **given).accepted(at(0.5)).arrived(at(1)).done(at(minutes))


CASES: list[tuple[str, Callable[[], Story], datetime, bool]] = [
    ("ping_pong", lambda: returned(Story("p").opened(START), 10, ping_pong=True), NOW, True),
    ("ping_pong", lambda: returned(Story("p").opened(START), 10), NOW, False),
    ("never_contacted", lambda: Story("n").opened(START).accepted(at(1)).done(at(9)).closed(at(20)), NOW, True),
    ("never_contacted", lambda: handled(), NOW, False),
    ("never_contacted", lambda: Story("n").opened(START).accepted(at(1)), NOW, False),
    ("no_visit", lambda: site().accepted(at(5)).contacted(at(6)).done(at(60)).closed(at(90)), NOW, True),
    ("no_visit", lambda: site().accepted(at(5)).arrived(at(9)).done(at(60)).closed(at(90)), NOW, False),
    ("no_visit", lambda: Story("c").opened(START).accepted(at(5)).done(at(60)).closed(at(90)), NOW, False),
    ("too_fast", lambda: fast(2.9, verification=Verification.SITE), NOW, True),
    ("too_fast", lambda: fast(3, verification=Verification.SITE), NOW, False),
    ("too_fast", lambda: fast(2.9), NOW, False),  # a telephone answer may be quick
    ("parked_long", lambda: _parked(), at(10) + timedelta(days=91), True),
    ("parked_long", lambda: _parked(), at(10) + timedelta(days=89), False),
    ("parked_long", lambda: _resumed(), at(10) + timedelta(days=91), False),
    ("overlooked", lambda: Story("o").opened(START), START + timedelta(days=30), True),
    ("overlooked", lambda: Story("o").opened(START), START + timedelta(days=29), False),
    ("overlooked", lambda: Story("o").opened(START).joined(at(9), "two"), START + timedelta(days=30), False),
    ("overlooked", lambda: handled(), START + timedelta(days=30), False),
]


def _parked() -> Story:
    told = Story("parked").opened(START).accepted(at(5))
    parked(told, at(10), until=at(24 * 60 * 300))
    return told


def _resumed() -> Story:
    told = _parked()
    resumed(told, at(24 * 60))
    return told


@pytest.mark.parametrize(("kind", "tell", "now", "is_found"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_found_or_just_not(kind: str, tell: Callable[[], Story], now: datetime, is_found: bool) -> None:
    assert (kind in kinds(tell(), now)) is is_found


def test_every_kind_that_orders_have_is_in_the_table_and_can_be_switched_off() -> None:
    tried = {case[0] for case in CASES} | {"recurrence", "unit_silent"}
    assert tried == {kind.value for kind in FindingKind}
    for kind, tell, now, is_found in CASES:
        if is_found:
            off = Rules((Detector(FindingKind(kind), on=False),))
            assert kinds(tell(), now, off) == set()


def test_a_contact_that_is_told_late_takes_the_finding_back() -> None:
    told = Story("n").opened(START).accepted(at(1)).done(at(9)).closed(at(20))
    assert "never_contacted" in kinds(told)
    late = Story("n").opened(START).accepted(at(1)).contacted(at(5)).done(at(9)).closed(at(20))
    assert "never_contacted" not in kinds(late)
    assert any(isinstance(fact, ContactMade) for fact in late.facts)


def placed(spot: tuple[float, float], name: str = "spot") -> Story:
    lon, lat = spot
    return Story(name).opened(START, place=Place(division="D1", name="here", tier=Tier.STREET, lon=lon, lat=lat))


def other(east_m: float, days: float, counts: bool = True, id_: UUID | None = None) -> Neighbour:
    lon = SPOT[0] + east_m / 95_100  # metres in a degree of longitude at that latitude
    return Neighbour(id_ or uuid4(), START - timedelta(days=days), (lon, SPOT[1]), counts)


@pytest.mark.parametrize(
    ("near", "is_found"),
    [
        ([other(10, 1), other(-30, 20)], True),
        ([other(10, 1)], False),  # the second, not the third
        ([other(10, 1), other(60, 2)], False),  # too far
        ([other(10, 1), other(10, 31)], False),  # too long ago
        ([other(10, 1), other(10, -1)], False),  # that one came later: it is the third then
        ([other(10, 1), other(10, 2, counts=False)], False),  # entered in error
    ],
)
def test_the_third_of_its_class_at_a_place_recurs(near: list[Neighbour], is_found: bool) -> None:
    assert ("recurrence" in kinds(placed(SPOT), near=near)) is is_found


def test_two_places_within_fifty_metres_are_looked_for_in_each_others_cells() -> None:
    for lon in (0.0, 0.0007, 0.00099, 0.00101, 0.0019):
        for lat in (0.0, 0.0009, 0.00199):
            a = (SPOT[0] + lon, SPOT[1] + lat)
            _, one = folded(placed(a).facts)
            for east, north in ((0.0005, 0), (-0.0005, 0), (0, 0.00044), (0, -0.00044), (0.0003, 0.0003)):
                b = (a[0] + east, a[1] + north)
                assert metres(a, b) <= 50
                _, two = folded(placed(b).facts)
                assert cell_of(two) in cells_near(one)


def test_a_unit_is_silent_when_offers_lie_and_it_has_said_nothing_for_as_long() -> None:
    word = START
    assert silent("street-a", "D1", 5, word, RULES, word + timedelta(minutes=240)) is not None
    assert silent("street-a", "D1", 4, word, RULES, word + timedelta(minutes=240)) is None
    assert silent("street-a", "D1", 5, word, RULES, word + timedelta(minutes=239)) is None
    first = silent("street-a", "D1", 5, word, RULES, word + timedelta(minutes=300))
    again = silent("street-a", "D1", 9, word, RULES, word + timedelta(minutes=900))
    assert first is not None and again is not None and first.finding_id == again.finding_id, "one silence"
