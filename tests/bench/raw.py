"""The physical limit: one aiokafka loop that copies each message into one table, nothing else."""

import asyncio
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.envelope import Outgoing
from services.chassis.clock import monotonic
from services.chassis.publisher import Publisher


async def raw_loop(bootstrap: str, database_url: str, topic: str, messages: list[Outgoing]) -> float:
    """Messages a second from Kafka into a table by COPY, batches of 500, offsets committed after each."""
    publisher = Publisher(bootstrap)
    await publisher.start()
    group = f"raw-{uuid4().hex[:8]}"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, max_partition_fetch_bytes=2_200_000
    )
    await consumer.start()
    partitions = [TopicPartition(topic, p) for p in range(8)]
    consumer.assign(partitions)
    for partition, end in (await consumer.end_offsets(partitions)).items():
        consumer.seek(partition, end)
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE raw_copy (part int, off bigint, value bytea)")
    try:
        for i in range(0, len(messages), 2000):
            await publisher.send_all(messages[i : i + 2000])
        began, done = monotonic(), 0
        async with asyncio.timeout(120):
            while done < len(messages):
                fetched = await consumer.getmany(timeout_ms=200, max_records=500)
                rows = [(m.partition, m.offset, m.value) for part in fetched.values() for m in part]
                if rows:
                    await connection.copy_records_to_table("raw_copy", records=rows)
                    await consumer.commit({tp: part[-1].offset + 1 for tp, part in fetched.items() if part})
                    done += len(rows)
        return done / (monotonic() - began)
    finally:
        await connection.execute("DROP TABLE raw_copy")
        await connection.close()
        await consumer.stop()
        await publisher.stop()
