"""Every fault of a reading has its code; the rest is grouped by bucket."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import Reading
from schemas.refusals import Refused
from services.intake.rules.bodies import Reader, ReadingBody
from services.intake.rules.readings import READINGS_A_MESSAGE, bucket_of, check_reading, grouped
from services.intake.rules.register import Register

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def checked(register: Register, **said: Any) -> Reading:
    body = {"device_id": "W1", "value": 0.2, "unit": "m", "at": NOW.isoformat(), **said}
    return check_reading(Reader(ReadingBody).one(json.dumps(body).encode()), register, NOW)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("device_unknown", {"device_id": "W9"}),
        ("device_unknown", {"device_id": ""}),
        ("unit_missing", {"unit": ""}),
        ("unit_missing", {"unit": "cm"}),
        ("unit_missing", {"device_id": "X1", "unit": ""}),
        ("value_not_finite", {"value": float("nan")}),
        ("value_not_finite", {"value": float("inf")}),
        ("value_impossible", {"value": 5.01}),
        ("value_impossible", {"value": -0.01}),
        ("time_in_future", {"at": (NOW + timedelta(minutes=3)).isoformat()}),
        ("time_too_old", {"at": (NOW - timedelta(days=31)).isoformat()}),
        ("invalid", {"at": "2026-03-02T02:00:00"}),
        ("invalid", {"value": "0.2"}),
        ("invalid", {"value": None}),
        ("invalid", {"kind": "elder_meter"}),
    ],
)
def test_each_fault_has_its_code(register: Register, code: str, said: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        checked(register, **said)
    assert refused.value.code == code


def test_number_too_large_for_a_float_is_not_finite(register: Register) -> None:
    raw = b'{"device_id":"W1","value":1e999,"unit":"m","at":"2026-03-02T02:00:00Z"}'
    with pytest.raises(Refused, match="value_not_finite"):
        check_reading(Reader(ReadingBody).one(raw), register, NOW)


def test_the_kind_is_the_devices_and_the_time_utc(register: Register) -> None:
    reading = checked(register, at="2026-03-02T10:00:00+08:00")
    assert (reading.kind, reading.at) == ("water_level", NOW)
    assert checked(register, device_id="X1", value=1e9, unit="ppm").kind == "unscreened"
    assert checked(register, value=5).value == 5


DEVICES = st.lists(st.text(min_size=1, max_size=3), min_size=0, max_size=40)


@given(devices=DEVICES, many=st.integers(0, 1200))
def test_nothing_is_lost_and_order_holds_per_device(devices: list[str], many: int) -> None:
    names = [*devices, *["often"] * many]
    readings = [Reading(device_id=name, kind="k", value=n, unit="u", at=NOW) for n, name in enumerate(names)]
    messages = grouped(readings, "gw")
    for bucket, fact, positions in messages:
        assert 1 <= len(fact.readings) <= READINGS_A_MESSAGE
        assert all(crc32(r.device_id.encode()) % 64 == bucket == bucket_of(r.device_id) for r in fact.readings)
        assert list(fact.readings) == [readings[p] for p in positions]
    for name in set(names):
        values = [r.value for _, fact, _ in messages for r in fact.readings if r.device_id == name]
        assert values == [n for n, other in enumerate(names) if other == name]
    assert sorted(p for _, _, positions in messages for p in positions) == list(range(len(names)))
