"""What is written to a topic from a noted end on, read beside all groups: nobody's offsets move."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.envelope import Record
from schemas.topics import Topic
from services.chassis.database import patiently
from services.chassis.engines.loop import to_record
from services.chassis.engines.tolerance import be_tolerant


class Tail:
    """The end of a topic as it grows."""

    def __init__(self, consumer: AIOKafkaConsumer, parts: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._parts = parts

    @classmethod
    async def at_end(cls, bootstrap: str, topic: Topic) -> "Tail":
        """From the present end of every partition on. Waits while Kafka is away."""
        be_tolerant()
        parts = [TopicPartition(topic.name, n) for n in range(topic.partitions)]

        async def start() -> AIOKafkaConsumer:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=2_200_000
            )
            try:
                await consumer.start()
                consumer.assign(parts)
                for part, end in (await consumer.end_offsets(parts)).items():
                    consumer.seek(part, end)
            except BaseException:
                await consumer.stop()
                raise
            return consumer

        return cls(await patiently(start), parts)

    async def behind(self) -> int:
        """How many messages lie between where we are and the present end."""
        ends = await self._consumer.end_offsets(self._parts)
        return sum([ends[part] - await self._consumer.position(part) for part in self._parts])

    async def to_end(self) -> AsyncIterator[list[Record]]:
        """Everything up to the end as it is now, in batches; those of one partition in their order."""
        ends = await self._consumer.end_offsets(self._parts)
        while any([await self._consumer.position(part) < ends[part] for part in self._parts]):
            fetched = await self._consumer.getmany(timeout_ms=200, max_records=2000)
            records = [to_record(message) for messages in fetched.values() for message in messages]
            if records:
                yield records

    async def stop(self) -> None:
        """Close the connection."""
        await self._consumer.stop()
