"""Reading topics in tests: from a noted end, until as many records are there as expected."""

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.envelope import Record
from services.chassis.engines.loop import to_record


class Tail:
    """What is written to a topic after a moment."""

    def __init__(self, bootstrap: str, topic: str, start: dict[TopicPartition, int]) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._start = start

    @classmethod
    async def at_end(cls, bootstrap: str, topic: str) -> "Tail":
        """From the present end on."""
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
        await consumer.start()
        try:
            partitions = consumer.partitions_for_topic(topic) or await cls._partitions(consumer, topic)
            return cls(bootstrap, topic, await consumer.end_offsets([TopicPartition(topic, p) for p in partitions]))
        finally:
            await consumer.stop()

    @staticmethod
    async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        consumer.subscribe([topic])
        async with asyncio.timeout(10):
            while not (found := consumer.partitions_for_topic(topic)):
                await consumer._client.force_metadata_update()
        consumer.unsubscribe()
        return set(found)

    async def read(self, count: int, timeout: float = 20) -> list[Record]:
        """Records until there are at least `count`; those of one partition in their order. Raises TimeoutError."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, max_partition_fetch_bytes=3_000_000)
        await consumer.start()
        try:
            consumer.assign(list(self._start))
            for partition, offset in self._start.items():
                consumer.seek(partition, offset)
            records: list[Record] = []
            async with asyncio.timeout(timeout):
                while len(records) < count:
                    for messages in (await consumer.getmany(timeout_ms=200)).values():
                        records += [to_record(m) for m in messages]
            return records
        finally:
            await consumer.stop()


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a background task and see it end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
