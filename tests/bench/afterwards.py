"""What the topics tell after a run: when each thing was said, by the time stamps that the producers set."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics import BY_NAME

T = TypeVar("T")
CLOCKS_SET = b"paidan.v1.ClocksSet"


async def read(bootstrap: str, topic: str, look: Callable[[ConsumerRecord], None]) -> None:
    """Show `look` every record of a topic, up to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, max_partition_fetch_bytes=4_000_000)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, n) for n in range(BY_NAME[topic].partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        left = {part for part in parts if ends[part] > 0}
        async with asyncio.timeout(300):
            while left:
                for part, records in (await consumer.getmany(timeout_ms=200, max_records=10_000)).items():
                    for record in records:
                        if record.offset < ends[part]:
                            look(record)
                    if records and records[-1].offset >= ends[part] - 1:
                        left.discard(part)
    finally:
        await consumer.stop()


def kind_of(record: ConsumerRecord) -> bytes:
    """Its `ce_type`, empty without one."""
    return next((value for key, value in record.headers if key == "ce_type"), b"")


async def clocks_set_at(bootstrap: str) -> list[float]:
    """When each ClocksSet was published (seconds since the epoch), sorted. It is written with the clocks' rows and
    published after their commit, so it is never early."""
    moments: list[float] = []

    def look(record: ConsumerRecord) -> None:
        if kind_of(record) == CLOCKS_SET:
            moments.append(record.timestamp / 1000)

    await read(bootstrap, "supervision.events", look)
    return sorted(moments)


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the audit role."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def counts(url: str) -> dict[str, int]:
    """How many reports have their promise's clock, how many orders there are, clocks, assignments."""
    async with looking(url) as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(DISTINCT report_id) FROM supervision.clocks WHERE stage = 'total') AS clocked,"
            " (SELECT count(*) FROM dispatch.orders) AS orders, (SELECT count(*) FROM supervision.clocks) AS clocks,"
            " (SELECT count(*) FROM dispatch.assignments) AS assignments,"
            " (SELECT count(*) FROM router.decisions) AS decided,"
            " (SELECT count(*) FROM dispatch.orders WHERE status = 'triage') AS triage"
        )
        assert row is not None
        return dict(row)
