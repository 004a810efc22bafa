"""Readings into alarms: two-sided window, debounce, one open alarm a device, flapping, faults that are not alarms."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from uuid import UUID

from msgspec import Struct, structs

from schemas.city import Device, ScreenRule
from schemas.facts import Alarm, Reading, ReportReceived
from schemas.ids import alarm_report_id
from schemas.vocabulary import Lane, Source, TicketType, Urgency

FAULT, SILENT = ":fault", ":silent"  # what follows the kind in the rule of an alarm about the device itself
FLAP_WINDOW = timedelta(hours=1)
FLAPS = 3  # raises within the window after which an alarm is held open …
HOLD = 3  # … until so many times as many readings are back inside


class DeviceState(Struct, frozen=True, omit_defaults=True):
    """What is remembered of one device: newest reading, readings in a row outside or back inside, and the reports of
    its open alarm, open fault and open silence. `raises` are the recent moments an alarm was raised."""

    device_id: str
    kind: str
    last_at: datetime
    gateway: str = ""
    last_value: float | None = None
    outside: int = 0
    inside: int = 0
    open: UUID | None = None
    raised_at: datetime | None = None
    fault: UUID | None = None
    silent: UUID | None = None
    raises: tuple[datetime, ...] = ()


class Raised(Struct, frozen=True):
    """The readings crossed the rule's limit."""

    report_id: UUID
    alarm: Alarm
    at: datetime


class Cleared(Struct, frozen=True):
    """What the report `report_id` was about is over: the alarm, the fault or the silence."""

    report_id: UUID
    device_id: str
    rule: str
    value: float
    at: datetime


class Faulty(Struct, frozen=True):
    """The device sent what cannot be: `reason` is one of `unit`, `kind`, `value`, `range`, `time`."""

    report_id: UUID
    alarm: Alarm
    at: datetime
    reason: str


Event = Raised | Cleared | Faulty


class Screened(Struct, frozen=True):
    """What to remember now, and what happened. `ignored` says why a reading changed nothing, or ""."""

    state: DeviceState | None
    events: tuple[Event, ...] = ()
    ignored: str = ""


def screen(
    state: DeviceState | None,
    device: Device | None,
    reading: Reading,
    rules: Mapping[str, ScreenRule],
    not_after: datetime | None = None,
) -> Screened:
    """What one reading changes. `rules` by kind; `not_after` is the latest believable time of a reading.

    A reading no newer than the last one of its device is ignored, so a repeat changes nothing. Limits themselves are
    inside. Zero is a value like any other; silence is judged elsewhere.
    """
    if state and reading.at <= state.last_at:
        return Screened(state, ignored="old")
    before = state or _first(device, reading)
    rule = rules.get(before.kind)
    if not_after and reading.at > not_after:
        return _faulty(before, reading, not_after, "time") if rule else Screened(state, ignored="time")
    if rule is None:
        return Screened(_heard(before, reading), ignored="no rule")
    problem = _problem(before, reading, rule)
    if problem:
        return _faulty(before, reading, reading.at, problem)
    after, over = _recovered(before, reading)
    after, event = _judged(_heard(after, reading), reading, rule)
    return Screened(after, (*over, event) if event else over)


def _first(device: Device | None, reading: Reading) -> DeviceState:
    long_ago = reading.at - timedelta(microseconds=1)
    if device:
        return DeviceState(reading.device_id, device.kind, long_ago, device.gateway)
    return DeviceState(reading.device_id, reading.kind, long_ago)


def _heard(state: DeviceState, reading: Reading) -> DeviceState:
    return structs.replace(state, last_at=reading.at, last_value=reading.value if isfinite(reading.value) else None)


def _problem(state: DeviceState, reading: Reading, rule: ScreenRule) -> str:
    if reading.kind != state.kind:
        return "kind"
    if reading.unit != rule.unit:
        return "unit"
    if not isfinite(reading.value):
        return "value"
    return "" if rule.minimum <= reading.value <= rule.maximum else "range"


def _faulty(state: DeviceState, reading: Reading, at: datetime, reason: str) -> Screened:
    """One open fault a device. A time that cannot be is not remembered as the newest: it would silence the device."""
    value = reading.value if isfinite(reading.value) else 0.0
    name = state.kind + FAULT
    after = structs.replace(state, outside=0, inside=0)
    after = after if reason == "time" else _heard(after, reading)
    after, over = (after, ()) if reason == "time" else _ended(after, reading, ("silent",))
    if state.fault:
        return Screened(after, over)
    report_id = alarm_report_id(reading.device_id, name, _stamp(at))
    alarm = Alarm(rule=name, device_id=reading.device_id, value=value, unit=reading.unit, fault=True)
    return Screened(structs.replace(after, fault=report_id), (*over, Faulty(report_id, alarm, at, reason)))


def _recovered(state: DeviceState, reading: Reading) -> tuple[DeviceState, tuple[Event, ...]]:
    return _ended(state, reading, ("fault", "silent"))


def _ended(state: DeviceState, reading: Reading, what: tuple[str, ...]) -> tuple[DeviceState, tuple[Event, ...]]:
    over: list[Event] = []
    value = reading.value if isfinite(reading.value) else 0.0
    if "fault" in what and state.fault:
        over.append(Cleared(state.fault, state.device_id, state.kind + FAULT, value, reading.at))
        state = structs.replace(state, fault=None)
    if "silent" in what and state.silent:
        over.append(Cleared(state.silent, state.device_id, state.kind + SILENT, value, reading.at))
        state = structs.replace(state, silent=None)
    return state, tuple(over)


def _judged(state: DeviceState, reading: Reading, rule: ScreenRule) -> tuple[DeviceState, Event | None]:
    if state.open is None:
        outside = state.outside + 1 if _outside(reading.value, rule.low, rule.high) else 0
        if outside < max(1, rule.confirm):
            return structs.replace(state, outside=outside), None
        report_id = alarm_report_id(reading.device_id, rule.kind, _stamp(reading.at))
        recent = tuple(at for at in state.raises if reading.at - at <= FLAP_WINDOW)
        alarm = Alarm(
            rule=rule.kind, device_id=reading.device_id, value=reading.value, unit=reading.unit, scene=rule.scene
        )
        raised = structs.replace(
            state, outside=0, inside=0, open=report_id, raised_at=reading.at, raises=(*recent, reading.at)[-FLAPS:]
        )
        return raised, Raised(report_id, alarm, reading.at)
    low = rule.low if rule.clear_low is None else rule.clear_low
    high = rule.high if rule.clear_high is None else rule.clear_high
    inside = 0 if _outside(reading.value, low, high) else state.inside + 1
    flapping = sum(reading.at - at <= FLAP_WINDOW for at in state.raises) >= FLAPS
    if inside < max(1, rule.confirm_clear) * (HOLD if flapping else 1):
        return structs.replace(state, inside=inside), None
    cleared = Cleared(state.open, state.device_id, rule.kind, reading.value, reading.at)
    return structs.replace(state, outside=0, inside=0, open=None, raised_at=None), cleared


def _outside(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


_FAULT_TEXT = {
    "unit": "读数单位不符",
    "kind": "设备种类与登记不符",
    "value": "读数不是有效数值",
    "range": "读数超出物理范围",
    "time": "读数时间在未来",
    "silent": "长时间无数据",
}


def report_of(event: "Raised | Faulty", device: Device | None, rule: ScreenRule, place: str = "") -> ReportReceived:
    """The report that an alarm or a fault becomes; only that is routed. `place` is the name of the device's division.

    Its time is that of the reading, never of the handling, so that a repeat is the same report to the last byte.
    """
    alarm = event.alarm
    if isinstance(event, Faulty):
        text = f"{place}设备{alarm.device_id}{_FAULT_TEXT[event.reason]}，疑似设备故障，请检修。"
    else:
        text = rule.text
        filled = {"device": alarm.device_id, "value": f"{alarm.value:g}", "unit": alarm.unit, "place": place}
        for name, value in filled.items():
            text = text.replace("{" + name + "}", value)
    return ReportReceived(
        source=Source.SENSOR,
        received_at=event.at,
        occurred_at=event.at,
        report_id=event.report_id,
        ticket_type=TicketType.FINDING,
        title=_FAULT_TEXT[event.reason] if isinstance(event, Faulty) else rule.scene,
        text=text,
        district=device.division if device else "",
        lon=device.lon if device else None,
        lat=device.lat if device else None,
        device_id=alarm.device_id,
        alarm=alarm,
    )


def lane_of(event: "Raised | Faulty", rule: ScreenRule) -> Lane:
    """The lane of an alarm's report: urgent where its rule is; a fault of the device never is."""
    return Lane.NORMAL if isinstance(event, Faulty) or rule.urgency is Urgency.NORMAL else Lane.URGENT
