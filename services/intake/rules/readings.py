"""Which measurements come in, and which bucket each travels in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from zlib import crc32

from schemas.facts import Reading, ReadingReceived
from schemas.refusals import Refused
from services.intake.rules.bodies import ReadingBody
from services.intake.rules.normalise import AHEAD, BEHIND
from services.intake.rules.register import Register

BUCKETS = 64
READINGS_A_MESSAGE = 500


def check_reading(body: ReadingBody, register: Register, now: datetime) -> Reading:
    """The measurement as a fact, its time in UTC. Raises Refused: device_unknown, unit_missing, value_not_finite,
    value_impossible (beyond what the screen of its kind calls possible), time_in_future, time_too_old, invalid."""
    entry = register.devices.get(body.device_id)
    if entry is None:
        raise Refused("device_unknown", repr(body.device_id[:80]))
    device, screen = entry
    if body.kind and body.kind != device.kind:
        raise Refused("invalid", f"kind: this device measures {device.kind}")
    if not body.unit or (screen is not None and body.unit != screen.unit):
        raise Refused("unit_missing", "" if screen is None else f"{screen.unit} is expected")
    if not isfinite(body.value):
        raise Refused("value_not_finite")
    if screen is not None and not screen.minimum <= body.value <= screen.maximum:
        raise Refused("value_impossible", f"from {screen.minimum:g} to {screen.maximum:g} {screen.unit}")
    if body.at > now + AHEAD:
        raise Refused("time_in_future", "at")
    if body.at < now - BEHIND:
        raise Refused("time_too_old", "at")
    return Reading(
        device_id=body.device_id, kind=device.kind, value=body.value, unit=body.unit, at=body.at.astimezone(UTC)
    )


def bucket_of(device_id: str) -> int:
    """The bucket of a device: crc32 of its id (UTF-8) mod 64."""
    return crc32(device_id.encode()) % BUCKETS


def grouped(readings: Sequence[Reading], gateway: str) -> list[tuple[int, ReadingReceived, list[int]]]:
    """Readings as messages of one bucket each, 1–500 a message, in the order given: (bucket, message, the positions
    of its readings in `readings`)."""
    buckets: dict[int, list[int]] = {}
    for position, reading in enumerate(readings):
        buckets.setdefault(bucket_of(reading.device_id), []).append(position)
    messages: list[tuple[int, ReadingReceived, list[int]]] = []
    for bucket, positions in sorted(buckets.items()):
        for start in range(0, len(positions), READINGS_A_MESSAGE):
            part = positions[start : start + READINGS_A_MESSAGE]
            fact = ReadingReceived(readings=tuple(readings[position] for position in part), gateway=gateway)
            messages.append((bucket, fact, part))
    return messages
