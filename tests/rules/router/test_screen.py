"""Readings into alarms: when one is raised, when not, when it is over; faults and silence apart from both."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.city import ScreenRule
from schemas.codec import encode
from schemas.facts import Reading
from schemas.ids import alarm_report_id
from schemas.vocabulary import Lane, Source
from services.router.rules.screen import Cleared, DeviceState, Faulty, Raised, Screened, lane_of, report_of, screen
from services.router.rules.silence import GATEWAY, Silence, silent
from tests.rules.router.made import DEVICES, SCREENS

START = datetime(2026, 7, 18, 9, 0, tzinfo=UTC)
RULES = {one.kind: one for one in SCREENS}
LEVEL, METER = "level", "meter"
KNOWN = {one.device_id: one for one in DEVICES}
UNITS = {LEVEL: "cm", METER: "m3"}
NAN, INF = float("nan"), float("inf")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def reading(value: float, minutes: float, kind: str = LEVEL, device: str = "", unit: str | None = None) -> Reading:
    device = device or ("WL-1" if kind == LEVEL else "WM-1")
    return Reading(device_id=device, kind=kind, value=value, unit=UNITS[kind] if unit is None else unit, at=at(minutes))


def run(
    readings: list[Reading], rules: dict[str, ScreenRule] = RULES, state: DeviceState | None = None
) -> tuple[DeviceState | None, list[Any]]:
    events: list[Any] = []
    for one in readings:
        screened = screen(state, KNOWN.get(one.device_id), one, rules)
        state, events = screened.state, [*events, *screened.events]
    return state, events


def kinds(values: list[float], kind: str = LEVEL, rules: dict[str, ScreenRule] = RULES) -> list[str]:
    _, events = run([reading(value, number, kind) for number, value in enumerate(values)], rules)
    return [type(event).__name__ for event in events]


HAPPENS = [
    ([20.0, 20.0], LEVEL, ["Raised"]),
    ([15.1, 15.1], LEVEL, ["Raised"]),
    ([3.0, 20.0, 20.0], LEVEL, ["Raised"]),
    ([20.0, 3.0, 20.0, 20.0], LEVEL, ["Raised"]),
    ([20.0, 20.0, 30.0, 40.0, 400.0], LEVEL, ["Raised"]),  # one open alarm
    ([20.0, 20.0, 4.0, 4.0], LEVEL, ["Raised", "Cleared"]),
    ([20.0, 20.0, 5.0, 5.0], LEVEL, ["Raised", "Cleared"]),
    ([20.0, 20.0, 10.0, 4.0, 4.0], LEVEL, ["Raised", "Cleared"]),
    ([20.0, 20.0, 4.0, 4.0, 20.0, 20.0], LEVEL, ["Raised", "Cleared", "Raised"]),
    ([501.0], LEVEL, ["Faulty"]),
    ([-0.1], LEVEL, ["Faulty"]),
    ([NAN], LEVEL, ["Faulty"]),
    ([INF], LEVEL, ["Faulty"]),
    ([-INF], METER, ["Faulty"]),
    ([NAN, INF, 900.0], LEVEL, ["Faulty"]),  # one open fault
    ([900.0, 3.0], LEVEL, ["Faulty", "Cleared"]),
    ([900.0, 3.0, 900.0], LEVEL, ["Faulty", "Cleared", "Faulty"]),
    ([20.0, 900.0, 20.0], LEVEL, ["Faulty", "Cleared"]),  # not twice in a row
    ([20.0, 20.0, 900.0, 4.0, 4.0], LEVEL, ["Raised", "Faulty", "Cleared", "Cleared"]),
    ([0.0], METER, ["Raised"]),  # zero is a reading
    ([0.004], METER, ["Raised"]),
    ([2.01], METER, ["Raised"]),
    ([0.0, 0.0, 0.0], METER, ["Raised"]),
    ([0.0, 3.0], METER, ["Raised"]),  # from one side of the window to the other: still one alarm
    ([0.0, 0.3], METER, ["Raised", "Cleared"]),
]

DOES_NOT = [
    ([20.0], LEVEL),
    ([20.0, 3.0, 20.0, 3.0], LEVEL),
    ([15.0, 15.0, 15.0], LEVEL),
    ([0.0, 0.0, 0.0], LEVEL),
    ([500.0], LEVEL),
    ([14.9, 14.9], LEVEL),
    ([0.01], METER),
    ([2.0], METER),
    ([0.12, 0.3, 1.9], METER),
    ([], METER),
    ([0.011, 1.999], METER),
]


@pytest.mark.parametrize(("values", "kind", "events"), HAPPENS)
def test_what_happens(values: list[float], kind: str, events: list[str]) -> None:
    assert kinds(values, kind) == events


@pytest.mark.parametrize(("values", "kind"), DOES_NOT)
def test_what_raises_nothing(values: list[float], kind: str) -> None:
    assert kinds(values, kind) == []


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (reading(3.0, 0, unit="m"), "unit"),
        (reading(3.0, 0, unit=" "), "unit"),
        (reading(0.3, 0, METER, device="WL-1"), "kind"),
        (reading(NAN, 0), "value"),
        (reading(501.0, 0), "range"),
    ],
)
def test_a_fault_says_why(one: Reading, reason: str) -> None:
    _, (event,) = run([one])
    assert isinstance(event, Faulty) and event.reason == reason and event.alarm.fault
    assert event.alarm.rule == "level:fault"


@pytest.mark.parametrize(
    "ignored",
    [reading(99.0, 5), reading(99.0, 4.99), reading(99.0, -1_000), reading(NAN, 5), reading(20.0, 5, unit="inch")],
)
def test_a_reading_no_newer_than_the_last_changes_nothing(ignored: Reading) -> None:
    state, _ = run([reading(20.0, 4), reading(20.0, 5)])
    assert screen(state, KNOWN["WL-1"], ignored, RULES) == Screened(state, (), "old")


def test_a_time_in_the_future_is_a_fault_and_does_not_deafen_the_device() -> None:
    state, _ = run([reading(3.0, 0)])
    ahead = screen(state, KNOWN["WL-1"], reading(20.0, 60 * 24 * 365), RULES, not_after=at(5))
    assert [type(event) for event in ahead.events] == [Faulty]
    assert ahead.state and ahead.state.last_at == at(0)
    again = screen(ahead.state, KNOWN["WL-1"], reading(3.0, 1), RULES, not_after=at(6))
    assert [type(event) for event in again.events] == [Cleared]


def test_a_kind_without_a_rule_raises_nothing() -> None:
    state, events = run([reading(3.0, 0)], rules={})
    assert events == [] and state and state.last_at == at(0)


def test_an_unregistered_device_is_screened_by_its_kind() -> None:
    _, events = run([reading(20.0, 0, device="X"), reading(20.0, 1, device="X")])
    assert [type(event) for event in events] == [Raised]


def test_flapping_holds_the_alarm_open() -> None:
    swing = [20.0, 20.0, 4.0, 4.0]
    seen = kinds(swing * 3 + [20.0, 20.0, 4.0, 4.0, 20.0, 20.0, 4.0, 4.0])
    assert seen == ["Raised", "Cleared", "Raised", "Cleared", "Raised"]
    calm = kinds(swing * 2 + [20.0, 20.0] + [4.0] * 6)
    assert calm == ["Raised", "Cleared", "Raised", "Cleared", "Raised", "Cleared"]


def test_the_report_of_an_alarm_is_the_same_however_often_it_is_made() -> None:
    _, (raised,) = run([reading(20.0, 0), reading(23.5, 1)])
    assert raised.report_id == alarm_report_id("WL-1", "level", at(1).isoformat())
    first, again = (report_of(raised, KNOWN["WL-1"], RULES[LEVEL], "桥东居委会") for _ in range(2))
    assert encode(first) == encode(again)
    assert (first.source, first.text) == (Source.SENSOR, "桥东居委会水位23.5cm(WL-1)")
    assert first.report_id == raised.report_id and first.received_at == at(1)
    assert lane_of(raised, RULES[LEVEL]) is Lane.URGENT
    far = reading(23.5, 1)
    shifted = structs.replace(far, at=far.at.astimezone().replace(tzinfo=far.at.astimezone().tzinfo))
    _, (same,) = run([reading(20.0, 0), shifted])
    assert same.report_id == raised.report_id


def test_the_report_of_a_fault_can_be_written_whatever_the_value() -> None:
    _, (fault,) = run([reading(NAN, 0)])
    made = report_of(fault, KNOWN["WL-1"], RULES[LEVEL])
    assert b"NaN" not in encode(made) and made.alarm and made.alarm.fault
    assert lane_of(fault, RULES[LEVEL]) is Lane.NORMAL


VALUES = st.lists(st.one_of(st.floats(0, 30), st.sampled_from([NAN, INF, 900.0, 15.0, 5.0])), max_size=40)


@settings(deadline=None)
@given(VALUES, st.data())
def test_a_repeat_changes_nothing(values: list[float], data: st.DataObject) -> None:
    readings = [reading(value, number) for number, value in enumerate(values)]
    _, once = run(readings)
    doubled: list[Reading] = []
    for number, one in enumerate(readings):
        doubled.append(one)
        if data.draw(st.booleans()):
            doubled.append(readings[data.draw(st.integers(0, number))])
    assert run(doubled)[1] == once


@settings(deadline=None)
@given(VALUES, VALUES, st.randoms())
def test_devices_do_not_disturb_each_other(first: list[float], second: list[float], random: Any) -> None:
    lines = {
        "WL-1": [reading(value, number) for number, value in enumerate(first)],
        "WL-2": [reading(value, number, device="WL-2") for number, value in enumerate(second)],
    }
    alone = {device: run(readings)[1] for device, readings in lines.items()}
    states: dict[str, DeviceState | None] = {"WL-1": None, "WL-2": None}
    mixed: dict[str, list[Any]] = {"WL-1": [], "WL-2": []}
    waiting = {device: list(readings) for device, readings in lines.items()}
    while any(waiting.values()):
        device = random.choice([name for name, rest in waiting.items() if rest])
        screened = screen(states[device], KNOWN[device], waiting[device].pop(0), RULES)
        states[device] = screened.state
        mixed[device].extend(screened.events)
    assert mixed == alone


@settings(deadline=None)
@given(VALUES)
def test_raises_and_clears_alternate(values: list[float]) -> None:
    _, events = run([reading(value, number) for number, value in enumerate(values)])
    for rule in ("level", "level:fault"):
        line = [e for e in events if (e.rule if isinstance(e, Cleared) else e.alarm.rule) == rule]
        assert all(isinstance(event, Cleared) == bool(number % 2) for number, event in enumerate(line))
        for opened, over in zip(line[::2], line[1::2], strict=False):
            assert over.report_id == opened.report_id


def heard(device: str, minutes: float, gateway: str = "GW-1", **more: Any) -> DeviceState:
    return DeviceState(device, LEVEL, at(minutes), gateway, **more)


def test_one_silent_device_on_a_live_gateway() -> None:
    (found,) = silent([heard("WL-1", 0), heard("WL-2", 29)], RULES, {("GW-1", LEVEL): at(30)})
    assert (found.device_id, found.rule, found.last_at, found.noticed_at) == ("WL-1", "level:silent", at(0), at(30))
    assert found.state.silent == found.report_id
    assert silent([found.state], RULES, {("GW-1", LEVEL): at(60)}) == ()
    back = screen(found.state, KNOWN["WL-1"], reading(3.0, 61), RULES)
    assert [type(event) for event in back.events] == [Cleared]
    assert back.state and back.state.silent is None


@pytest.mark.parametrize(
    ("states", "stream_now", "newest"),
    [
        ([heard("WL-1", 21)], {("GW-1", LEVEL): at(30)}, None),
        ([heard("WL-1", 20)], {("GW-1", LEVEL): at(30)}, None),  # exactly the limit
        ([heard("WL-1", 0)], {}, None),  # nothing was heard at all: time stands still
        ([heard("WL-1", 0), heard("WL-2", 4)], {("GW-2", LEVEL): at(14)}, at(14)),
        ([heard("WL-1", 55), heard("WL-2", 56)], {}, at(60)),
        ([DeviceState("Y", "unknown", at(0), "GW-1")], {("GW-1", "unknown"): at(9_999)}, None),
        ([], {("GW-1", LEVEL): at(30)}, at(30)),
        ([heard("WL-1", 0, silent=alarm_report_id("WL-1", "x", "y"))], {("GW-1", LEVEL): at(30)}, None),
    ],
)
def test_not_silent(states: list[DeviceState], stream_now: dict[Any, datetime], newest: datetime | None) -> None:
    assert silent(states, RULES, stream_now, newest) == ()


def test_a_wholly_silent_gateway_is_one_alarm() -> None:
    devices = [heard(f"WL-{number}", number % 3) for number in range(40)]
    (found,) = silent(devices, RULES, {("GW-9", LEVEL): at(60)}, at(60))
    assert (found.device_id, len(found.members)) == (GATEWAY + "GW-1", 40)
    assert silent([*devices, found.state], RULES, {("GW-9", LEVEL): at(90)}, at(90)) == ()
    back = silent([heard("WL-1", 95), found.state], RULES, {("GW-1", LEVEL): at(95)}, at(95))
    assert [one.back and one.back.report_id for one in back] == [found.report_id]


def test_a_device_that_stays_silent_when_its_gateway_is_back_is_a_fault_of_its_own() -> None:
    (whole,) = silent([heard("WL-1", 0), heard("WL-2", 1)], RULES, {}, at(60))
    back = silent([heard("WL-1", 0), heard("WL-2", 70), whole.state], RULES, {}, at(70))
    assert [(one.device_id, one.back is None) for one in back] == [(GATEWAY + "GW-1", False), ("WL-1", True)]


def test_a_device_without_company_is_judged_against_all_streams() -> None:
    for gateway in ("", "GW-7"):
        (found,) = silent([heard("WL-9", 0, gateway)], RULES, {}, at(60))
        assert found.device_id == "WL-9" and found.members == ()


def test_silence_becomes_a_fault_of_the_device_not_a_zero() -> None:
    elder = DeviceState("WM-1", METER, at(0), "GW-2")
    (found,) = silent([elder], RULES, {("GW-2", METER): at(60 * 37)})
    assert isinstance(found, Silence)
    made = report_of(found.fault(), KNOWN["WM-1"], RULES[METER], "桥东居委会")
    assert made.alarm and (made.alarm.fault, made.alarm.scene, made.alarm.value) == (True, "", 37.0)
    assert "无数据" in made.text and made.device_id == "WM-1"
