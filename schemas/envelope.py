"""CloudEvents 1.0 in Kafka binary mode: attributes in headers, the fact as JSON in the value.

Source: CloudEvents Kafka protocol binding 1.0.2, §3.2.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

Headers = tuple[tuple[str, bytes], ...]
TYPE_PREFIX = "paidan.v1."


class Outgoing(Struct, frozen=True, array_like=True):
    """One message ready for Kafka. `partition` None leaves the choice to the key."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None


class Record(Struct, frozen=True):
    """One message as it was read from Kafka. `timestamp` is in milliseconds since the epoch, as the broker keeps it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int = 0


def headers_of(
    *, id: UUID, kind: str, source: str, subject: str, time: datetime, traceparent: bytes | None = None
) -> Headers:
    """The headers of a fact: `kind` is the fact's class name, `subject` an id, `time` an aware datetime."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", str(id).encode()),
        ("ce_type", (TYPE_PREFIX + kind).encode()),
        ("ce_source", source.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.isoformat().encode()),
        ("content-type", b"application/json"),
    )
    return (*headers, ("traceparent", traceparent)) if traceparent else headers


def header(record: Record, name: str) -> bytes | None:
    """The first header of that name, or None."""
    for key, value in record.headers:
        if key == name:
            return value
    return None


REPLAY_OF = "x-replay-of"


def place_of(record: Record) -> tuple[str, int, int]:
    """Where a message first lay: its topic, partition and offset, or, for one that was replayed out of dead letters,
    those it had before; so that a replay has the identity of the original."""
    said = header(record, REPLAY_OF)
    if said is not None:
        topic, _, rest = said.decode(errors="replace").rpartition("/")
        partition, _, offset = rest.partition("@")
        if topic and partition.isdigit() and offset.isdigit():
            return topic, int(partition), int(offset)
    return record.topic, record.partition, record.offset
