"""Bytes to facts and back, on msgspec. Only as strict as consumers need: unknown fields are ignored, types are not."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.envelope import TYPE_PREFIX, Outgoing, Record, header, headers_of
from schemas.facts import ReadingReceived, ReportReceived
from schemas.moments import reckonable
from schemas.topics import BY_NAME, MAIN, Topic

FACTS: dict[str, type[Struct]] = {kind.__name__: kind for topic in MAIN for kind in topic.carries}
_DECODERS: dict[bytes, msgspec.json.Decoder[Any]] = {
    (TYPE_PREFIX + name).encode(): msgspec.json.Decoder(kind) for name, kind in FACTS.items()
}
_encode = msgspec.json.Encoder().encode
_PREFIX = TYPE_PREFIX.encode()
_NUL = b"\\u0000"  # what a text with NUL looks like in JSON; no database column can hold it


class Unreadable(Exception):
    """A message that cannot become a fact. `code` is one of `schema`, `version`, `unreadable` (see refusals)."""

    def __init__(self, code: str, cause: str) -> None:
        super().__init__(f"{code}: {cause}")
        self.code = code
        self.cause = cause


def decode(record: Record) -> Struct:
    """The fact in a record. Raises Unreadable when it has no value, a type or version this build does not know, a
    type that its topic does not carry, or a body that does not fit its type."""
    if record.value is None:
        raise Unreadable("unreadable", "no value")
    topic = BY_NAME.get(record.topic)
    kind = header(record, "ce_type")
    if kind is None:
        if topic is None or topic.default is None:
            raise Unreadable("unreadable", "no ce_type header")
        kind = _PREFIX + topic.default.__name__.encode()
    decoder = _DECODERS.get(kind)
    if decoder is None:
        if kind.startswith(b"paidan.v") and not kind.startswith(_PREFIX):
            raise Unreadable("version", f"this build reads {TYPE_PREFIX}*, not {kind[:80].decode(errors='replace')}")
        raise Unreadable("schema", f"unknown type {kind[:80].decode(errors='replace')}")
    if topic is not None and decoder.type not in topic.carries:
        raise Unreadable("schema", f"{decoder.type.__name__} does not belong on {record.topic}")
    try:
        fact: Struct = decoder.decode(record.value)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable("schema", str(error)[:300]) from None
    if _NUL in record.value and any("\0" in text for text in _texts(msgspec.to_builtins(fact))):
        raise Unreadable("schema", "NUL in a text")
    if topic is not None and topic.open_to_producers and not all(at is None or reckonable(at) for at in _times(fact)):
        raise Unreadable("schema", "a time that cannot be meant")
    return fact


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _times(fact: Struct) -> Iterable[datetime | None]:
    """The times that a direct producer wrote; those of other topics are our own services'."""
    if isinstance(fact, ReportReceived):
        return fact.received_at, fact.occurred_at, fact.source_due
    return [reading.at for reading in fact.readings] if isinstance(fact, ReadingReceived) else ()


def encode(fact: Struct) -> bytes:
    """The JSON of a fact."""
    return _encode(fact)


def message(
    topic: Topic, fact: Struct, *, id: UUID, key: str, source: str, time: datetime, partition: int | None = None
) -> Outgoing:
    """A fact as a message for its topic; `key` is also the CloudEvents subject."""
    return Outgoing(
        topic=topic.name,
        key=key.encode(),
        value=_encode(fact),
        headers=headers_of(id=id, kind=type(fact).__name__, source=source, subject=key, time=time),
        partition=partition,
    )


def id_of(record: Record) -> UUID | None:
    """The `ce_id` of a record; None when it has none or one that is no UUID."""
    raw = header(record, "ce_id")
    if raw is None:
        return None
    try:
        return UUID(raw.decode("ascii"))
    except ValueError:
        return None
