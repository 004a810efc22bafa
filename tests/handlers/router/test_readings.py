"""Readings through the router's seam: alarms become reports, silence is a fault, one device's is not its gateway's."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import msgspec

from schemas.codec import decode, message
from schemas.envelope import Outgoing, Record
from schemas.facts import (
    AlarmCleared,
    AlarmRaised,
    DeviceSilent,
    Reading,
    ReadingReceived,
    ReportReceived,
)
from schemas.topics import SENSORS_READINGS
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.handlers import ReadingsHandler
from services.router.rules.atlas import Atlas

unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode
NOW = datetime.now(UTC).replace(microsecond=0)
METERS = [f"WM-310106021-00{n}" for n in (317, 318, 319)]


def batch(*readings: tuple[str, float, datetime], kind: str = "water_meter_day", unit: str = "m3") -> Record:
    fact = ReadingReceived(
        readings=tuple(Reading(device_id=d, kind=kind, value=v, unit=unit, at=at) for d, v, at in readings)
    )
    sent = message(SENSORS_READINGS, fact, id=uuid4(), key="1", source="test", time=NOW)
    return Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers)


async def said(pool: asyncpg.Pool) -> list[object]:
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
    return [decode(Record(m.topic, 0, 0, m.key, m.value, m.headers)) for row in rows for m in unpack(row["payload"])]


def seam(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> Seam:
    return Seam(ReadingsHandler(atlas), pool, settings)


async def test_an_alarm_is_announced_once_as_a_report_of_its_own_and_cleared(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router = seam(atlas, pool, settings)
    day = timedelta(days=1)
    await router.handle([batch((METERS[0], 0.2, NOW - 2 * day))])
    low = batch((METERS[0], 0.004, NOW - day))
    await router.handle([low])
    await router.handle([low])
    await router.handle([batch((METERS[0], 0.003, NOW - day / 2))])
    raised = await said(pool)
    assert {type(f) for f in raised} == {AlarmRaised, ReportReceived} and len(raised) == 2, "one open alarm a device"
    assert [f.device_id for f in raised if isinstance(f, ReportReceived)] == [METERS[0]]
    await router.handle([batch((METERS[0], 0.2, NOW - day / 4)), batch((METERS[0], 0.21, NOW))])
    assert AlarmCleared in [type(f) for f in await said(pool)]


async def test_one_silent_meter_is_one_fault_while_its_neighbours_speak(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router = seam(atlas, pool, settings)
    early = NOW - timedelta(hours=60)
    await router.handle([batch(*((m, 0.2, early) for m in METERS))])
    for hours in (40, 20, 1):
        await router.handle([batch(*((m, 0.2, NOW - timedelta(hours=hours)) for m in METERS[:2]))])
    silent = [f for f in await said(pool) if isinstance(f, DeviceSilent)]
    assert [f.device_id for f in silent] == [METERS[2]]
    await router.handle([batch((METERS[0], 0.2, NOW))])
    assert len([f for f in await said(pool) if isinstance(f, DeviceSilent)]) == 1, "told once"


async def test_a_reading_from_the_future_makes_nobody_silent(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router = seam(atlas, pool, settings)
    await router.handle([batch(*((m, 0.2, NOW - timedelta(minutes=5)) for m in METERS))])
    await router.handle([batch((METERS[0], 0.2, NOW + timedelta(days=300)))])
    await router.handle([batch((METERS[1], 0.2, NOW))])
    assert not [f for f in await said(pool) if isinstance(f, DeviceSilent)]


async def test_zero_is_an_alarm_and_not_silence(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    await seam(atlas, pool, settings).handle([batch((METERS[0], 0.0, NOW))])
    assert {type(f) for f in await said(pool)} == {AlarmRaised, ReportReceived}


async def test_a_gateway_that_is_late_is_judged_by_its_own_time(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router = seam(atlas, pool, settings)
    elsewhere = next(
        d
        for d in atlas.devices.values()
        if d.kind == "water_meter_day" and d.gateway != atlas.devices[METERS[0]].gateway
    )
    await router.handle([batch((elsewhere.device_id, 0.2, NOW))])
    for hours, meters in ((70, METERS), (50, METERS[:2]), (31, METERS[:2]), (30, METERS[:2])):
        await router.handle([batch(*((m, 0.2, NOW - timedelta(hours=hours)) for m in meters))])
    assert [f.device_id for f in await said(pool) if isinstance(f, DeviceSilent)] == [METERS[2]]
