"""Measurements: devices that drift, fail, fall silent, and now and then have something to tell.

What is usual for a device follows from the screening rule of its kind, so that any city's devices can be simulated.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import exp, pi, sin
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from deploy.simulator.grammar import Rand
from deploy.simulator.rhythm import Rhythm, Window
from schemas.city import City, Device, ScreenRule

__all__ = ["Batch", "Gateways", "flood_curve"]

DAY = 86_400.0
_MORNING = 6  # local hour at which daily meters are read
_EPISODE = {"day": 0.006, "often": 0.0006}  # chance that a reading begins an episode beyond its limits
_LOW = 0.6  # of the episodes of a two-sided rule
_SILENCE = 0.002
_IMPOSSIBLE = 0.0005
_FLOODED = 0.1  # of the devices that a storm can flood: many alarms, few sites
_MOST = 500  # readings a batch
_LATE_UPLOADS = 900.0  # seconds over which daily meters are spread in a window shorter than that


class Batch(Struct, frozen=True):
    """What one gateway sends at once, `offset` seconds after the start."""

    offset: float
    gateway: str
    readings: list[dict[str, Any]]


class _Meter:
    """One device with its own source of chance."""

    __slots__ = ("_episode", "_flood", "_level", "_rule", "_sign", "_silent_until", "_wander", "device", "rand")

    def __init__(self, device: Device, rule: ScreenRule, seed: int, *, flooded: bool) -> None:
        self.device = device
        self._rule = rule
        self.rand = Random(f"{seed}/{device.device_id}").random
        low = rule.low if rule.low is not None else max(rule.minimum, 0.0)
        high = rule.high if rule.high is not None else rule.maximum
        self._level = low + (high - low) * (
            0.03 + 0.09 * self.rand() if rule.low is not None else 0.02 + 0.2 * self.rand()
        )
        self._wander = 0.1 + 0.2 * self.rand()
        self._flood = high * (1.3 + 2.5 * self.rand()) if flooded else 0.0
        self._episode = 0
        self._sign = 1.0
        self._silent_until = -1.0

    def value(self, offset: float, storm: float | None, episode: float) -> float | None:
        """What it measures `offset` seconds after the start; None while it is silent."""
        rule, rand = self._rule, self.rand
        if offset < self._silent_until:
            return None
        chance = rand()
        if chance < _SILENCE:
            self._silent_until = offset + rand() * 2.5 * (rule.silent_after_s or 3600)
            return None
        if chance < _SILENCE + _IMPOSSIBLE:
            return round(rule.maximum * (1.5 + rand()), 3)
        if storm is not None and self._flood:
            return _rounded(self._level + self._flood * flood_curve(storm), rule)
        if self._episode == 0 and chance > 1 - episode:
            self._episode = rule.confirm + int(3 * rand())
            self._sign = -1.0 if rule.low is not None and rand() < _LOW else 1.0
        if self._episode:
            self._episode -= 1
            return self._beyond()
        drift = 1 + self._wander * sin(2 * pi * offset / (9 * DAY)) + 0.25 * (rand() - 0.5)
        return _rounded(self._level * drift, rule)

    def _beyond(self) -> float:
        rule, rand = self._rule, self.rand
        if self._sign < 0 and rule.low is not None:
            return round(rule.low * rand() * 0.9, 4)
        if rule.high is None:
            return round(self._level, 3)
        return round(min(rule.high * (1.02 + 0.6 * rand()), rule.maximum), 3)


def _rounded(value: float, rule: ScreenRule) -> float:
    return round(min(max(value, rule.minimum), rule.maximum), 3)


def flood_curve(share: float) -> float:
    """How high the water stands, 0 to 1, when `share` of the storm is over: it rises fast, stays, and drains slowly."""
    if share < 0.25:
        return sin(share / 0.25 * pi / 2)
    return 1.0 if share < 0.5 else exp(-(share - 0.5) * 8)


class _Gateway:
    """Devices of one kind behind one gateway, read together."""

    def __init__(self, name: str, rule: ScreenRule, meters: list[_Meter], first: float, period: float) -> None:
        self.name = name
        self.rule = rule
        self.meters = meters
        self.first = first
        self.period = period

    @property
    def daily(self) -> bool:
        return self.period >= DAY


class Gateways:
    """All gateways of a city over one window."""

    def __init__(self, city: City, seed: int, window: Window, rhythm: Rhythm, flooded_kinds: tuple[str, ...]) -> None:
        self._zone = ZoneInfo(city.timezone)
        self._window = window
        self._rhythm = rhythm
        rand = Random(f"{seed}/gateways").random
        rules = {rule.kind: rule for rule in city.screens}
        grouped: dict[tuple[str, str], list[_Meter]] = {}
        for device in city.devices:
            rule = rules.get(device.kind)
            if rule is not None:
                flooded = device.kind in flooded_kinds and rand() < _FLOODED
                meter = _Meter(device, rule, seed, flooded=flooded)
                grouped.setdefault((device.gateway or device.device_id, device.kind), []).append(meter)
        self._gateways = [
            self._gateway(name, rules[kind], meters, rand) for (name, kind), meters in sorted(grouped.items())
        ]

    def batches(self) -> Iterator[Batch]:
        """Every batch, in order of time; without end when the window has none."""
        queue = [(gateway.first, n) for n, gateway in enumerate(self._gateways)]
        heapq.heapify(queue)
        end = None if self._window.length is None else self._window.seconds
        while queue and (end is None or queue[0][0] < end):
            offset, n = queue[0]
            gateway = self._gateways[n]
            heapq.heapreplace(queue, (self._next(gateway, offset), n))
            readings = self._readings(gateway, offset)
            if readings:
                yield Batch(offset, gateway.name, readings)

    def _gateway(self, name: str, rule: ScreenRule, meters: list[_Meter], rand: Rand) -> _Gateway:
        """Devices that watch minute by minute are read oftener in a short window, so that something is to be seen;
        daily meters upload the last morning's reading somewhere in the window, then each morning."""
        seconds, silent = self._window.seconds, rule.silent_after_s
        if silent >= DAY:
            return _Gateway(name, rule, meters, rand() * min(max(seconds, _LATE_UPLOADS), DAY), DAY)
        period = silent / 6 if silent else 3600.0
        if silent and silent <= 3600:
            period = max(5.0, min(period, seconds / 12))
        return _Gateway(name, rule, meters, rand() * period, period)

    def _next(self, gateway: _Gateway, offset: float) -> float:
        if not gateway.daily:
            return offset + gateway.period
        morning = self._morning(offset) + timedelta(days=1)
        return (morning - self._window.start).total_seconds() + 60 + gateway.first % 2400

    def _morning(self, offset: float) -> datetime:
        """The last six o'clock before a moment."""
        local = (self._window.start + timedelta(seconds=offset)).astimezone(self._zone)
        morning = local.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
        return morning if morning <= local else morning - timedelta(days=1)

    def _readings(self, gateway: _Gateway, offset: float) -> list[dict[str, Any]]:
        at = self._morning(offset) if gateway.daily else self._window.start + timedelta(seconds=round(offset, 3))
        stamp, rule = at.isoformat(), gateway.rule
        storm = self._rhythm.stormy(offset)
        episode = _EPISODE["day" if gateway.daily else "often"]
        found = []
        for meter in gateway.meters[:_MOST]:
            value = meter.value(offset, storm, episode)
            if value is not None:
                device = meter.device
                reading = {"device_id": device.device_id, "kind": device.kind, "value": value, "unit": rule.unit}
                found.append({**reading, "at": stamp})
        return found
