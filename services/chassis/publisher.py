"""The one producer of a process: idempotent, acks=all."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.envelope import Outgoing
from schemas.topics import MESSAGE_BYTES
from services.chassis.database import patiently

# What Kafka will refuse however often it is sent.
REFUSALS: tuple[type[KafkaError], ...] = (MessageSizeTooLargeError,)

WORTH_PACKING = 16  # messages
SMALL = 65_536  # bytes: a batch of such messages is never refused for its size
Partitioner = Callable[[bytes, list[int], list[int]], int]


def by_crc32(key: bytes, partitions: list[int], available: list[int]) -> int:
    """The partition of a key by CRC-32: as even as the usual murmur2, which in Python costs as much as the rest of a
    send. For writers whose keys nobody else writes."""
    return partitions[crc32(key) % len(partitions)]


class Publisher:
    """Sends messages; a send is done when Kafka has acknowledged it on all in-sync replicas."""

    def __init__(
        self, bootstrap: str, *, linger_ms: int = 2, client_id: str = "paidan", partitioner: Partitioner | None = None
    ) -> None:
        self._bootstrap = bootstrap
        self._partitioner: dict[str, Partitioner] = {"partitioner": partitioner} if partitioner is not None else {}
        self._linger_ms = linger_ms
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; waits for ever while Kafka is away."""

        async def connect() -> AIOKafkaProducer:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=self._linger_ms,
                max_batch_size=262_144,
                max_request_size=2 * MESSAGE_BYTES + 65_536,
                request_timeout_ms=10_000,
                retry_backoff_ms=50,
                metadata_max_age_ms=60_000,
                **self._partitioner,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            return producer

        self._producer = await patiently(connect)

    @property
    def connected(self) -> bool:
        """Whether a first connection was made."""
        return self._producer is not None

    async def stop(self) -> None:
        """Flush and close."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def send(self, message: Outgoing) -> "asyncio.Future[object]":
        """Hand one message to the producer; the future is done when Kafka has acknowledged it."""
        assert self._producer is not None
        future: asyncio.Future[object] = await self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=message.partition,
        )
        return future

    async def send_many(self, messages: Sequence[Outgoing]) -> list["asyncio.Future[object]"]:
        """Hand messages to the producer, packed by partition, in order within each: a quarter of the cost of a `send`
        for each. Answers one future for each message, shared by those of one batch."""
        assert self._producer is not None
        partitions = {topic: await self._producer.partitions_for(topic) for topic in {m.topic for m in messages}}
        places: dict[tuple[str, int], list[int]] = {}
        for n, message in enumerate(messages):
            places.setdefault((message.topic, self._place(message, list(partitions[message.topic]))), []).append(n)
        futures: dict[int, asyncio.Future[object]] = {}
        for (topic, partition), numbers in places.items():
            left = deque(numbers)
            while left:
                packed = self._packed(messages, left)
                future = await self._producer.send_batch(packed[0], topic, partition=partition)
                futures |= dict.fromkeys(packed[1], future)
        return [futures[n] for n in range(len(messages))]

    def _place(self, message: Outgoing, partitions: list[int]) -> int:
        if message.partition is not None:
            return message.partition
        choose = self._partitioner.get("partitioner", DefaultPartitioner())
        return choose(message.key, partitions, partitions)

    def _packed(self, messages: Sequence[Outgoing], left: deque[int]) -> tuple[BatchBuilder, list[int]]:
        """One batch of as many of the `left` messages as fit, and which they are. The first always fits."""
        assert self._producer is not None
        batch, taken = self._producer.create_batch(), []
        while left:
            message = messages[left[0]]
            added = batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
            if added is None:
                break
            taken.append(left.popleft())
        batch.close()
        return batch, taken

    async def send_all(self, messages: Iterable[Outgoing]) -> list[tuple[Outgoing, KafkaError]]:
        """Send all and wait until all are acknowledged. Answers those that Kafka refused for good; raises the first
        other failure."""
        waiting = list(messages)
        if len(waiting) >= WORTH_PACKING and all(len(message.value) < SMALL for message in waiting):
            sent = list(zip(waiting, await self.send_many(waiting), strict=True))
            return _refused_of(sent, await asyncio.gather(*(future for _, future in sent), return_exceptions=True))
        refused: list[tuple[Outgoing, KafkaError]] = []
        sent = []
        for message in waiting:
            try:
                sent.append((message, await self.send(message)))
            except REFUSALS as error:
                refused.append((message, error))
        results = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
        return refused + _refused_of(sent, results)


def _refused_of(
    sent: list[tuple[Outgoing, "asyncio.Future[object]"]], results: list[object]
) -> list[tuple[Outgoing, KafkaError]]:
    """Those that Kafka refused for good. Raises the first other failure."""
    refused: list[tuple[Outgoing, KafkaError]] = []
    for (message, _), result in zip(sent, results, strict=True):
        if isinstance(result, REFUSALS):
            refused.append((message, result))
        elif isinstance(result, BaseException):
            raise result
    return refused
