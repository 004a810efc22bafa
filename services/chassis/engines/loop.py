"""The aiokafka batch loop, where messages are landed in a database: the quicker of the two engines."""

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from schemas.envelope import Record
from services.chassis.clock import monotonic
from services.chassis.database import patiently
from services.chassis.delivery import Seam
from services.chassis.engines.tolerance import be_tolerant
from services.chassis.logs import logger
from services.chassis.progress import Progress
from services.chassis.standstill import Standstill

log = logger(__name__)
Fetched = dict[TopicPartition, list[ConsumerRecord]]
DAY_MS = 86_400_000
DEAF_S = 60.0
LINGER_S = 0.01
PATIENT_S = 0.1  # for consumers that nobody waits for: far fewer fetches, transactions and commits
FULL_BYTES = 262_144  # about as much as one batch takes
COMMIT_TRIES = 5  # then the next batch's commit, or repeats after a restart, will do


class LoopEngine:
    """One consumer of a group, one batch at a time. A `patient` one lets Kafka gather its messages for a while."""

    def __init__(
        self, seam: Seam, *, bootstrap: str, group: str, topics: Sequence[str], batch: int, patient: bool = False
    ) -> None:
        self._seam = seam
        self._bootstrap = bootstrap
        self._group = group
        self._topics = tuple(topics)
        self._batch = batch
        self._full = FULL_BYTES if patient else 1
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._deaf_since: float | None = None
        be_tolerant()
        self._standstill = Standstill(
            bootstrap=bootstrap, group=group, feeds=dict.fromkeys(topics, seam.progress), assigned=self._assigned
        )

    def _assigned(self) -> list[tuple[str, int]]:
        return [(part.topic, part.partition) for part in self._consumer.assignment()] if self._consumer else []

    @property
    def progress(self) -> Progress:
        """The pulse of what it reads into."""
        return self._seam.progress

    def stop(self) -> None:
        """Finish the batch under way, commit, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until stopped."""
        watching = asyncio.ensure_future(self._standstill.run())
        consumer: AIOKafkaConsumer = await patiently(self._connect)
        self._consumer = consumer
        try:
            while not self._stopping.is_set():
                await self._turn(consumer)
        finally:
            watching.cancel()
            await consumer.stop()

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=DAY_MS,  # waiting for a dependency may take as long as it takes
            fetch_min_bytes=self._full,
            fetch_max_wait_ms=int(PATIENT_S * 1000),
            max_partition_fetch_bytes=2_200_000,
            metadata_max_age_ms=30_000,
            retry_backoff_ms=100,
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def _turn(self, consumer: AIOKafkaConsumer) -> None:
        try:
            fetched = await self._fetched(consumer)
        except KafkaError as error:
            self._hear_nothing(error)
            await self._seam.progress.wait(error)
            return
        self._deaf_since = None
        if not fetched:
            return
        self._seam.progress.begin()
        try:
            await self._seam.handle([to_record(message) for messages in fetched.values() for message in messages])
        finally:
            self._seam.progress.end()
        await self._commit(consumer, {tp: messages[-1].offset + 1 for tp, messages in fetched.items()})

    async def _fetched(self, consumer: AIOKafkaConsumer) -> Fetched:
        """The next batch. One that is not full is given a moment: a fetch answers with the first partition that has
        anything, and a transaction for each crumb would cost more than all else."""
        fetched: Fetched = await consumer.getmany(timeout_ms=200, max_records=self._batch)
        room = self._batch - sum(len(messages) for messages in fetched.values())
        if fetched and room > 0:
            await asyncio.sleep(LINGER_S)
            with contextlib.suppress(KafkaError):  # what was fetched first is not lost over it; the next turn tells
                more: Fetched = await consumer.getmany(timeout_ms=0, max_records=room)
                for part, messages in more.items():
                    fetched[part] = [*fetched.get(part, ()), *messages]
        return fetched

    def _hear_nothing(self, error: KafkaError) -> None:
        """A broker that is away is waited for inside the client; a client that raises again and again has failed for
        good. Raises its error after a while, which ends the process."""
        self._deaf_since = self._deaf_since or monotonic()
        if monotonic() - self._deaf_since > DEAF_S:
            raise error

    async def _commit(self, consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        for _ in range(COMMIT_TRIES):
            try:
                await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError) as error:
                # A rebalance took partitions away; whoever has them now sees the batch again, as repeats.
                log.info("offsets not committed", group=self._group, error=type(error).__name__)
            except KafkaError as error:
                await self._seam.progress.wait(error)
                continue
            return


def to_record(message: ConsumerRecord) -> Record:
    """An aiokafka record as ours."""
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=tuple(message.headers or ()),
        timestamp=message.timestamp or 0,
    )
