"""Every way a pack can be wrong gives its fault with file, line and cause, and nothing else with it."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.chassis.city import CityFaults, Fault, load
from tests.city import small

CASES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "broken.toml").read_text(encoding="utf-8"))["case"]


def faults_of(directory: Path) -> list[Fault]:
    with pytest.raises(CityFaults) as told:
        load(directory)
    return told.value.faults


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_each_fault_is_told_with_file_line_and_cause(tmp_path: Path, case: dict[str, Any]) -> None:
    small.change(small.write(tmp_path), case["file"], case.get("old", ""), case["new"])
    found = faults_of(tmp_path)
    expected = [told.split(":", 2) for told in case["faults"]]
    assert [(fault.file, fault.line) for fault in found] == sorted((file, int(line)) for file, line, _ in expected)
    for file, line, cause in expected:
        causes = [fault.cause for fault in found if (fault.file, fault.line) == (file, int(line))]
        assert any(cause.strip() in told for told in causes), causes


def test_the_pack_that_is_broken_here_is_whole_before(tmp_path: Path) -> None:
    city = load(small.write(tmp_path))
    assert (city.name, len(city.divisions), len(city.rules), city.negations) == ("small", 7, 3, ("没有", "不是"))
    assert [code for code, _ in city.polygons] == ["D1", "D2"]
    assert [rule.line for rule in city.rules] == [3, 7, 13]


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    small.write(tmp_path)
    small.change(tmp_path, "city.toml", "merge_score = 0.7", "merge_score = 0")
    small.change(tmp_path, "divisions.csv", "S3,山上街道,D2", "S3,山上街道,D9")
    small.change(tmp_path, "units.csv", "committee,K1,S1-centre", "committee,K1,S9-centre")
    small.change(tmp_path, "rulebook.toml", 'lead = "cleaning"', 'lead = "sweeping"')
    small.change(tmp_path, "policy.toml", "amount = 5", "amount = -5")
    (tmp_path / "SOURCES.md").unlink()
    found = faults_of(tmp_path)
    assert [fault.file for fault in found] == [
        "SOURCES.md", "city.toml", "divisions.csv", "policy.toml", "rulebook.toml", "units.csv",
    ]  # fmt: skip
    assert str(found[2]) == "divisions.csv:7: unknown parent 'D9' of S3"


@pytest.mark.parametrize(
    "file", [file for file in small.FILES if file not in ("polygons.geojson", "one_stop.csv", "landmarks.csv")]
)
def test_a_missing_file_is_one_fault_and_no_avalanche(tmp_path: Path, file: str) -> None:
    (small.write(tmp_path) / file).unlink()
    found = faults_of(tmp_path)
    assert [(fault.file, fault.line) for fault in found] == [(file, 0)], found
    assert found[0].cause.startswith("file is missing")


def test_a_pack_without_polygons_is_whole(tmp_path: Path) -> None:
    (small.write(tmp_path) / "polygons.geojson").unlink()
    assert load(tmp_path).polygons == ()


def test_a_pack_without_one_stop_services_is_whole(tmp_path: Path) -> None:
    (small.write(tmp_path) / "one_stop.csv").unlink()
    assert load(tmp_path).one_stop == ()


def test_bytes_that_are_not_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    path = small.write(tmp_path) / "police.csv"
    path.write_bytes(path.read_bytes() + "060000,噪音,,\n".encode("gbk"))
    assert faults_of(tmp_path) == [Fault("police.csv", 4, "not UTF-8")]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = small.write(tmp_path) / "classes.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(load(tmp_path).classes) == 4


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = small.write(tmp_path) / "police.csv"
    path.write_text("name,class_key,code,stays_with\n刑事,,010000,110\n", encoding="utf-8")
    assert [(one.code, one.stays_with) for one in load(tmp_path).police_classes] == [("010000", ("110",))]


def test_a_folder_that_is_not_there_is_one_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "nowhere") == [Fault(str(tmp_path / "nowhere"), 0, "no such folder")]


@pytest.mark.parametrize("file", ["divisions.csv", "units.csv", "classes.csv"])
def test_a_file_with_nothing_but_its_header_is_a_fault(tmp_path: Path, file: str) -> None:
    path = small.write(tmp_path) / file
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    assert Fault(file, 1, "no rows") in faults_of(tmp_path)


def test_only_line_ends_end_lines(tmp_path: Path) -> None:
    """A form feed or a line separator inside a cell is a character like any other; quoted cells may hold line ends."""
    path = small.write(tmp_path) / "police.csv"
    path.write_text(
        'code,name,stays_with,class_key\r\n01,a\u2028b\x0cc,110,\r\n02,"d\ne",,\r\n03,f,,T/x/1\r\n', "utf-8", newline=""
    )
    assert faults_of(tmp_path) == [Fault("police.csv", 5, "unknown class 'T/x/1'")]


def test_a_polygon_holds_on_its_days_only(tmp_path: Path) -> None:
    small.write(tmp_path)
    small.change(tmp_path, "polygons.geojson", '{"code":"D1"}', '{"code":"D1","valid_to":"2026-06-30"}')
    days = {day: [code for code, _ in load(tmp_path, day).polygons] for day in (date(2026, 6, 30), date(2026, 7, 1))}
    assert days == {date(2026, 6, 30): ["D1", "D2"], date(2026, 7, 1): ["D2"]}


def test_a_landmark_of_a_division_that_was_taken_in_lies_in_the_one_that_took_it(tmp_path: Path) -> None:
    small.write(tmp_path)
    small.change(
        tmp_path, "divisions.csv", "S3,山上街道,D2,street,,,10.71,50.21,,", "S3,山上街道,D2,street,,,,,,2026-06-30"
    )
    small.change(tmp_path, "divisions.csv", "S2,河边街道,D1,street,,,", "S2,河边街道,D1,street,,S3,")
    before, after = (load(tmp_path, day).landmarks for day in (date(2026, 6, 30), date(2026, 7, 1)))
    assert [one.division for one in before] == ["S1", "S3", "K1"]
    assert [one.division for one in after] == ["S1", "S2", "K1"]
