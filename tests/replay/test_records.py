"""Reading the published rows, and what of them ships."""

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.replay.records import EXCERPT, EXCERPT_COLUMNS, FULL_FILE, code_of, read, record_of, source_of

ROW = {
    "case_enquiry_id": "101000295613",
    "open_dt": "2011-07-01 01:32:33",
    "target_dt": "2011-07-15 01:32:32",
    "closed_dt": "2011-12-01 05:06:58",
    "ontime": "OVERDUE",
    "case_status": "Closed",
    "case_title": "Street Light Outages",
    "subject": "Public Works Department",
    "reason": "Street Lights",
    "type": "Street Light Outages",
    "queue": "PWDx_Street Light Outages",
    "department": "PWDx",
    "neighborhood": "Greater Mattapan",
    "latitude": "42.2715",
    "longitude": "-71.0772",
    "source": "Employee Generated",
}


def test_times_are_boston_wall_clock_with_summer_time() -> None:
    found = record_of(ROW)
    assert found.opened == datetime(2011, 7, 1, 5, 32, 33, tzinfo=UTC)
    assert found.closed == datetime(2011, 12, 1, 10, 6, 58, tzinfo=UTC)
    assert found.on_time is False
    assert (found.lon, found.lat) == (-71.0772, 42.2715)


@pytest.mark.parametrize(("flag", "on_time"), [("ONTIME", True), ("OVERDUE", False), ("", None), (" ", None)])
def test_a_flag_may_be_missing(flag: str, on_time: bool | None) -> None:
    assert record_of(ROW | {"ontime": flag}).on_time is on_time


def test_no_value_is_often_one_blank() -> None:
    found = record_of(ROW | {"target_dt": " ", "closed_dt": "", "neighborhood": " ", "latitude": " ", "longitude": ""})
    assert (found.target, found.closed, found.neighbourhood, found.lon, found.lat) == (None, None, "", None, None)


def test_only_whether_the_title_is_the_types_own_is_kept() -> None:
    assert record_of(ROW).own_title
    retitled = record_of(ROW | {"case_title": "lamp out at J. Doe's door"})
    assert not retitled.own_title
    assert "Doe" not in repr(retitled)
    shipped = {key: value for key, value in ROW.items() if key != "case_title"}
    assert record_of(shipped | {"own_title": "yes"}).own_title
    assert not record_of(shipped | {"own_title": "no"}).own_title


def test_a_row_that_cannot_be_read_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ROW)
        table.writeheader()
        table.writerow(ROW)
        table.writerow(ROW | {"open_dt": ""})
    assert len(list(read(path, 1))) == 1
    with pytest.raises(ValueError, match=r"rows\.csv:3: open_dt is empty"):
        list(read(path))


def test_gzipped_rows_are_read_alike(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "a.csv.gz"
    plain.write_bytes(EXCERPT.read_bytes())
    packed.write_bytes(gzip.compress(EXCERPT.read_bytes()))
    assert list(read(plain)) == list(read(packed))


def test_without_a_folder_the_excerpt_is_meant() -> None:
    assert source_of(None) == EXCERPT
    assert source_of(Path("/data")) == Path("/data") / FULL_FILE


def test_what_ships_holds_no_free_text_and_no_place_finer_than_a_neighbourhood() -> None:
    with EXCERPT.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    assert tuple(rows[0]) == EXCERPT_COLUMNS
    assert {"case_title", "closure_reason", "location", "latitude", "longitude"}.isdisjoint(rows[0])
    assert {row["own_title"] for row in rows} == {"yes", "no"}
    assert len({row["case_enquiry_id"] for row in rows}) == 500
    closed_lists = ("ontime", "case_status", "subject", "reason", "department", "neighborhood", "source")
    for name in closed_lists:
        assert len({row[name] for row in rows}) <= 40, name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Street Light Outages", "street-light-outages"),
        ("Missed Trash/Recycling/Yard Waste/Bulk Item", "missed-trash-recycling-yard-waste-bulk-item"),
        ("Sidewalk Repair (Make Safe)", "sidewalk-repair-make-safe"),
    ],
)
def test_a_code_is_the_name_of_the_type(name: str, code: str) -> None:
    assert code_of(name) == code
