"""Who has gone silent, by the stream's own time: zero is a reading, no reading is a fault of the device."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct, structs

from schemas.city import ScreenRule
from schemas.facts import Alarm
from schemas.ids import alarm_report_id
from services.router.rules.screen import SILENT, Cleared, DeviceState, Faulty

GATEWAY = "gateway:"  # what the id of a gateway's own state begins with

Stream = tuple[str, str]  # gateway, kind


class Silence(Struct, frozen=True):
    """A device, or a whole gateway, that went silent (`back` None) or a gateway that came back (`back` says of what).

    `state` is to be remembered; `members` are the devices of a silent gateway, which get no alarm of their own.
    """

    device_id: str
    rule: str
    last_at: datetime
    noticed_at: datetime
    report_id: UUID
    state: DeviceState
    members: tuple[str, ...] = ()
    back: Cleared | None = None

    def fault(self) -> Faulty:
        """The silence as a fault of the device, for `screen.report_of`."""
        hours = (self.noticed_at - self.last_at).total_seconds() / 3600.0
        alarm = Alarm(rule=self.rule, device_id=self.device_id, value=round(hours, 2), unit="h", fault=True)
        return Faulty(self.report_id, alarm, self.noticed_at, "silent")


def silent(
    states: Iterable[DeviceState],
    rules: Mapping[str, ScreenRule],
    stream_now: Mapping[Stream, datetime],
    newest: datetime | None = None,
) -> tuple[Silence, ...]:
    """Those of `states` that have been silent for longer than their rule allows and are not yet known to be.

    `states` must hold every device of each gateway in it (`Atlas.gateways`), not the overdue ones alone, or a gateway
    whose other devices speak is taken for silent; the gateway's own state (id `gateway:…`) keeps it from being
    announced twice. `stream_now` is the newest reading by (gateway, kind), `newest` that of all streams. A device is
    judged against its own gateway and kind, a gateway against `newest`: never against a clock. A gateway of which
    nothing is heard is one alarm however many devices (two at least) hang on it.
    """
    by_gateway: dict[str, list[DeviceState]] = {}
    for state in states:
        by_gateway.setdefault(state.gateway, []).append(state)
    found: list[Silence] = []
    for gateway, group in sorted(by_gateway.items()):
        known = next((state for state in group if state.device_id == GATEWAY + gateway), None)
        devices = [state for state in group if not state.device_id.startswith(GATEWAY)]
        times = [at for (name, _), at in stream_now.items() if name == gateway] + [one.last_at for one in devices]
        heard = max(times, default=None)
        if known and known.silent:
            if heard is None or heard <= known.last_at:
                continue
            found.append(_back(known, heard))
        whole = _gateway(gateway, devices, heard, rules, newest)
        if whole:
            found.append(whole)
            continue
        for state in devices:
            at = _stream_time(state, devices, stream_now, newest)
            if _overdue(state, rules, at):
                found.append(_silence(state, at))
    return tuple(found)


def _stream_time(
    state: DeviceState, group: list[DeviceState], stream_now: Mapping[Stream, datetime], newest: datetime | None
) -> datetime:
    """The time of a device's own stream; a device alone on its gateway, or without one, keeps the time of all."""
    times = [one.last_at for one in group if one.kind == state.kind]
    if (state.gateway, state.kind) in stream_now:
        times.append(stream_now[state.gateway, state.kind])
    if newest and (not state.gateway or len(group) == 1):
        times.append(newest)
    return max(times)


def _overdue(state: DeviceState, rules: Mapping[str, ScreenRule], at: datetime) -> bool:
    rule = rules.get(state.kind)
    if rule is None or rule.silent_after_s <= 0 or state.silent:
        return False
    return (at - state.last_at).total_seconds() > rule.silent_after_s


def _silence(state: DeviceState, at: datetime, members: tuple[str, ...] = ()) -> Silence:
    rule = state.kind + SILENT
    report_id = alarm_report_id(state.device_id, rule, state.last_at.astimezone(UTC).isoformat())
    return Silence(
        device_id=state.device_id,
        rule=rule,
        last_at=state.last_at,
        noticed_at=at,
        report_id=report_id,
        state=structs.replace(state, silent=report_id),
        members=members,
    )


def _gateway(
    gateway: str,
    devices: list[DeviceState],
    heard: datetime | None,
    rules: Mapping[str, ScreenRule],
    newest: datetime | None,
) -> Silence | None:
    if not gateway or newest is None or heard is None or len(devices) < 2:
        return None
    last = max(devices, key=lambda state: state.last_at)
    own = DeviceState(GATEWAY + gateway, last.kind, heard, gateway)
    if not _overdue(own, rules, newest):
        return None
    return _silence(own, newest, tuple(sorted(state.device_id for state in devices)))


def _back(known: DeviceState, heard: datetime) -> Silence:
    report_id = known.silent or UUID(int=0)
    rule = known.kind + SILENT
    return Silence(
        device_id=known.device_id,
        rule=rule,
        last_at=known.last_at,
        noticed_at=heard,
        report_id=report_id,
        state=structs.replace(known, silent=None),
        back=Cleared(report_id, known.device_id, rule, 0.0, heard),
    )
