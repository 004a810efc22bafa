"""Readings: screened into alarms, and each alarm announced as a report of its own; only that is routed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zlib import crc32

from msgspec import Struct

from schemas.city import Device
from schemas.codec import message
from schemas.facts import AlarmCleared, AlarmRaised, DeviceFaulty, DeviceSilent, ReadingReceived
from schemas.ids import fact_id, order_id_of
from schemas.topics import REPORTS, ROUTING_NORMAL
from schemas.vocabulary import Lane
from services.chassis import metrics
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.screen import Cleared, DeviceState, Event, Faulty, Raised, lane_of, report_of, screen
from services.router.rules.silence import GATEWAY, Silence, silent

BELIEVABLE = timedelta(minutes=10)  # how far a device's clock may run ahead of ours
SILENCE_EVERY = timedelta(seconds=60)  # of the stream's own time, between two looks for silent devices

Stream = tuple[str, str]


@dataclass(slots=True)
class _State:
    now: datetime
    last: Work
    devices: dict[str, DeviceState]
    quiet: dict[str, DeviceState] | None  # the overdue ones, when it is time to look
    heard: dict[Stream, datetime] = field(default_factory=dict)
    changed: dict[str, DeviceState] = field(default_factory=dict)


class ReadingsHandler:
    """Screens `sensors.readings`. A device's state is a row, gathered with the batch."""

    consumer = "router-readings"
    lock_space = 1

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._looked: dict[str, datetime] = {}

    def wants(self, fact: Struct) -> bool:
        """All readings."""
        return isinstance(fact, ReadingReceived)

    def inboxed(self, fact: Struct) -> bool:
        """Old readings change nothing, but an alarm's events are announced once."""
        return True

    def prepare(self, works: Sequence[Work]) -> None:
        """Nothing to prepare: screening needs the device's state."""

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """The devices heard, and one key for whoever looks for silent ones."""
        for work in works:
            for reading in work.fact.readings:
                yield crc32(reading.device_id.encode())
        yield crc32(b"silence")

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        """What is remembered of the devices heard and their gateways; once a minute of their time, of those overdue."""
        heard = {r.device_id for w in works for r in w.fact.readings}
        gateways = {GATEWAY + self._gateway(d, w.fact) for w in works for d in (r.device_id for r in w.fact.readings)}
        states = await store.device_states(connection, sorted(heard | gateways))
        newest = self._time_to_look(works, now)
        quiet = await self._quiet(connection, newest) if newest is not None else None
        return _State(now, works[-1], states, quiet)

    def _time_to_look(self, works: Sequence[Work], now: datetime) -> datetime | None:
        """The newest time of the batch, once a minute of any gateway's own time: one that is late is not judged by
        those that are ahead of it. None when it is not time yet."""
        heard: dict[str, datetime] = {}
        for work in works:
            for reading in work.fact.readings:
                gateway = self._gateway(reading.device_id, work.fact)
                at = min(reading.at, now + BELIEVABLE)
                heard[gateway] = max(at, heard.get(gateway, at))
        due = {g: at for g, at in heard.items() if g not in self._looked or at - self._looked[g] >= SILENCE_EVERY}
        self._looked |= due
        return max(due.values(), default=None)

    async def _quiet(self, connection: Connection, newest: datetime) -> dict[str, DeviceState]:
        """The overdue devices and all others of their gateways: one device's silence is not its gateway's."""
        limits = [
            (kind, newest - timedelta(seconds=rule.silent_after_s))
            for kind, rule in self._atlas.screens.items()
            if rule.silent_after_s
        ]
        overdue = await store.overdue_devices(connection, limits)
        gateways = {state.gateway for state in overdue.values() if state.gateway}
        members = {device for gateway in gateways for device in self._atlas.gateways.get(gateway, ())}
        wanted = sorted((members | {GATEWAY + gateway for gateway in gateways}) - overdue.keys())
        return {**overdue, **await store.device_states(connection, wanted)} if wanted else overdue

    def decide(self, state: _State, work: Work, output: Output) -> None:
        """Screen each reading; with the last message of the batch, look for who has gone silent."""
        fact: ReadingReceived = work.fact
        for reading in fact.readings:
            device = self._atlas.devices.get(reading.device_id) or self._unregistered(
                reading.device_id, reading.kind, fact
            )
            done = screen(
                state.devices.get(reading.device_id), device, reading, self._atlas.screens, state.now + BELIEVABLE
            )
            if done.state is None:
                continue
            state.devices[reading.device_id] = state.changed[reading.device_id] = done.state
            if not done.ignored and reading.at <= state.now + BELIEVABLE:
                stream = (done.state.gateway, done.state.kind)
                state.heard[stream] = max(reading.at, state.heard.get(stream, reading.at))
            for event in done.events:
                self._announce(event, device, state.now, output)
        if work is state.last and state.quiet is not None:
            self._look_for_silence(state, output)

    def _look_for_silence(self, state: _State, output: Output) -> None:
        assert state.quiet is not None
        known = {name: s for name, s in state.devices.items() if name.startswith(GATEWAY)}
        newest = max(state.heard.values(), default=None)
        for found in silent(
            {**state.quiet, **known, **state.changed}.values(), self._atlas.screens, state.heard, newest
        ):
            state.changed[found.device_id] = found.state
            if found.back is not None:
                self._announce(found.back, None, state.now, output)
            else:
                self._announce_silence(found, state.now, output)

    def _announce(self, event: Event, device: Device | None, now: datetime, output: Output) -> None:
        if isinstance(event, Cleared):
            fact = AlarmCleared(
                report_id=event.report_id,
                device_id=event.device_id,
                rule=event.rule,
                value=event.value,
                cleared_at=event.at,
            )
            self._say(fact, event.report_id, now, output)
            metrics.ALARMS.labels("cleared", event.rule).inc()
            return
        if isinstance(event, Raised):
            self._say(
                AlarmRaised(report_id=event.report_id, alarm=event.alarm, raised_at=event.at),
                event.report_id,
                now,
                output,
            )
            metrics.ALARMS.labels("raised", event.alarm.rule).inc()
        else:
            alarm = event.alarm
            faulty = DeviceFaulty(device_id=alarm.device_id, rule=alarm.rule, value=alarm.value, at=event.at)
            self._say(faulty, event.report_id, now, output)
            metrics.ALARMS.labels("faulty", alarm.rule).inc()
        self._report(event, device, now, output)

    def _announce_silence(self, found: Silence, now: datetime, output: Output) -> None:
        fact = DeviceSilent(
            device_id=found.device_id, rule=found.rule, last_at=found.last_at, noticed_at=found.noticed_at
        )
        self._say(fact, found.report_id, now, output)
        metrics.ALARMS.labels("silent", found.rule).inc()
        self._report(found.fault(), self._atlas.devices.get(found.device_id), now, output)

    def _report(self, event: Raised | Faulty, device: Device | None, now: datetime, output: Output) -> None:
        rule = self._atlas.screens[event.alarm.rule.partition(":")[0]]
        division = self._atlas.divisions.get(device.division) if device else None
        report = report_of(event, device, rule, division.name if division else "")
        lane = lane_of(event, rule)
        sent = message(REPORTS[lane], report, id=event.report_id, key=str(event.report_id), source="router", time=now)
        (output.urgent if lane is Lane.URGENT else output.messages).append(sent)

    @staticmethod
    def _say(fact: Struct, report_id: UUID, now: datetime, output: Output) -> None:
        id_ = fact_id(report_id, type(fact).__name__)
        output.messages.append(
            message(ROUTING_NORMAL, fact, id=id_, key=str(order_id_of(report_id)), source="router", time=now)
        )

    def _gateway(self, device_id: str, fact: ReadingReceived) -> str:
        device = self._atlas.devices.get(device_id)
        return device.gateway if device else fact.gateway

    @staticmethod
    def _unregistered(device_id: str, kind: str, fact: ReadingReceived) -> Device:
        """A device the registry does not know yet: screened by its kind, routed without a place."""
        return Device(device_id=device_id, kind=kind, division="", gateway=fact.gateway)

    async def apply(self, connection: Connection, state: _State) -> None:
        """What is now remembered of each device."""
        await store.save_devices(connection, sorted(state.changed.values(), key=lambda s: s.device_id))
