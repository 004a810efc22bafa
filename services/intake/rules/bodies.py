"""What senders write, path by path, and how bytes become it.

Only as strict as types go: everything that deserves a code of its own is checked in `normalise` and `readings`.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from schemas.facts import Answer, Attachment
from schemas.refusals import Refused
from schemas.vocabulary import Crs

Label = Annotated[str, Meta(max_length=200)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with offset")]
Stars = Annotated[int, Meta(ge=1, le=5, description="好差评 from 1 to 5; 1 and 2 are 差评")]
BULK_LIMIT = 1000
B = TypeVar("B", bound=Struct)


class ReporterBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who reports. `confidential` unsaid: an informant (举报) is, others are not."""

    name: Label | None = None
    phone: Label | None = None
    person_id: Label | None = None
    address: Label | None = None
    confidential: bool | None = None


class ReportBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every kind of report may say."""

    text: Annotated[str, Meta(description="what happened, at most 10,000 characters")] = ""
    title: Label = ""
    address: Annotated[str, Meta(max_length=500)] = ""
    district: Annotated[str, Meta(max_length=200, description="the caller's word for the district or street")] = ""
    lon: float | None = None
    lat: float | None = None
    crs: Annotated[Crs, Meta(description="reference of lon and lat; gcj02 is converted")] = Crs.WGS84
    grid_code: Label = ""
    ticket_type: Label | None = None
    class_key: Annotated[str, Meta(max_length=200, description="standard/kind/code, if the sender is sure")] = ""
    device_id: Label = ""
    subject: Annotated[str, Meta(max_length=200, description="whom it is about (被反映主体)")] = ""
    reporter: ReporterBody | None = None
    source_id: Annotated[str, Meta(max_length=200, description="the sender's id; a repeat gets the same number")] = ""
    source_number: Label | None = None
    source_due: Annotated[Moment | None, Meta(description="the sending platform's due; the earlier due counts")] = None
    occurred_at: Moment | None = None
    answered: Annotated[Answer | None, Meta(description="answered on the spot (当场答复): counted, no order")] = None
    attachments: Annotated[tuple[Attachment, ...], Meta(max_length=20)] = ()
    attention: Annotated[str, Meta(max_length=200, description="who else looks at it: leader, media")] = ""

    @property
    def own_id(self) -> str:
        """The sender's id; blanks alone are none."""
        return self.source_id if self.source_id.strip() else ""


class HotlineTicket(ReportBody, frozen=True, kw_only=True, omit_defaults=True):
    """A 12345 ticket. `received_at` is for role import alone."""

    received_at: Annotated[Moment | None, Meta(description="role import only: when it was received")] = None


class PoliceCall(ReportBody, frozen=True, kw_only=True, omit_defaults=True):
    """A call that 110 hands over as not the police's own."""

    police_class: Annotated[str, Meta(max_length=200, description="the 110 class code")] = ""


class PatrolFinding(ReportBody, frozen=True, kw_only=True, omit_defaults=True):
    """What an inspector found."""


class ServiceBody(ReportBody, frozen=True, kw_only=True, omit_defaults=True):
    """What is said about a government service (政务服务): which one, and how it is rated."""

    matter_code: Annotated[str, Meta(max_length=200, description="the service, 事项编码")] = ""
    stars: Stars | None = None


class OneStopTicket(ServiceBody, frozen=True, kw_only=True, omit_defaults=True):
    """What an applicant of the one-stop service 一网通办 asks, complains about or rates badly."""


class PlatformMatter(ServiceBody, frozen=True, kw_only=True, omit_defaults=True):
    """A matter that another platform hands to us. `source_number` is its own number, and must be said."""

    police_class: Annotated[str, Meta(max_length=200, description="from 110: its class code")] = ""


class ReadingBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement. `kind` may be left out: the device's own."""

    device_id: Annotated[str, Meta(max_length=200)]
    value: float
    at: Moment
    unit: Annotated[str, Meta(max_length=20)] = ""
    kind: Annotated[str, Meta(max_length=100)] = ""


class Reader(Generic[B]):
    """Reads bodies of one kind from JSON."""

    def __init__(self, kind: type[B]) -> None:
        self._kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def one(self, raw: bytes) -> B:
        """One body. Raises Refused: malformed, invalid."""
        try:
            return self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._converted(_tolerant(raw))

    def many(self, raw: bytes) -> list[B | Refused]:
        """The items of a JSON list or of NDJSON, each for itself. Raises Refused: malformed (the list as a whole),
        bulk_empty, bulk_too_many."""
        if raw.lstrip()[:1] == b"[":
            try:
                items: list[Any] = _LIST(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return [self._each(item, self._converted) for item in _counted(_tolerant(raw))]
            return [self._each(item, self.one) for item in _counted(items)]
        return [self._each(line, self.one) for line in _counted([line for line in raw.split(b"\n") if line.strip()])]

    def _each(self, item: Any, read: Any) -> B | Refused:
        try:
            return read(item)  # type: ignore[no-any-return]
        except Refused as refused:
            return refused

    def _converted(self, value: Any) -> B:
        try:
            return msgspec.convert(value, self._kind)
        except msgspec.ValidationError as error:
            raise Refused("invalid", str(error)[:300]) from None
        except (UnicodeEncodeError, RecursionError):
            raise Refused("text_unreadable") from None


_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _counted(items: list[Any]) -> list[Any]:
    if not items:
        raise Refused("bulk_empty")
    if len(items) > BULK_LIMIT:
        raise Refused("bulk_too_many", f"{len(items)} items")
    return items


def _tolerant(raw: bytes) -> Any:
    """The value in JSON that the strict reader refused, lone surrogates, NUL, NaN and huge numbers let through, so
    that each of them can be named. Raises Refused: malformed."""
    try:
        return json.loads(bytes(raw).decode("utf-8", "surrogatepass"), strict=False)
    except (ValueError, RecursionError):
        raise Refused("malformed") from None


def digest_text(body: Struct) -> bytes:
    """The body in one canonical form (field order, no defaults, no blanks between), for its hash.

    Raises Refused `text_unreadable` for NUL and lone surrogates anywhere in it.
    """
    try:
        text = _encode(body)
    except UnicodeEncodeError:
        raise Refused("text_unreadable", "lone surrogate") from None
    if b"\\u0000" in text and any("\0" in word for word in _words(msgspec.to_builtins(body))):
        raise Refused("text_unreadable", "NUL")
    return text


_encode = msgspec.json.Encoder().encode


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)
