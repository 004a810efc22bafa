"""Who acts for whom, what goes up, what is held for which tier, what is sent: tables and laws."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.city import Capacity, Delegation, Elevation, Resource, ResourceKind
from schemas.facts import OrderProposed, Place, ReportLinked, TriageRequested
from schemas.vocabulary import Lane, Tier, Urgency
from services.router.rules.acting import acting_for, watched
from services.router.rules.atlas import Atlas
from services.router.rules.day import Day, Standing, Warning
from services.router.rules.merge import Matter
from services.router.rules.plan import Decision, Kind, conclude, prepare
from services.router.rules.resources import chosen
from tests.rules.router.made import NOW, report, rule, town

STREET, DISTRICT, CITY, COMMITTEE = "110001-office", "110000-centre", "1-centre", "110001001-committee"
LOCAL = datetime(2026, 3, 4, 10, 0)  # a Wednesday
TEXT = "长桥街道桥东居委会门口井盖缺失"
AT_A_POINT = report(TEXT, lon=121.03, lat=31.05)


def atlas_with(*rules: Any, **more: Any) -> Atlas:
    return Atlas.of(town(*rules, **more))


def decided(atlas: Atlas, day: Day | None = None, **more: Any) -> Decision:
    return conclude(prepare(report(TEXT, **more), atlas), [], NOW, atlas, day)


# ---- closed, full, entrusted


@pytest.mark.parametrize(
    ("row", "at", "urgency", "shut"),
    [
        ({"hours": (time(8), time(18))}, LOCAL, Urgency.NORMAL, False),
        ({"hours": (time(8), time(18))}, LOCAL.replace(hour=18), Urgency.NORMAL, True),
        ({"hours": (time(8), time(18))}, LOCAL.replace(hour=3), Urgency.NORMAL, True),
        ({"hours": (time(8), time(18))}, LOCAL.replace(hour=3), Urgency.URGENT, False),  # its duty roster answers
        ({"hours": (time(20), time(6))}, LOCAL.replace(hour=3), Urgency.NORMAL, False),
        ({"days": (0, 1, 2)}, LOCAL, Urgency.NORMAL, False),
        ({"days": (0, 1)}, LOCAL, Urgency.NORMAL, True),
        ({"closed_from": date(2026, 3, 4), "closed_to": date(2026, 3, 4)}, LOCAL, Urgency.NORMAL, True),
        ({"closed_from": date(2026, 3, 5)}, LOCAL, Urgency.NORMAL, False),
        ({"closed_to": date(2026, 3, 3)}, LOCAL, Urgency.NORMAL, False),
        ({"most": 3}, LOCAL, Urgency.NORMAL, True),
        ({"most": 3}, LOCAL, Urgency.CRITICAL, True),
        ({"most": 4}, LOCAL, Urgency.NORMAL, False),
    ],
)
def test_who_is_closed_or_full_is_stood_in_for(row: dict[str, Any], at: datetime, urgency: Urgency, shut: bool) -> None:
    atlas = atlas_with(capacities=(Capacity("c", functions=("office",), instead="committee", why="不办公", **row),))
    acting = acting_for(atlas.units[STREET], "", "110001001", at, urgency, Day({STREET: 3}), atlas)
    assert acting.unit.unit_id == (COMMITTEE if shut else STREET)
    assert (acting.by, bool(acting.why)) == (("c", True) if shut else ("", False))


def test_without_a_function_named_the_same_function_above_stands_in_else_the_centre() -> None:
    row = Capacity("c", units=("110000-water", STREET), closed_from=date(2026, 1, 1))
    atlas = atlas_with(capacities=(row,))
    acting = acting_for(atlas.units["110000-water"], "", "110001", LOCAL, Urgency.NORMAL, Day(), atlas)
    assert acting.unit.unit_id == "110001-centre"  # the city has no water unit
    assert acting_for(atlas.units[STREET], "", "110001", LOCAL, Urgency.NORMAL, Day(), atlas).unit.function == "centre"


def test_a_row_of_an_area_is_for_the_units_in_it() -> None:
    row = Capacity("c", functions=("office",), areas=("120000",), closed_from=date(2026, 1, 1))
    atlas = atlas_with(capacities=(row,))
    for unit, shut in ((STREET, False), ("120001-office", True)):
        acting = acting_for(atlas.units[unit], "", atlas.units[unit].division, LOCAL, Urgency.NORMAL, Day(), atlas)
        assert (acting.by == "c") is shut


def test_a_ring_of_closed_units_ends() -> None:
    rows = (
        Capacity("a", functions=("office",), instead="committee", most=1),
        Capacity("b", functions=("committee",), instead="office", most=1),
    )
    atlas = atlas_with(capacities=rows)
    day = Day({STREET: 9, COMMITTEE: 9})
    acting = acting_for(atlas.units[STREET], "", "110001001", LOCAL, Urgency.NORMAL, day, atlas)
    assert acting.unit.unit_id in (STREET, COMMITTEE)
    assert set(watched(atlas.units[STREET], "110001001", atlas)) == {STREET, COMMITTEE}


def test_what_was_entrusted_goes_there_and_who_entrusted_it_stays_on_the_path() -> None:
    row = Delegation("d", STREET, COMMITTEE, ("T/part/01",), date(2026, 1, 1), date(2026, 12, 31))
    atlas = atlas_with(rule("r1"), delegations=(row,))
    plan = decided(atlas).fact.plan
    assert plan.lead == COMMITTEE
    assert [(hop.unit, hop.by) for hop in plan.path] == [
        ("1-centre", "r1"),
        ("110000-centre", "r1"),
        ("110001-office", "r1"),
        (COMMITTEE, "d"),
    ]
    other = atlas_with(rule("r1"), delegations=(structs.replace(row, valid_to=date(2026, 1, 2)),))
    assert decided(other).fact.plan.lead == STREET
    another = atlas_with(rule("r1"), delegations=(structs.replace(row, classes=("T/part/02",)),))
    assert decided(another).fact.plan.lead == STREET


def test_the_hop_of_who_stands_in_names_the_row() -> None:
    atlas = atlas_with(rule("r1"), capacities=(Capacity("full", functions=("office",), most=1, instead="committee"),))
    decision = decided(atlas, Day({STREET: 1}))
    assert decision.fact.plan.lead == COMMITTEE
    assert [hop.by for hop in decision.fact.plan.path] == ["r1", "r1", "r1", "full"]
    tiers = next(step for step in decision.why if step.step == "tiers")
    assert "上限1" in tiers.because and COMMITTEE in tiers.because


# ---- going up


def matter(reports: int, hours_ago: float) -> Matter:
    found = prepare(AT_A_POINT, Atlas.of(town())).this
    opened = NOW - timedelta(hours=hours_ago)
    return structs.replace(found, order_id=UUID(int=9), reports=reports, opened_at=opened, last_at=NOW)


@pytest.mark.parametrize(
    ("reports", "hours", "rises"), [(2, 1, True), (1, 1, False), (2, 25, False), (9, 23.9, True), (0, 0, False)]
)
def test_repeats_within_a_day_go_up(reports: int, hours: float, rises: bool) -> None:
    atlas = atlas_with(rule("r1"), elevations=(Elevation("e", repeats=3, urgency=Urgency.URGENT),))
    near = [matter(reports, hours)] if reports else []
    decision = conclude(prepare(AT_A_POINT, atlas), near, NOW, atlas)
    assert decision.kind is (Kind.LINK if reports else Kind.PROPOSE)
    fact = decision.fact
    assert fact.plan.urgency is (Urgency.URGENT if rises else Urgency.NORMAL)
    assert decision.lane is (Lane.URGENT if rises else Lane.NORMAL)
    if isinstance(fact, ReportLinked):
        assert fact.raised_to == (DISTRICT if rises else "")


def test_attention_goes_up_one_centre_and_the_first_lead_helps() -> None:
    atlas = atlas_with(rule("r1"), elevations=(Elevation("e", attention=("leader",), urgency=Urgency.URGENT),))
    plan = decided(atlas, attention="leader").fact.plan
    assert (plan.lead, plan.assists[0], plan.urgency) == (DISTRICT, STREET, Urgency.URGENT)
    assert [(hop.unit, hop.by) for hop in plan.path] == [(CITY, "r1"), (DISTRICT, "e")]
    assert decided(atlas, attention="media").fact.plan.lead == STREET
    two = atlas_with(rule("r1"), elevations=(Elevation("e", attention=("leader",), tiers=2),))
    assert decided(two, attention="leader").fact.plan.lead == CITY
    more = atlas_with(rule("r1"), elevations=(Elevation("e", attention=("leader",), tiers=9),))
    assert decided(more, attention="leader").fact.plan.lead == CITY


@pytest.mark.parametrize(
    ("areas", "from_hours", "to_hours", "kind", "rises"),
    [
        ((), -1, 1, "rain", True),
        (("110000",), -1, 1, "rain", True),
        (("120000",), -1, 1, "rain", False),
        ((), 1, 2, "rain", False),
        ((), -2, 0, "rain", False),  # it ends at this moment
        ((), -1, 1, "heat", False),
    ],
)
def test_a_weather_warning_in_force_here_goes_up(
    areas: tuple[str, ...], from_hours: int, to_hours: int, kind: str, rises: bool
) -> None:
    atlas = atlas_with(rule("r1"), elevations=(Elevation("e", warnings=("rain",), tiers=0, urgency=Urgency.URGENT),))
    spans = NOW + timedelta(hours=from_hours), NOW + timedelta(hours=to_hours)
    day = Day(warnings=(Warning("w", kind, "红色", areas, *spans),))
    plan = decided(atlas, day).fact.plan
    assert (plan.lead, plan.urgency) == (STREET, Urgency.URGENT if rises else Urgency.NORMAL)


def test_all_conditions_must_hold_and_the_class_must_fit() -> None:
    both = Elevation("e", attention=("leader",), warnings=("rain",))
    assert decided(atlas_with(rule("r1"), elevations=(both,)), attention="leader").fact.plan.lead == STREET
    other = Elevation("e", attention=("leader",), classes=("T/part/02",))
    assert decided(atlas_with(rule("r1"), elevations=(other,)), attention="leader").fact.plan.lead == STREET
    major = Elevation("e", attention=("leader",), classes=("major:设施",))
    assert decided(atlas_with(rule("r1"), elevations=(major,)), attention="leader").fact.plan.lead == DISTRICT


# ---- held for a dispatcher of a tier


@pytest.mark.parametrize(
    ("tier", "centre"), [(Tier.STREET, "110001-centre"), (Tier.DISTRICT, DISTRICT), (Tier.CITY, "1-duty_desk")]
)
def test_a_rule_holds_for_the_dispatcher_of_its_tier(tier: Tier, centre: str) -> None:
    atlas = atlas_with(rule("r1", hold=True, hold_at=tier))
    decision = decided(atlas)
    assert isinstance(decision.fact, TriageRequested)
    plan = decision.fact.plan
    assert plan.lead == centre and all(hop.by == "r1" for hop in plan.path)
    assert decision.fact.candidates[0].value == STREET


def test_what_is_not_sure_goes_to_the_district_whoever_the_rule_holds_for() -> None:
    atlas = atlas_with(
        rule("r1", hold=True, hold_at=Tier.STREET),
        thresholds=structs.replace(town().thresholds, classify_confidence=1.1),
    )
    plan = decided(atlas).fact.plan
    assert (plan.lead, {hop.by for hop in plan.path}) == (DISTRICT, {"triage"})


# ---- what is sent

KIND = ResourceKind("truck", "排水车", speed_kmh=30.0, reach_km=20.0)
HERE = Place(division="110001", name="", tier=Tier.STREET, lon=121.02, lat=31.05)


def truck(name: str, lon: float, lat: float = 31.05) -> Standing:
    return Standing(name, "truck", f"车{name}", "110000-water", lon, lat)


def test_the_nearest_free_one_is_sent_and_said_why() -> None:
    atlas = atlas_with(rule("r1", resources=("truck",)), resource_kinds=(KIND,))
    day = Day(free=[truck("C", 121.10), truck("A", 121.06), truck("B", 121.03)])
    decision = decided(atlas, day)
    assert isinstance(decision.fact, OrderProposed)
    (called,) = decision.fact.plan.resources
    assert called.resource_id == "B" and "110000-water" in decision.fact.plan.assists
    step = decision.why[-1]
    assert step.step == "resources" and "车B最近" in step.because and "空闲3个" in step.because
    assert [one.value for one in step.candidates] == ["B", "A", "C"]


def test_of_two_as_near_the_first_by_id() -> None:
    atlas = atlas_with(resource_kinds=(KIND,))
    called, _, _ = chosen(("truck",), HERE, [truck("B", 121.03), truck("A", 121.03)], atlas)
    assert called[0].resource_id == "A"


@pytest.mark.parametrize(
    ("place", "free", "said"),
    [(HERE, [], "没有空闲"), (HERE, [truck("A", 122.9)], "没有空闲"), (None, [truck("A", 121.02)], "没有坐标")],
)
def test_where_none_can_be_sent_it_is_said(place: Place | None, free: list[Standing], said: str) -> None:
    called, _, missing = chosen(("truck",), place, free, atlas_with(resource_kinds=(KIND,)))
    assert called == () and said in missing


@given(st.lists(st.tuples(st.integers(0, 99), st.floats(120.95, 121.25)), unique_by=lambda one: one[0], max_size=8))
def test_law_nobody_free_is_nearer_than_who_was_called(spots: list[tuple[int, float]]) -> None:
    free = [truck(f"{name:02d}", lon) for name, lon in spots]
    atlas = _LAW
    called, considered, _ = chosen(("truck",), HERE, free, atlas)
    again, _, _ = chosen(("truck",), HERE, free[::-1], atlas)
    assert called == again
    if called:
        assert called[0].metres <= min(round(abs(one.lon - 121.02) * 95_000) for one in free) + 1000
        assert considered[0].value == called[0].resource_id
    else:
        assert not considered


_LAW = atlas_with(resource_kinds=(KIND,))


def test_a_matter_that_is_known_has_its_own_already_and_triage_calls_nothing() -> None:
    atlas = atlas_with(rule("r1", resources=("truck",)), resource_kinds=(KIND,))
    day = Day(free=[truck("A", 121.03)])
    linked = conclude(prepare(AT_A_POINT, atlas), [matter(1, 1)], NOW, atlas, day)
    assert linked.kind is Kind.LINK and linked.fact.plan.resources == ()
    held = atlas_with(rule("r1", resources=("truck",), hold=True), resource_kinds=(KIND,))
    assert decided(held, day).fact.plan.resources == ()


def test_danger_is_sent_help_too_and_nobody_stands_in_for_the_desk() -> None:
    shut = Capacity("c", functions=("duty_desk", "office"), closed_from=date(2026, 1, 1), instead="committee")
    atlas = atlas_with(rule("r1", resources=("truck",)), resource_kinds=(KIND,), capacities=(shut,))
    decision = conclude(prepare(report(TEXT + "，旁边起火"), atlas), [], NOW, atlas, Day(free=[truck("A", 121.03)]))
    plan = decision.fact.plan
    assert plan.lead == "1-duty_desk" and STREET in plan.assists
    assert [one.resource_id for one in plan.resources] == ["A"]


def test_home_of_a_resource_is_what_the_pack_says() -> None:
    one = Resource("A", "truck", "车", "110000-water", 121.0, 31.0)
    assert Atlas.of(town(resources=(one,), resource_kinds=(KIND,))).city.resources == (one,)
