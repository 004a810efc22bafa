"""A dead-letter record: the bytes as they came, where they came from, and why."""

from datetime import datetime

from schemas.envelope import Outgoing, Record, header, place_of
from schemas.topics import DLQ


def dead_letter(record: Record, code: str, cause: str, consumer: str, at: datetime) -> Outgoing:
    """The record for `<topic>.dlq`: key, value and headers unchanged, origin and reason added. The cause is cut to
    300 characters."""
    topic, partition, offset = place_of(record)
    kept = tuple((k, v or b"") for k, v in record.headers if not k.startswith("x-"))  # Kafka allows null, we do not
    first = header(record, "x-first-failed-at") or at.isoformat().encode()
    said = header(record, "x-attempt") or b"0"
    attempt = int(said) + 1 if said.isdigit() and len(said) < 6 else 1
    reason = (
        ("x-orig-topic", topic.encode()),
        ("x-orig-partition", str(partition).encode()),
        ("x-orig-offset", str(offset).encode()),
        ("x-orig-ts", str(record.timestamp).encode()),
        ("x-error-code", code.encode()),
        ("x-error-cause", cause[:300].encode(errors="replace")),
        ("x-consumer", consumer.encode()),
        ("x-attempt", str(attempt).encode()),
        ("x-first-failed-at", first),
        ("x-failed-at", at.isoformat().encode()),
    )
    return Outgoing(topic=record.topic + DLQ, key=record.key, value=record.value or b"", headers=(*kept, *reason))
