"""The Shanghai pack says what the city is: divisions, easily confused names, units, duties, limits, devices."""

import csv
import re
import subprocess
import sys
from collections import Counter
from datetime import date, time
from pathlib import Path

import pytest
from shapely.geometry import Point, Polygon

from schemas.city import City, Division, DutyRule, Unit
from schemas.vocabulary import LimitUnit, Source, Stage, TicketType, Tier, Urgency
from tests.city.conftest import CITIES

SLACK_DEG = 0.004  # a point may stand as far outside its district's simplified border: about 400 m


@pytest.fixture(scope="module")
def divisions(shanghai: City) -> dict[str, Division]:
    return {item.code: item for item in shanghai.divisions}


@pytest.fixture(scope="module")
def units(shanghai: City) -> dict[str, Unit]:
    return {item.unit_id: item for item in shanghai.units}


@pytest.fixture(scope="module")
def rules(shanghai: City) -> dict[str, DutyRule]:
    return {item.rule_id: item for item in shanghai.rules}


def named(city: City, name: str, *tiers: Tier) -> list[str]:
    """Codes of the divisions that a name or alias means outright."""
    return [one.code for one in city.divisions if one.tier in tiers and name in (one.name, *one.aliases)]


def lineage(code: str, divisions: dict[str, Division]) -> list[str]:
    chain = [code]
    while divisions[chain[-1]].parent:
        chain.append(divisions[chain[-1]].parent)
    return chain


def covering(city: City, function: str, code: str, divisions: dict[str, Division]) -> str:
    """The unit of a function that covers a place, lowest tier first."""
    held = {unit.division: unit.unit_id for unit in city.units if unit.function == function}
    return next(held[area] for area in lineage(code, divisions) if area in held)


def test_every_tier_is_complete(shanghai: City) -> None:
    tiers = Counter(one.tier for one in shanghai.divisions)
    assert (tiers[Tier.CITY], tiers[Tier.DISTRICT], tiers[Tier.COMMITTEE]) == (1, 16, 6509)
    kinds = Counter(one.kind for one in shanghai.divisions if one.tier is Tier.STREET)
    assert kinds == {"subdistrict": 107, "town": 106, "township": 2, "special_area": 19}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("虹桥街道", "310105009"),
        ("虹桥路街道", "310105009"),  # as the press writes it; 虹桥路 itself is a road
        ("虹桥镇", "310112107"),
        ("江湾镇街道", "310109019"),
        ("江湾镇", "310109019"),
        ("真如镇街道", "310107022"),
        ("真如镇", "310107022"),
        ("嘉定镇街道", "310114004"),
        ("嘉定镇", "310114004"),
        ("静安寺街道", "310106013"),
        ("静安区", "310106"),
        ("宝山路街道", "310106017"),  # in 静安, not in 宝山
        ("宝山区", "310113"),
        ("北外滩街道", "310109018"),
        ("提篮桥街道", "310109018"),
        ("外滩街道", "310101013"),
        ("闸北区", "310106"),
        ("310108", "310106"),
        ("卢湾区", "310101"),
        ("310103", "310101"),
        ("南市区", "310101"),
        ("南汇区", "310115"),
        ("310119", "310115"),
        ("南汇新城镇", "310115145"),
        ("崇明县", "310151"),
        ("310230", "310151"),
        ("彭浦镇", "310106101"),
        ("彭浦新村街道", "310106020"),
        ("曹杨街道", "310107005"),
        ("临汾路街道", "310106021"),
        ("五角场镇", "310110019"),
        ("新泾镇", "310105102"),
        ("北新泾街道", "310105011"),
        ("浦东", "310115"),
    ],
)
def test_a_name_means_one_place(shanghai: City, name: str, code: str) -> None:
    assert named(shanghai, name, Tier.DISTRICT, Tier.STREET) == [code]


@pytest.mark.parametrize(
    "name", ["虹桥", "彭浦", "真如", "宝山路", "临汾路", "静安寺", "新村", "建设", "书院", "三星", "大桥"]
)
def test_a_word_that_may_mean_more_is_nobodys_name(shanghai: City, name: str) -> None:
    assert named(shanghai, name, Tier.DISTRICT, Tier.STREET) == []


def test_streets_lie_in_the_districts_people_take_them_out_of(divisions: dict[str, Division]) -> None:
    assert [divisions[code].parent for code in ("310105009", "310112107", "310106017", "310106101")] == [
        "310105", "310112", "310106", "310106",
    ]  # fmt: skip


def test_points_lie_in_their_own_district(shanghai: City, divisions: dict[str, Division]) -> None:
    shapes: dict[str, list[Polygon]] = {}
    for code, rings in shanghai.polygons:
        shapes.setdefault(code, []).append(Polygon(rings[0], rings[1:]))
    assert set(shapes) == {one.code for one in shanghai.divisions if one.tier is Tier.DISTRICT}
    located = [one for one in shanghai.divisions if one.lon is not None and one.tier is not Tier.CITY]
    assert Counter(one.tier for one in located)[Tier.COMMITTEE] > 1700
    for one in located:
        spot = Point(one.lon or 0.0, one.lat or 0.0)
        district = lineage(one.code, divisions)[-2]
        assert min(shape.distance(spot) for shape in shapes[district]) < SLACK_DEG, one


def test_known_places_stand_where_the_world_has_them(shanghai: City, divisions: dict[str, Division]) -> None:
    # 人民广场 (WGS-84 121.4693, 31.2325) lies in 黄浦; a GCJ-02 outline would be shifted by half a kilometre
    bund = divisions["310101013"]
    assert (bund.lon, bund.lat) == (pytest.approx(121.487, abs=0.012), pytest.approx(31.238, abs=0.012))
    square = Point(121.4693, 31.2325)
    holders = [code for code, rings in shanghai.polygons if Polygon(rings[0]).contains(square)]
    assert holders == ["310101"]


def test_every_street_town_has_its_units_with_line_and_area_above(shanghai: City, units: dict[str, Unit]) -> None:
    streets = [one for one in shanghai.divisions if one.tier is Tier.STREET and one.kind != "special_area"]
    functions = (
        "centre",
        "street_office",
        "police",
        "market",
        "urban_management",
        "housing",
        "sanitation",
        "mediation",
    )
    for street in streets:
        for function in functions:
            unit = units[f"{street.code}-{function}"]
            assert (unit.tier, unit.division, unit.function) == (Tier.STREET, street.code, function)
    station = units["310106021-market"]
    assert (station.parent, station.second_parent) == ("310106-market", "310106021-street_office")
    assert units["310106021-centre"].parent == "310106-centre"
    assert units["310106-centre"].parent == "310000-centre"


def test_every_committee_stands_below_its_street(shanghai: City, units: dict[str, Unit]) -> None:
    committees = [one for one in shanghai.divisions if one.tier is Tier.COMMITTEE]
    for one in committees:
        unit = units[f"{one.code}-committee"]
        assert f"{one.code[:9]}-street_office" in (unit.parent, unit.second_parent)


def test_platforms_are_found_by_the_number_people_dial(shanghai: City) -> None:
    phones = {unit.phone: unit.function for unit in shanghai.units if unit.division == shanghai.root and unit.phone}
    assert phones == {"110": "police", "119": "fire", "120": "medical", "12345": "hotline"}


def test_classes_are_many_and_in_chinese_and_english(shanghai: City) -> None:
    assert len(shanghai.classes) >= 80
    assert all(one.name_en and one.words for one in shanghai.classes)
    assert {one.standard for one in shanghai.classes} == {"GB/T 30428.2-2013", "CJ/T 214-2007", "PD"}


def test_the_elders_meter_goes_to_the_committee(
    shanghai: City, rules: dict[str, DutyRule], divisions: dict[str, Division]
) -> None:
    meter = next(one for one in shanghai.devices if one.device_id == "WM-310106021-00317")
    screen = next(one for one in shanghai.screens if one.kind == meter.kind)
    assert (screen.low, screen.high, screen.unit, screen.silent_after_s) == (0.01, 2.0, "m3", 36 * 3600)
    rule = rules["scene-elder-meter"]
    assert (rule.scenes, rule.classes, rule.tier) == ((screen.scene,), (screen.class_key,), Tier.COMMITTEE)
    assert covering(shanghai, rule.lead, meter.division, divisions) == f"{meter.division}-committee"
    assert covering(shanghai, "centre", meter.division, divisions) == "310106021-centre"
    fault = rules["elder-meter-fault"]
    assert (fault.classes, fault.lead) == ((screen.fault_class_key,), "device_maintenance")


def test_a_neighbour_of_the_elder_has_a_meter_in_the_same_committee(shanghai: City) -> None:
    homes = {one.device_id: one.division for one in shanghai.devices}
    assert homes["WM-310106021-00318"] == homes["WM-310106021-00317"]
    assert homes["WM-310106021-00317"].startswith("310106021")
    assert any(device.startswith("WM-310106020-") for device in homes)


def test_water_in_an_underpass_reaches_police_water_road_and_street(
    shanghai: City, rules: dict[str, DutyRule], divisions: dict[str, Division]
) -> None:
    sensor = next(one for one in shanghai.devices if one.device_id == "WL-310104-0042")
    screen = next(one for one in shanghai.screens if one.kind == sensor.kind)
    assert (screen.high, screen.clear_high, screen.confirm, screen.urgency) == (15.0, 5.0, 2, Urgency.URGENT)
    rule = rules["scene-underpass-water"]
    told = [covering(shanghai, duty, sensor.division, divisions) for duty in (rule.lead, *rule.assists)]
    assert told == ["310104-traffic_police", "310104-water", "310104-road", f"{sensor.division}-centre"]


def test_the_gate_quarrel_is_told_to_three_at_once(
    shanghai: City, rules: dict[str, DutyRule], divisions: dict[str, Division]
) -> None:
    rule = rules["police-gate-dispute"]
    assert rule.together and rule.sources == (Source.POLICE,)
    told = [covering(shanghai, duty, "310105009", divisions) for duty in (rule.lead, *rule.assists)]
    assert told == ["310105009-centre", "310105009-police", "310105009-market"]


def test_a_sub_area_overrides_the_line_for_construction_noise(shanghai: City, rules: dict[str, DutyRule]) -> None:
    rule = rules["sub-area-construction-noise"]
    assert rule.classes == rules["construction-noise"].classes
    parts = [one for one in shanghai.divisions if one.tier is Tier.SUB_AREA]
    assert sorted(rule.areas) == sorted(one.code for one in parts)
    assert {one.parent for one in parts} == {"310109018"}


def test_night_rules_wrap_over_midnight(rules: dict[str, DutyRule]) -> None:
    assert rules["construction-noise-night"].hours == (time(22), time(6))


def test_devices_are_many_and_spread(shanghai: City) -> None:
    kinds = Counter(one.kind for one in shanghai.devices)
    assert kinds["water_level"] >= 60 and kinds["water_meter_day"] >= 300
    assert len({one.division[:6] for one in shanghai.devices if one.kind == "water_level"}) == 16
    patterns = {
        "water_level": r"WL-\d{6}-\d{4}", "water_meter_day": r"WM-\d{9}-\d{5}", "ebike_in_lift": r"CAM-\d{12}-E\d\d",
    }  # fmt: skip
    for one in shanghai.devices:
        assert re.fullmatch(patterns.get(one.kind, r"[A-Z]+-\d{12}-[A-Z]\d\d"), one.device_id), one.device_id


@pytest.mark.parametrize(
    ("stage", "source", "ticket_type", "urgency", "amount", "unit"),
    [
        (Stage.TOTAL, Source.HOTLINE, TicketType.CONSULTATION, Urgency.NORMAL, 1, LimitUnit.WORK_DAY),
        (Stage.TOTAL, Source.HOTLINE, TicketType.COMPLAINT, Urgency.NORMAL, 5, LimitUnit.WORK_DAY),
        (Stage.TOTAL, Source.HOTLINE, TicketType.HELP, Urgency.URGENT, 5, LimitUnit.WORK_DAY),
        (Stage.CONTACT, Source.HOTLINE, TicketType.COMPLAINT, Urgency.NORMAL, 1, LimitUnit.WORK_DAY),
        (Stage.CONTACT, Source.POLICE, TicketType.HELP, Urgency.URGENT, 3, LimitUnit.MINUTE),
        (Stage.ACCEPT, Source.HOTLINE, TicketType.COMPLAINT, Urgency.NORMAL, 4, LimitUnit.WORK_HOUR),
        (Stage.ACCEPT, Source.HOTLINE, TicketType.COMPLAINT, Urgency.URGENT, 10, LimitUnit.MINUTE),
    ],
)
def test_the_promises_of_the_city(
    shanghai: City,
    stage: Stage,
    source: Source,
    ticket_type: TicketType,
    urgency: Urgency,
    amount: int,
    unit: LimitUnit,
) -> None:
    first = next(
        row
        for row in shanghai.policy.limits
        if row.stage is stage
        and (not row.sources or source in row.sources)
        and (not row.ticket_types or ticket_type in row.ticket_types)
        and (not row.urgencies or urgency in row.urgencies)
        and not (row.classes or row.rounds)
    )
    assert (first.amount, first.unit) == (amount, unit)


def test_make_up_workdays_are_known(shanghai: City) -> None:
    own = shanghai.calendars[0]
    assert (own.name, own.years) == ("shanghai", {2024, 2025, 2026})
    assert date(2026, 10, 10) in own.makeup_workdays
    assert date(2026, 10, 7) in own.holidays
    assert date(2024, 2, 9) not in own.holidays
    assert Counter(day.year for day in own.makeup_workdays) == {2024: 8, 2025: 5, 2026: 6}


def test_the_script_that_made_the_lists_makes_them_again(tmp_path: Path, data: Path) -> None:
    script = CITIES / "shanghai" / "build.py"
    subprocess.run([sys.executable, str(script), "--data", str(data), "--out", str(tmp_path)], check=True, timeout=120)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["calendar.csv", "devices.csv", "divisions.csv", "polygons.geojson", "rosters.csv", "units.csv"]
    for name in made:
        assert (tmp_path / name).read_bytes() == (CITIES / "shanghai" / name).read_bytes(), name


def test_lists_have_no_stray_blanks() -> None:
    for path in (CITIES / "shanghai").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            for cells in csv.reader(lines):
                assert all(cell == cell.strip() for cell in cells), (path.name, cells)
