"""Units and divisions that begin, end, change their names and are merged: a row for each span, one of them a day."""

from datetime import date
from pathlib import Path

import pytest

from schemas.standing import retired_codes
from schemas.vocabulary import Tier
from services.chassis.city import CityFaults, load
from tests.city import small

HEADER = "unit_id,name,name_en,tier,function,division,parent,second_parent,phone"
CLEANING = "S1-cleaning,桥头环卫,Cleaning,street,cleaning,S1,S1-centre,,"


def pack(directory: Path, *rows: str) -> Path:
    """The small pack with columns for time, and these rows for the cleaners of the first street."""
    small.write(directory)
    path = directory / "units.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    dated = [line + ",,," for line in lines[1:] if line != CLEANING]
    path.write_text("\n".join([f"{HEADER},valid_from,valid_to,successor", *dated, *rows]) + "\n", encoding="utf-8")
    return directory


def test_each_day_has_the_units_of_that_day(tmp_path: Path) -> None:
    pack(
        tmp_path,
        f"{CLEANING},,2026-06-30,",
        "S1-cleaning,桥头城市服务,Service,street,cleaning,S1,S1-centre,,,2026-07-01,2026-12-31,S2-cleaning",
        "D1-cleaning,东区环卫,Cleaning,district,cleaning,D1,D1-centre,,,2027-01-01,,",
    )
    for day, name in ((date(2026, 6, 30), "桥头环卫"), (date(2026, 7, 1), "桥头城市服务"), (date(2027, 1, 1), None)):
        city = load(tmp_path, day)
        assert [u.name for u in city.units if u.unit_id == "S1-cleaning"] == ([name] if name else [])
        assert [u.name for u in city.every_unit if u.unit_id == "S1-cleaning"] == ["桥头环卫", "桥头城市服务"]


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ((f"{CLEANING},,2026-06-30,", f"{CLEANING},2026-06-30,,"), "stands already"),
        ((f"{CLEANING},2026-06-30,2026-01-01,",), "before it begins"),
        ((f"{CLEANING},,2026-06-30,nobody",), "unknown successor"),
        ((f"{CLEANING},,2026-06-30,S1-cleaning",), "unknown successor"),
        ((f"{CLEANING},soon,,",), "valid_from"),
    ],
)
def test_what_does_not_fit_in_time_is_told(tmp_path: Path, rows: tuple[str, ...], cause: str) -> None:
    with pytest.raises(CityFaults) as told:
        load(pack(tmp_path, *rows))
    assert any(cause in fault.cause for fault in told.value.faults), told.value.faults


def merge(directory: Path) -> Path:
    """From July 2026 on 河边街道 is part of 桥头街道, and its cleaners of that one's. It had a polygon and a device."""
    pack(
        directory,
        CLEANING + ",,,",
        "S2-cleaning,河边环卫,Cleaning,street,cleaning,S2,D1-centre,C-centre,,,2026-06-30,S1-cleaning",
    )
    units = directory / "units.csv"
    lines = units.read_text(encoding="utf-8").splitlines()
    units.write_text("\n".join(x for x in lines if not x.endswith("C-centre,,,,")) + "\n", encoding="utf-8")
    small.change(directory, "divisions.csv", "S1,桥头街道,D1,street,,桥头|老桥,10.21,50.21,,", S1_TWICE)
    small.change(directory, "divisions.csv", "10.25,50.25,,", "10.25,50.25,,2026-06-30")
    square = "[[[10.2,50.2],[10.3,50.2],[10.3,50.3],[10.2,50.2]]]"
    feature = (
        '{"type":"Feature","properties":{"code":"S2"},"geometry":{"type":"Polygon","coordinates":' + square + "}},"
    )
    small.change(directory, "polygons.geojson", '"features":[\n', f'"features":[\n{feature}\n')
    return directory


S1_TWICE = """S1,桥头街道,D1,street,,桥头|老桥,10.21,50.21,,2026-06-30
S1,桥头街道,D1,street,,桥头|老桥|河边街道|S2,10.21,50.21,2026-07-01,"""


def test_a_street_that_becomes_part_of_another_leaves_it_its_name_its_ground_and_its_devices(tmp_path: Path) -> None:
    merge(tmp_path)
    before, after = load(tmp_path, date(2026, 6, 30)), load(tmp_path, date(2026, 7, 1))
    assert (before.turns_on, after.turns_on) == (date(2026, 7, 1), None)
    assert (before.ended, after.ended) == (frozenset(), {"S2"})
    for city, codes in ((before, {"S1", "S2"}), (after, {"S1"})):
        streets = {d.code for d in city.divisions if d.tier is Tier.STREET}
        assert streets == codes | {"S3"} and len(streets) == len([d for d in city.divisions if d.tier is Tier.STREET])
    assert [code for code, _ in before.polygons][0] == "S2" and [code for code, _ in after.polygons][0] == "S1"
    assert [d.division for d in before.devices] == ["S1", "S2"] and [d.division for d in after.devices] == ["S1", "S1"]
    assert retired_codes(after) == {"S2": "S1"} and retired_codes(before) == {}


def test_before_its_day_the_name_of_the_other_street_is_taken(tmp_path: Path) -> None:
    merge(tmp_path)
    small.change(tmp_path, "divisions.csv", "10.21,50.21,2026-07-01,", "10.21,50.21,2026-06-30,")
    small.change(tmp_path, "divisions.csv", "桥头|老桥,10.21,50.21,,2026-06-30", "桥头|老桥,10.21,50.21,,2026-06-29")
    with pytest.raises(CityFaults) as told:
        load(tmp_path, date(2026, 7, 1))
    assert any("alias '河边街道' of S1 is also used" in fault.cause for fault in told.value.faults)


def test_a_day_that_leaves_a_street_without_a_unit_is_told_before_it_comes(tmp_path: Path) -> None:
    pack(tmp_path, f"{CLEANING},,2026-12-31,S2-cleaning")
    with pytest.raises(CityFaults) as told:
        load(tmp_path, date(2026, 3, 2))
    [fault] = told.value.faults
    assert "no unit of function 'cleaning' covers S1 桥头街道 from 2027-01-01 on" in fault.cause


RULE = '\n[[rule]]\nrule_id = "named"\nclasses = ["T/service/03"]\nareas = ["S1"]\nlead = "unit:S1-cleaning"\n'


@pytest.mark.parametrize(
    ("rows", "causes"),
    [
        ((f"{CLEANING},,,",), []),
        ((f"{CLEANING},,2026-06-30,S2-cleaning",), []),  # whoever took it over does it for the rule too
        ((f"{CLEANING},,2026-06-30,",), ["rule 'named': unit 'S1-cleaning' does not stand, and nobody took it over"]),
        (
            (f"{CLEANING},,2027-06-30,",),
            ["rule 'named': unit 'S1-cleaning' does not stand from 2027-07-01 on, and nobody took it over"],
        ),
    ],
)
def test_a_rule_for_a_unit_that_is_no_more(tmp_path: Path, rows: tuple[str, ...], causes: list[str]) -> None:
    cover = "D1-cleaning,东区环卫,Cleaning,district,cleaning,D1,D1-centre,,,,,"
    small.change(pack(tmp_path, *rows, cover), "rulebook.toml", "", RULE)
    try:
        load(tmp_path, date(2026, 11, 1))
        found = []
    except CityFaults as told:
        found = [fault.cause for fault in told.faults]
    assert found == causes


def test_a_rule_for_a_division_that_is_no_more(tmp_path: Path) -> None:
    merge(tmp_path)
    rule = RULE.replace("unit:S1-cleaning", "police")
    small.change(tmp_path, "rulebook.toml", "", rule.replace('"S1"', '"S2"'))
    for day, since in ((date(2026, 11, 1), "today"), (date(2026, 6, 1), "2026-07-01")):
        with pytest.raises(CityFaults) as told:
            load(tmp_path, day)
        assert f"rule 'named': no area of it stands from {since} on: S2" in [f.cause for f in told.value.faults]
    small.change(tmp_path, "rulebook.toml", '["S2"]', '["S1", "S2"]')
    for day in (date(2026, 6, 1), date(2026, 11, 1)):
        assert load(tmp_path, day)
