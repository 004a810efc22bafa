"""A weather warning: kept, and what it sends out before anything has happened, as reports of the router's own."""

from datetime import datetime
from uuid import UUID, uuid5

from schemas.city import Device, Preposition
from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import ReportReceived
from schemas.topics import REPORTS
from schemas.vocabulary import Lane, Source
from services.chassis import outbox
from services.chassis.database import Connection
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.day import Warning

_SPACE = UUID("6f2a2b1e-52a5-5d0f-9a3c-3a1d1f8f6c11")


async def warn(connection: Connection, warning: Warning, said_by: str, now: datetime, atlas: Atlas) -> int:
    """Keep a warning and send out what the city sends out for it and its level; said again it sends nothing anew. Runs
    in the caller's transaction; answers how many reports left."""
    before = await store.save_warning(connection, warning, said_by)
    if before == warning.level or warning.ends <= now:
        return 0
    sent = [_told(one, now) for one in prepositions(warning, now, atlas)]
    await outbox.write(connection, sent, urgent=True, recorded_at=now)
    return len(sent)


def prepositions(warning: Warning, now: datetime, atlas: Atlas) -> list[ReportReceived]:
    """The reports that a warning makes: one for each point of the city's rows that it covers. They name the place, not
    the device: it has measured nothing."""
    return [
        _report(row, device, warning, now, atlas)
        for row in atlas.city.prepositions
        if warning.kind in row.warnings and (not row.levels or warning.level in row.levels)
        for device in atlas.city.devices
        if device.kind == row.device_kind and _covered(device, warning, atlas)
    ]


def _covered(device: Device, warning: Warning, atlas: Atlas) -> bool:
    return not warning.areas or any(atlas.covers(area, device.division) for area in warning.areas)


def _report(row: Preposition, device: Device, warning: Warning, now: datetime, atlas: Atlas) -> ReportReceived:
    division = atlas.divisions.get(device.division)
    place = f"{division.name if division else ''}{device.name}"
    return ReportReceived(
        source=Source.SENSOR,
        received_at=now,
        report_id=uuid5(_SPACE, "\x1f".join((warning.warning_id, warning.level, row.preposition_id, device.device_id))),
        title=row.text.format(place=place, kind=warning.kind, level=warning.level),
        text=warning.text,
        district=device.division,
        lon=device.lon,
        lat=device.lat,
        class_key=row.class_key,
    )


def _told(report: ReportReceived, now: datetime) -> Outgoing:
    assert report.report_id is not None
    key = str(report.report_id)
    return message(REPORTS[Lane.URGENT], report, id=report.report_id, key=key, source="router", time=now)
