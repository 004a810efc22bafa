"""A unit that is merged into another between opening and closing: what is asked of its parts is answered of its heir,
and whoever still has a sign-in token of it acts for nobody."""

from datetime import date, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from schemas.city import City, Division
from schemas.rosters import Rosters
from schemas.standing import Units, retired_codes
from schemas.vocabulary import Role, Tier
from services.dispatch.rules import subjects
from services.dispatch.rules.book import Actor
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.requests.deciders import may_decide
from services.dispatch.rules.standing import caller, centre_of
from services.dispatch.rules.visibility import sees
from tests.rules.dispatch.acting import Table
from tests.rules.dispatch.town import CITY, DIVISIONS, T0, a_plan, a_report, proposed

DAY = date(2026, 3, 2)


def merged(into: dict[str, str], city: City = CITY) -> City:
    """The city in which these units ended, each with its successor."""
    ended = tuple(
        replace(unit, valid_to=DAY - timedelta(days=1), successor=into[unit.unit_id])
        for unit in city.units
        if unit.unit_id in into
    )
    left = tuple(unit for unit in city.units if unit.unit_id not in into)
    return replace(city, units=left, every_unit=(*left, *ended))


TOWN = merged({"s1-clean": "s1-road", "s1": "s2", "d2": ""})
DIRECTORY = Directory(TOWN)


@pytest.mark.parametrize(
    ("unit", "heir", "acts_for"),
    [
        ("s1-road", "s1-road", ("s1-road", "s1-clean")),
        ("s1-clean", "s1-road", ()),
        ("s2", "s2", ("s2", "s1")),
        ("d2", "d2", ()),  # ended, and nobody took over
        ("110", "110", ("110",)),  # a platform is no unit of the city
    ],
)
def test_who_does_the_work_of_whom(unit: str, heir: str, acts_for: tuple[str, ...]) -> None:
    assert (DIRECTORY.heir(unit), DIRECTORY.acts_for(unit)) == (heir, acts_for)


def test_merged_again_and_again_the_last_one_acts_for_all() -> None:
    units = Units(merged({"s1-clean": "s1-road", "s1-road": "k1"}))
    assert (units.heir("s1-clean"), units.acts_for("k1")) == ("k1", ("k1", "s1-road", "s1-clean"))
    assert units.acting("s1-clean") is units.today["k1"]
    assert Units(merged({"s1-clean": "s1-road", "s1-road": "s1-clean"})).heir("s1-clean") == "s1-clean", "a ring ends"


def test_what_is_asked_of_a_merged_units_part_is_answered_of_its_heir() -> None:
    assert DIRECTORY.tier_of("s1-clean") is Tier.STREET
    assert DIRECTORY.centre_above("s1") == "d1"
    assert DIRECTORY.centres_over("s1") == ["d1", "city"]
    assert DIRECTORY.is_below("road-crew", "s1-clean") and not DIRECTORY.is_below("s1-road", "s1-clean")
    assert DIRECTORY.is_over("d1", "s1") and not DIRECTORY.is_over("s1", "s1-road")
    assert set(DIRECTORY.centres_under("d1")) == {"d1", "s2", "s1"}


def test_the_centre_that_dispatched_is_the_one_that_it_became_part_of() -> None:
    order = Table(proposed(plan=a_plan("s1-clean"))).order
    part = order.assignments[0]
    assert order.detail.path[-1].unit == "s1" and centre_of(DIRECTORY, order, part) == "s2"
    for unit, role, may in (("s2", Role.DISPATCHER, True), ("s1", Role.DISPATCHER, False)):
        found = caller(DIRECTORY, order, None, Actor("x", role, unit))
        assert bool(found.relations) is may, unit
    assert sees(DIRECTORY, Role.DISPATCHER, "s2", order) and sees(DIRECTORY, Role.RESPONDER, "s1-road", order)
    for unit in ("s1-clean", "s1"):
        assert not sees(DIRECTORY, Role.RESPONDER, unit, order), "its people work for another unit now"


def test_a_request_that_was_put_to_a_merged_centre_is_its_heirs_to_decide() -> None:
    table = Table(proposed(plan=a_plan("s1-clean"))).later()
    table.unit("s1-clean", "accept")
    request = table.later().ask("s1-clean", "extension")
    assert request.decider == "s1"
    for unit, role, may in (
        ("s2", Role.DISPATCHER, True),
        ("d1", Role.DISPATCHER, True),
        ("s1", Role.DISPATCHER, False),
        ("s2", Role.RESPONDER, False),
    ):
        assert may_decide(DIRECTORY, request, Actor("x", role, unit)) is may, (unit, role)


@pytest.mark.parametrize("about", ["桥头环卫", "s1-clean"])
def test_a_complaint_about_a_merged_unit_is_kept_from_its_heir(about: str) -> None:
    assert DIRECTORY.called(about) == ("s1-road",), "by its old name too"
    before = Table(proposed(msgspec.structs.replace(a_report(), subject="桥头环卫"), a_plan("s1"))).order
    assert before.subjects == ("s1-clean",)
    assert subjects.bars(DIRECTORY, before.subjects, "s1-road") and subjects.bars(DIRECTORY, ("s1-clean",), "road-crew")
    assert not sees(DIRECTORY, Role.RESPONDER, "s1-road", before)
    assert not caller(DIRECTORY, before, None, Actor("x", Role.DISPATCHER, "s1-road")).relations


def test_who_is_rung_for_a_merged_unit_is_on_for_its_heir() -> None:
    rosters = Rosters(merged({"s1-road": "s2", "s2": "d1"}))
    ring = rosters.ring("s1-road", T0)
    assert ring.unit == "d1" and ring.on is not None and ring.on.person == "郑和" and not ring.empty
    assert rosters.units == ("d1",), "nobody looks for gaps in the roster of a unit that there is no more"


def test_a_division_that_another_took_in_lies_in_it() -> None:
    wider = replace(next(d for d in DIVISIONS if d.code == "S2"), aliases=("桥头街道", "S1"))
    moved = Division("K1", "一村居委", "S2", Tier.COMMITTEE)
    left = tuple(d for d in DIVISIONS if d.code not in ("S1", "S2", "K1"))
    city = replace(TOWN, divisions=(*left, wider, moved), ended=frozenset({"S1"}))
    directory = Directory(city)
    assert retired_codes(city) == {"S1": "S2"}
    assert directory.inside("S1", "s2") and directory.knows_division("S1")
    assert set(directory.boundary("s2") or ()) == {"S2", "S1", "K1"}
    assert directory.boundary("s1") == () and not directory.inside("S1", "s1")
