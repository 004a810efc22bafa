"""Units that begin, end, change their names and are merged: a row for each span, one unit a day."""

from datetime import date
from pathlib import Path

import pytest

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
