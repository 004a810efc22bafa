"""The one producer of a process: idempotent, acks=all.

An idempotent producer numbers what it sends. When Kafka refuses a batch for good, or has forgotten the producer, every
later batch is out of order and fails as well, for ever; so a producer that has failed is given up, and a fresh one
takes its place. Whoever sent repeats what was not acknowledged; readers know repeats by their ids.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from schemas.envelope import Outgoing
from schemas.topics import BY_NAME, MESSAGE_BYTES
from services.chassis.database import patiently
from services.chassis.logs import logger

log = logger(__name__)

# What Kafka will refuse however often it is sent.
REFUSALS: tuple[type[KafkaError], ...] = (MessageSizeTooLargeError,)

WORTH_PACKING = 16  # messages
_MURMUR2 = DefaultPartitioner()
SMALL = 65_536  # bytes: a batch of such messages is never refused for its size
STALLED_S = 30.0  # three requests' time-outs
CONNECT_S, CLOSE_S = 20.0, 5.0
Sent = tuple[Outgoing, "asyncio.Future[object]"]
Partitioner = Callable[[bytes | None, list[int], list[int]], int]


def by_crc32(key: bytes | None, partitions: list[int], available: list[int]) -> int:
    """The partition of a key by CRC-32: as even as the usual murmur2, which in Python costs as much as the rest of a
    send. For writers whose keys nobody else writes. A dead letter may have no key, as the message it is of had none."""
    return partitions[crc32(key or b"") % len(partitions)]


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
        self._connecting = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect; waits for ever while Kafka is away."""
        async with self._connecting:
            if self._producer is None:
                self._producer = await patiently(self._connect)

    async def _connect(self) -> AIOKafkaProducer:
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
            async with asyncio.timeout(CONNECT_S):
                await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    @property
    def connected(self) -> bool:
        """Whether there is a producer, and it has not failed."""
        return self._producer is not None

    async def stop(self) -> None:
        """Flush and close."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None
        await asyncio.gather(*self._closing)

    def _current(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise KafkaConnectionError("no producer at the moment")
        return self._producer

    async def send(self, message: Outgoing) -> "asyncio.Future[object]":
        """Hand one message to the producer; the future is done when Kafka has acknowledged it. Raises KafkaError:
        MessageSizeTooLargeError for what its topic does not take, KafkaConnectionError between two producers."""
        _measure(message)
        future: asyncio.Future[object] = await self._current().send(
            message.topic,
            value=message.value,
            key=message.key,
            headers=list(message.headers),
            partition=message.partition,
        )
        return _heard(future)

    async def send_many(self, messages: Sequence[Outgoing]) -> list["asyncio.Future[object]"]:
        """Hand messages to the producer, packed by partition, in order within each: a quarter of the cost of a `send`
        for each. Answers one future for each message, shared by those of one batch."""
        producer = self._current()
        partitions = {topic: await producer.partitions_for(topic) for topic in {m.topic for m in messages}}
        places: dict[tuple[str, int], list[int]] = {}
        for n, message in enumerate(messages):
            places.setdefault((message.topic, self._place(message, list(partitions[message.topic]))), []).append(n)
        futures: dict[int, asyncio.Future[object]] = {}
        for (topic, partition), numbers in places.items():
            left = deque(numbers)
            while left:
                packed = _packed(producer, messages, left)
                batch = await producer.send_batch(packed[0], topic, partition=partition)
                # Shielded: whoever gives up waiting must not cancel the batch, the producer does not survive that.
                futures |= dict.fromkeys(packed[1], _heard(asyncio.shield(batch)))
        return [futures[n] for n in range(len(messages))]

    def _place(self, message: Outgoing, partitions: list[int]) -> int:
        if message.partition is not None:
            return message.partition
        choose: Partitioner = self._partitioner.get("partitioner", _MURMUR2)
        return choose(message.key, partitions, partitions)

    async def send_all(self, messages: Iterable[Outgoing]) -> list[tuple[Outgoing, KafkaError]]:
        """Send all and wait until all are acknowledged. Answers those that Kafka refused for good; raises the first
        other failure, or TimeoutError after half a minute: then the producer was given up, and what was sent may or may
        not have arrived."""
        await self.start()
        producer = self._producer
        try:
            async with asyncio.timeout(STALLED_S):
                return await self._send_all(list(messages))
        except (KafkaError, TimeoutError) as error:
            self._give_up(producer, error)
            raise

    async def _send_all(self, messages: list[Outgoing]) -> list[tuple[Outgoing, KafkaError]]:
        if len(messages) >= WORTH_PACKING and all(len(message.value) < SMALL for message in messages):
            sent = list(zip(messages, await self.send_many(messages), strict=True))
            return self._refused_of(sent, await _all_of(sent))
        refused: list[tuple[Outgoing, KafkaError]] = []
        sent = []
        for message in messages:
            try:
                sent.append((message, await self.send(message)))
            except REFUSALS as error:
                refused.append((message, error))
        return refused + self._refused_of(sent, await _all_of(sent))

    def _refused_of(self, sent: "list[Sent]", results: list[object]) -> list[tuple[Outgoing, KafkaError]]:
        """Those that Kafka refused for good; the producer is of no more use then. Raises the first other failure."""
        refused: list[tuple[Outgoing, KafkaError]] = []
        for (message, _), result in zip(sent, results, strict=True):
            if isinstance(result, REFUSALS):
                refused.append((message, result))
            elif isinstance(result, BaseException):
                raise result
        if refused:
            self._give_up(self._producer, refused[0][1])
        return refused

    def _give_up(self, producer: AIOKafkaProducer | None, error: BaseException) -> None:
        if producer is None or self._producer is not producer:
            return  # another sender has done it
        self._producer = None
        log.warning("producer given up", client=self._client_id, error=type(error).__name__)
        task = asyncio.create_task(_abandon(producer))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _heard(future: "asyncio.Future[object]") -> "asyncio.Future[object]":
    """The future, which may fail without anybody waiting for it any more."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def _all_of(sent: "list[Sent]") -> list[object]:
    return await asyncio.gather(*(future for _, future in sent), return_exceptions=True)


def _measure(message: Outgoing) -> None:
    """Refuses here what Kafka would refuse: sent and refused, it would cost the producer."""
    topic = BY_NAME.get(message.topic)
    if topic is not None and 2 * len(message.value) > topic.max_message_bytes:
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(message.key, message.value, list(message.headers))
        if size > topic.max_message_bytes:
            raise MessageSizeTooLargeError(f"{size} bytes, {message.topic} takes {topic.max_message_bytes}")


def _packed(
    producer: AIOKafkaProducer, messages: Sequence[Outgoing], left: deque[int]
) -> tuple[BatchBuilder, list[int]]:
    """One batch of as many of the `left` messages as fit, and which they are. The first always fits."""
    batch, taken = producer.create_batch(), []
    while left:
        message = messages[left[0]]
        added = batch.append(timestamp=None, key=message.key, value=message.value, headers=list(message.headers))
        if added is None:
            break
        taken.append(left.popleft())
    batch.close()
    return batch, taken


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close a producer that may never get rid of what it holds: fail that first, so that nothing waits for it."""
    held = producer._message_accumulator
    for batches in held._batches.values():
        held._pending_batches.update(batches)  # it looks for each of them there once it has failed
    held.fail_all(KafkaTimeoutError("producer given up"))
    for close in (producer.stop, producer.client.close):
        with contextlib.suppress(Exception):  # it has failed already; whatever else it does is of no consequence
            async with asyncio.timeout(CLOSE_S):
                await close()
