"""One conformance suite over both engines, on real Kafka: whatever the engine, the seam's promises hold."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.envelope import Outgoing
from services.chassis.delivery import Seam
from services.chassis.publisher import Publisher
from services.chassis.settings import ServiceSettings
from tests.chassis.ledger import Ledger, outgoing, total
from tests.chassis.worker import engine_of

ENGINES = ["loop", "stream"]
PARTITIONS = 4


@dataclass
class Feed:
    """A topic of its own, and a way to write it."""

    topic: str
    group: str
    publisher: Publisher
    bootstrap: str

    async def put(self, messages: list[Outgoing]) -> None:
        await self.publisher.send_all(
            Outgoing(self.topic, m.key, m.value, m.headers, i % PARTITIONS) for i, m in enumerate(messages)
        )

    async def committed(self) -> int:
        """Offsets the group has committed, summed."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        try:
            return sum([await consumer.committed(TopicPartition(self.topic, p)) or 0 for p in range(PARTITIONS)])
        finally:
            await consumer.stop()


@pytest.fixture
async def feed(settings: ServiceSettings) -> AsyncIterator[Feed]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    topic = f"toy.{uuid4().hex[:10]}"
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    publisher = Publisher(settings.kafka_bootstrap)
    await publisher.start()
    yield Feed(topic, f"group-{topic}", publisher, settings.kafka_bootstrap)
    await publisher.stop()
    await admin.delete_topics([topic])
    await admin.close()


async def counted(pool: asyncpg.Pool, name: str, changes: int, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while (await total(pool, name))[1] < changes:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", ENGINES)
async def test_everything_is_brought_once_and_then_committed(
    kind: str, feed: Feed, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    messages = [outgoing("a", 1) for _ in range(1500)]
    await feed.put(messages + messages[:200])
    engine = engine_of(kind, Seam(Ledger(), pool, settings), settings, feed.group, feed.topic, 200)
    task = asyncio.create_task(engine.run())
    await counted(pool, "a", 1500)
    await feed.put([outgoing("b", 1), Outgoing(feed.topic, b"k", b"{", messages[0].headers), outgoing("b", 1)])
    await counted(pool, "b", 2)
    engine.stop()
    await asyncio.wait_for(task, 30)
    assert await total(pool, "a") == (1500, 1500)
    assert await feed.committed() == 1703, "what was brought to its end is committed before the engine ends"
    assert await pool.fetchval("SELECT count(*) FROM outbox") > 0


@pytest.mark.parametrize("kind", ENGINES)
async def test_a_stop_lets_the_batch_under_way_finish(
    kind: str, feed: Feed, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    slow = Ledger(stall=asyncio.Event())
    await feed.put([outgoing("a", 1) for _ in range(40)])
    engine = engine_of(kind, Seam(slow, pool, settings), settings, feed.group, feed.topic, 40)
    task = asyncio.create_task(engine.run())
    await asyncio.wait_for(slow.stalled.wait(), 30)
    engine.stop()
    done, _ = await asyncio.wait([task], timeout=0.3)
    assert not done
    assert slow.stall is not None
    slow.stall.set()
    await asyncio.wait_for(task, 30)
    sum_, changes = await total(pool, "a")
    assert sum_ == changes == await feed.committed() > 0


@pytest.mark.parametrize("kind", ENGINES)
async def test_killed_at_random_and_rebalanced_nothing_is_lost_or_counted_twice(
    kind: str, feed: Feed, pool: asyncpg.Pool, schema: str, settings: ServiceSettings
) -> None:
    """Two worker processes, three SIGKILLs while messages come in."""
    env = os.environ | {
        "PAIDAN_DATABASE_URL": settings.database_url,
        "PAIDAN_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
    }
    command = [sys.executable, "-m", "tests.chassis.worker", kind, schema, feed.group, feed.topic]

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.DEVNULL)

    workers = [await start(), await start()]
    try:
        for burst in range(4):
            await feed.put([outgoing("a", 1) for _ in range(600)])
            await counted(pool, "a", burst * 600 + 50 + burst * 100)
            if burst < 3:
                victim = workers.pop(burst % 2)
                victim.send_signal(signal.SIGKILL)
                await victim.wait()
                workers.append(await start())
        await counted(pool, "a", 2400, seconds=90)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [await asyncio.wait_for(w.wait(), 30) for w in workers] == [0, 0], "SIGTERM drains and ends with 0"
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
    assert await total(pool, "a") == (2400, 2400)
    assert await feed.committed() == 2400
