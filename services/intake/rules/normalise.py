"""From what a sender wrote to the one form in which a report travels, or a refusal with a stable code."""

import unicodedata
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schemas.facts import Reporter, ReportReceived
from schemas.geo import gcj02_to_wgs84
from schemas.moments import reckonable
from schemas.refusals import Refused
from schemas.vocabulary import Crs, Source, TicketType
from services.intake.rules.bodies import (
    HotlineTicket,
    PatrolFinding,
    PlatformMatter,
    PoliceCall,
    ReportBody,
    ServiceBody,
)
from services.intake.rules.register import Register

TEXT_LIMIT = 10_000
AHEAD = timedelta(minutes=2)  # senders' clocks differ
BEHIND = timedelta(days=30)
BAD_STARS = 2  # 1 非常不满意, 2 不满意: a bad rating (差评)
DUE_LIMIT = timedelta(days=3660)
_TYPES = {kind.value: kind for kind in TicketType}
_SCHEMES = ("https://", "http://")


def normalise(
    body: ReportBody, register: Register, source: Source, now: datetime, *, report_id: UUID, imported: bool = False
) -> ReportReceived:
    """The report as a fact, received at `now` (aware, UTC); role import may say when it was received.

    Coordinates become WGS-84, times UTC. Raises Refused with one of the codes under "what a report may hold".
    """
    text, title, address = body.text.strip(), body.title.strip(), body.address.strip()
    _check_words(body, text, title, address)
    received_at = _received_at(body, now, imported=imported)
    lon, lat = _point(body, register)
    ticket_type = _ticket_type(body)
    _check_registered(body, register)
    return ReportReceived(
        source=source,
        received_at=received_at,
        report_id=report_id,
        source_id=body.own_id or None,
        source_number=body.source_number,
        source_due=_source_due(body.source_due, received_at),
        occurred_at=_occurred_at(body.occurred_at, received_at, imported=imported),
        ticket_type=ticket_type,
        title=title,
        text=text,
        address=address,
        district=body.district.strip(),
        lon=lon,
        lat=lat,
        grid_code=body.grid_code,
        device_id=body.device_id,
        police_class=_police_class(body),
        class_key=body.class_key,
        subject=body.subject.strip(),
        reporter=_reporter(body, register, ticket_type),
        answered=body.answered,
        attachments=body.attachments,
        imported=imported,
        matter_code=body.matter_code.strip() if isinstance(body, ServiceBody) else "",
        attention=body.attention,
        stars=body.stars if isinstance(body, ServiceBody) else None,
    )


def _police_class(body: ReportBody) -> str:
    return body.police_class if isinstance(body, PoliceCall | PlatformMatter) else ""


def _check_words(body: ReportBody, text: str, title: str, address: str) -> None:
    if len(body.text) > TEXT_LIMIT:
        raise Refused("text_too_long", f"{len(body.text)} characters")
    if not (text or title or address or body.lon is not None or body.grid_code or body.device_id):
        raise Refused("nothing_said")
    if body.answered is not None and not body.answered.text.strip():
        raise Refused("answer_missing", "answered: say with what, or leave it out")
    for attachment in body.attachments:
        if not attachment.url.startswith(_SCHEMES):
            raise Refused("invalid", "attachments: url must begin with https:// or http://")


def _received_at(body: ReportBody, now: datetime, *, imported: bool) -> datetime:
    said = body.received_at if isinstance(body, HotlineTicket) else None
    if said is None:
        return now
    if not imported:
        raise Refused("invalid", "received_at: only role import may say when a report was received")
    if said > now + AHEAD:
        raise Refused("time_in_future", "received_at")
    return _utc(said, "received_at")


def _occurred_at(said: datetime | None, received_at: datetime, *, imported: bool) -> datetime | None:
    if said is None:
        return None
    if said > received_at + AHEAD:
        raise Refused("time_in_future", "occurred_at")
    if not imported and said < received_at - BEHIND:
        raise Refused("time_too_old", "occurred_at")
    return _utc(said, "occurred_at")


def _source_due(said: datetime | None, received_at: datetime) -> datetime | None:
    if said is None:
        return None
    if said < received_at:
        raise Refused("source_due_invalid")
    if said > received_at + DUE_LIMIT:
        raise Refused("invalid", "source_due: more than ten years ahead")
    return _utc(said, "source_due")


def _utc(moment: datetime, field: str) -> datetime:
    if not reckonable(moment):
        raise Refused("time_too_old", field)
    return moment.astimezone(UTC)


def _point(body: ReportBody, register: Register) -> tuple[float | None, float | None]:
    lon, lat = body.lon, body.lat
    if lon is None and lat is None:
        return None, None
    if lon is None or lat is None:
        raise Refused("coordinates_incomplete")
    if not (-180 <= lon <= 180 and -180 <= lat <= 180):  # also false for NaN
        raise Refused("coordinates_outside")
    if -90 <= lat <= 90:
        point = _wgs84(lon, lat, body.crs)
        if register.within(*point):
            return point
    if -90 <= lon <= 90 and register.within(*_wgs84(lat, lon, body.crs)):
        raise Refused("coordinates_swapped")
    raise Refused("coordinates_outside")


def _wgs84(lon: float, lat: float, crs: Crs) -> tuple[float, float]:
    return gcj02_to_wgs84(lon, lat) if crs is Crs.GCJ02 else (lon, lat)


def _ticket_type(body: ReportBody) -> TicketType | None:
    if not body.ticket_type and isinstance(body, ServiceBody) and (body.stars or 5) <= BAD_STARS:
        return TicketType.COMPLAINT
    if not body.ticket_type:
        return TicketType.FINDING if isinstance(body, PatrolFinding) else None
    known = _TYPES.get(body.ticket_type)
    if known is None:
        raise Refused("ticket_type_unknown", repr(body.ticket_type[:40]))
    return known


def _check_registered(body: ReportBody, register: Register) -> None:
    if body.class_key and body.class_key not in register.classes:
        raise Refused("class_unknown", repr(body.class_key[:80]))
    if body.device_id and body.device_id not in register.devices:
        raise Refused("device_unknown", repr(body.device_id[:80]))
    police_class = _police_class(body)
    if police_class and police_class not in register.police:
        raise Refused("police_class_unknown", repr(police_class[:40]))


def _reporter(body: ReportBody, register: Register, ticket_type: TicketType | None) -> Reporter | None:
    """The reporter with a phone in half-width digits. An informant (举报) is confidential unless he says otherwise;
    where nobody said that he is one, it is left to the router, which reads it in his words."""
    said = body.reporter
    if said is None:
        return None
    phone = said.phone
    if phone is not None:
        phone = (phone if phone.isascii() else unicodedata.normalize("NFKC", phone)).strip()
        if phone and register.phone(phone) is None:
            raise Refused("phone_invalid")
    confidential = said.confidential
    if confidential is None and ticket_type is not None:
        confidential = ticket_type is TicketType.INFORMANT
    return Reporter(
        name=said.name, phone=phone or None, person_id=said.person_id, address=said.address, confidential=confidential
    )
