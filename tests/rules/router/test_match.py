"""Whose it is: the order in which rows of the duty rulebook win, and the way to whoever they name."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.city import DutyRule
from schemas.facts import Hop
from schemas.vocabulary import Source, TicketType, Tier, Urgency
from services.router.rules.atlas import Atlas
from services.router.rules.match import Matched
from services.router.rules.plan import prepare
from services.router.rules.rulebook import within
from services.router.rules.tiers import hops, route
from tests.rules.router.made import NIGHT, NOW, report, rule, town

SHANGHAI = ZoneInfo("Asia/Shanghai")
ROWS = {
    "any": rule("any9"),
    "source": rule("source8", sources=(Source.HOTLINE,)),
    "source+type": rule("both7", sources=(Source.HOTLINE,), ticket_types=(TicketType.COMPLAINT,)),
    "hours": rule("hours6", hours=(time(8), time(18))),
    "subject": rule("subject5", subjects=("某公司",)),
    "major": rule("major4", classes=("major:设施",)),
    "class": rule("class3", classes=("T/part/01",)),
    "district": rule("district2", areas=("110000",)),
    "street": rule("street1", areas=("110001",)),
    "street+class": rule("narrow0", areas=("110001",), classes=("T/part/01",)),
}
# Each beats all that stand before it.
ORDER = ["any", "hours", "source", "source+type", "subject", "major", "class", "district", "street", "street+class"]


def matched(rules: list[DutyRule], text: str = "长桥街道井盖缺失", **more: object) -> Matched:
    more.setdefault("subject", "某公司")
    return prepare(report(text, **more), Atlas.of(town(*rules))).matched


@pytest.mark.parametrize(("weaker", "stronger"), [(a, b) for n, a in enumerate(ORDER) for b in ORDER[n + 1 :]])
def test_the_more_specific_row_wins(weaker: str, stronger: str) -> None:
    for rows in ([ROWS[weaker], ROWS[stronger]], [ROWS[stronger], ROWS[weaker]]):
        found = matched(rows)
        assert found.rule == ROWS[stronger], found.why
        assert found.settled and found.lead.unit_id == "110001-office"


@pytest.mark.parametrize(
    "other",
    [
        rule("a", areas=("120000",)),
        rule("a", classes=("major:环境",)),
        rule("a", classes=("T/part/02",)),
        rule("a", sources=(Source.POLICE,)),
        rule("a", ticket_types=(TicketType.PRAISE,)),
        rule("a", scenes=("flood",)),
        rule("a", subjects=("别的公司",)),
        rule("a", hours=NIGHT),
    ],
)
def test_a_row_that_does_not_fit_never_wins(other: DutyRule) -> None:
    found = matched([other])
    assert found.rule is None and not found.settled
    assert found.lead.unit_id == "110000-centre"
    assert matched([other, ROWS["any"]]).rule == ROWS["any"]


def test_equal_rows_that_disagree_are_left_to_a_person() -> None:
    found = matched([rule("a1", "office"), rule("b2", "water")])
    assert not found.settled and "a1" in found.why and "b2" in found.why
    assert {"110001-office", "110000-water"} <= {one.value for one in found.candidates}


def test_equal_rows_that_agree_are_no_doubt() -> None:
    assert matched([rule("a1", "office"), rule("b2", "office")]).settled


def test_functions_become_units_lowest_tier_first() -> None:
    found = matched([rule("a", "water", assists=("office", "centre", "water", "nobody", "unit:1-centre"))])
    assert found.lead.unit_id == "110000-water"
    assert [unit.unit_id for unit in found.assists] == ["110001-office", "110001-centre", "1-centre"]


def test_a_function_that_nobody_has_here_is_left_to_a_person() -> None:
    found = matched([rule("a", "lighthouse")])
    assert not found.settled and found.lead.unit_id == "110000-centre"


def test_a_held_row_waits_for_a_dispatcher() -> None:
    found = matched([rule("a", "office", hold=True)])
    assert not found.settled and found.rule and found.candidates[0].value == "110001-office"


def test_a_row_for_a_street_needs_to_know_the_street() -> None:
    found = matched([rule("a", "centre", tier=Tier.STREET)], "东区井盖缺失")
    assert not found.settled
    found = matched([rule("a", "centre", tier=Tier.DISTRICT)], "东区井盖缺失")
    assert found.settled and found.lead.unit_id == "110000-centre"


def test_adding_a_row_for_another_class_changes_nothing() -> None:
    rows = [ROWS["any"], ROWS["major"]]
    others = [
        rule(f"x{n}", "water", classes=(key,)) for n, key in enumerate(("T/event/01", "T/event/02", "major:环境"))
    ]
    assert matched(rows) == matched(rows + others)


@pytest.mark.parametrize(
    ("hours", "at", "inside"),
    [
        ((time(8), time(18)), time(8), True),
        ((time(8), time(18)), time(18), False),
        ((time(22), time(6)), time(23), True),
        ((time(22), time(6)), time(5, 59), True),
        ((time(22), time(6)), time(6), False),
        ((time(22), time(6)), time(12), False),
        ((time(0), time(0)), time(12), True),
    ],
)
def test_hours(hours: tuple[time, time], at: time, inside: bool) -> None:
    assert within(hours, datetime.combine(NOW.date(), at, SHANGHAI)) is inside


def test_hours_are_the_citys_own() -> None:
    night = rule("night1", "water", hours=NIGHT)
    assert matched([night, ROWS["any"]], received_at=NOW + timedelta(hours=13)).rule == night  # 23:00 in Shanghai
    assert matched([night, ROWS["any"]], received_at=NOW).rule == ROWS["any"]


def test_an_answer_that_is_remembered_is_the_answer_that_would_be_found() -> None:
    night = rule("night1", "water", hours=NIGHT)
    atlas = Atlas.of(town(night, ROWS["any"], ROWS["class"], ROWS["source"]))
    asked = [
        report("长桥街道井盖缺失", received_at=NOW),
        report("长桥街道井盖缺失", received_at=NOW + timedelta(hours=13)),
        report("长桥街道井盖缺失", source=Source.POLICE),
        report("长桥街道路灯不亮"),
        report("长桥街道井盖缺失", received_at=NOW),
    ]
    for told in asked * 2:
        assert prepare(told, atlas).matched == prepare(told, Atlas.of(atlas.city)).matched


def test_a_scene_row_fits_only_its_scene() -> None:
    from schemas.facts import Alarm

    rows = [rule("scene1", "committee", scenes=("elder",), tier=Tier.COMMITTEE, urgency=Urgency.URGENT), ROWS["any"]]
    atlas = Atlas.of(town(*rows))
    alarm = Alarm(rule="meter", device_id="WM-1", value=0.0, unit="m3", scene="elder")
    prepared = prepare(report("用水", source=Source.SENSOR, device_id="WM-1", alarm=alarm), atlas)
    assert prepared.matched.lead.unit_id == "110001001-committee" and prepared.urgency is Urgency.URGENT
    assert [unit.unit_id for unit in route(atlas, prepared.located.place, prepared.matched.lead)] == [
        "1-centre",
        "110000-centre",
        "110001-centre",
        "110001001-committee",
    ]


def test_a_path_stamps_every_hop_and_stops_at_the_lead() -> None:
    atlas = Atlas.of(town())
    place = prepare(report("长桥街道井盖缺失"), atlas).located.place
    water = atlas.units["110000-water"]
    assert hops(route(atlas, place, water), NOW, "r7") == (
        Hop(tier=Tier.CITY, unit="1-centre", at=NOW, by="r7"),
        Hop(tier=Tier.DISTRICT, unit="110000-water", at=NOW, by="r7"),
    )
    assert [unit.unit_id for unit in route(atlas, None, atlas.units["1-duty_desk"])] == ["1-duty_desk"]
    assert [unit.unit_id for unit in route(atlas, None, water)] == ["1-centre", "110000-water"]
