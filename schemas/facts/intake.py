"""What intake announces, and what a gateway may write to Kafka directly with nothing but the published JSON Schema."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from schemas.vocabulary import Crs, Source, TicketType

Short = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Moment = Annotated[datetime, Meta(tz=True)]


class Reporter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who reported. Masked to handlers by default; never on `orders.events`. `confidential` unsaid: an informant (举报)
    is, others are not."""

    name: Short | None = None
    phone: Short | None = None
    person_id: Short | None = None
    address: Short | None = None
    confidential: bool | None = None


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The report was answered on the spot (当场答复): counted, and no order is opened."""

    text: Text
    by: Short = ""


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that came with a report, by reference."""

    url: Annotated[str, Meta(max_length=2_000)]
    media_type: Short = ""
    sha256: Short = ""


class Alarm(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which rule raised an alarm, and out of which reading."""

    rule: Short
    device_id: Short
    value: float
    unit: Short
    scene: Short = ""
    fault: bool = False  # the device itself is the matter


class ReportReceived(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One inbound message (诉求/来件), immutable. `source_id` is the sender's own id and makes repeats the same report;
    `source_number` and `source_due` are the sending platform's number and due (the earlier due counts);
    `class_key` is a class the sender is sure of; `district` is the caller's word; `platform` is the other city's
    platform that handed it over, `matter_code` the service (事项编码) that an applicant speaks of and `stars` how he
    rates it (好差评), from 1 to 5."""

    source: Source
    received_at: Moment
    report_id: UUID | None = None
    source_id: Short | None = None
    source_number: Short | None = None
    source_due: Moment | None = None
    occurred_at: Moment | None = None
    ticket_type: TicketType | None = None
    title: Short = ""
    text: Text = ""
    address: Annotated[str, Meta(max_length=500)] = ""
    district: Short = ""
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    crs: Crs = Crs.WGS84
    grid_code: Short = ""
    device_id: Short = ""
    police_class: Short = ""
    class_key: Short = ""
    subject: Short = ""
    reporter: Reporter | None = None
    answered: Answer | None = None
    attachments: Annotated[tuple[Attachment, ...], Meta(max_length=20)] = ()
    alarm: Alarm | None = None
    imported: bool = False
    platform: Short = ""
    matter_code: Short = ""
    stars: Annotated[int, Meta(ge=1, le=5)] | None = None
    attention: Short = ""  # who else looks at it ("leader", "media"): a matter may go up for it


class Reading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement of one device at one moment, in the unit it names."""

    device_id: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Annotated[str, Meta(min_length=1, max_length=100)]
    value: float
    unit: Annotated[str, Meta(min_length=1, max_length=20)]
    at: Moment


class ReadingReceived(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """1–500 readings of devices of one bucket (crc32(device id) mod 64), which is the message's key."""

    readings: Annotated[tuple[Reading, ...], Meta(min_length=1, max_length=500)]
    gateway: Short = ""
