"""Dead letters: what lies in `<topic>.dlq`, why, and the way home for what was mended.

A replay keeps key, headers and identity of the original, so what was handled after all is seen as a repeat.
"""

import time
from collections.abc import Iterable, Iterator

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from msgspec import Struct

from schemas.envelope import REPLAY_OF
from schemas.topics import BY_NAME, DLQ


class Letter(Struct, frozen=True):
    """One dead letter: where it lies now, where it first lay, why it died, and its bytes."""

    offset: int
    topic: str
    origin: str
    code: str
    cause: str
    consumer: str
    attempt: int
    failed_at: str
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def letters(bootstrap: str, topic: str) -> Iterator[Letter]:
    """All dead letters of a topic, oldest first. Raises KeyError for an unknown topic."""
    name = BY_NAME[topic.removesuffix(DLQ)].name + DLQ
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        part = TopicPartition(name, 0)
        consumer.assign([part])
        position, end = consumer.beginning_offsets([part])[part], consumer.end_offsets([part])[part]
        consumer.seek(part, position)
        while position < end:
            for messages in consumer.poll(timeout_ms=500).values():
                for message in messages:
                    if message.offset < end:
                        yield _letter(message.offset, name, message.key, message.value, tuple(message.headers))
            position = consumer.position(part)
    finally:
        consumer.close()


def _letter(
    offset: int, topic: str, key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> Letter:
    said = {name: (raw or b"").decode(errors="replace") for name, raw in headers}
    origin = f"{said.get('x-orig-topic', '?')}/{said.get('x-orig-partition', '?')}@{said.get('x-orig-offset', '?')}"
    return Letter(
        offset=offset,
        topic=topic,
        origin=origin,
        code=said.get("x-error-code", "?"),
        cause=said.get("x-error-cause", ""),
        consumer=said.get("x-consumer", ""),
        attempt=int(said.get("x-attempt", "1")),
        failed_at=said.get("x-failed-at", ""),
        key=key,
        value=value or b"",
        headers=headers,
    )


def replay(bootstrap: str, chosen: Iterable[Letter], mended: dict[int, bytes], rate: float) -> int:
    """Send letters home to the topic they came from, `mended` values in place of the dead ones, at most `rate` a
    second (0: as fast as it goes). How many were sent and acknowledged."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=2_200_000)
    sent = 0
    try:
        for letter in chosen:
            headers = [(k, v) for k, v in letter.headers if not k.startswith("x-")]
            attempts = [(k, v) for k, v in letter.headers if k in ("x-attempt", "x-first-failed-at")]
            producer.send(
                letter.topic.removesuffix(DLQ),
                key=letter.key,
                value=mended.get(letter.offset, letter.value),
                headers=[*headers, *attempts, (REPLAY_OF, letter.origin.encode())],
            ).get(timeout=15)
            sent += 1
            if rate:
                time.sleep(1 / rate)
    finally:
        producer.close()
    return sent
