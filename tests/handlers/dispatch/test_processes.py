"""The worker process on real Kafka: a plan goes in, numbered facts and Ticks on every partition come out."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.stack.home import CHECKOUT
from deploy.stack.lifecycle import Stack
from schemas.codec import decode, message
from schemas.facts import OrderOpened, Tick
from schemas.topics import ORDERS_EVENTS, ROUTING_NORMAL
from services.chassis.engines.loop import to_record
from services.chassis.publisher import Publisher
from tests.rules.dispatch.town import a_report, linked, proposed


@asynccontextmanager
async def orders_events(servers: Stack) -> AsyncIterator[Callable[[Callable[[list[Any]], bool]], Any]]:
    """Reads orders.events from now on, until what was read satisfies somebody."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers.kafka_bootstrap)
    await consumer.start()
    places = [TopicPartition(ORDERS_EVENTS.name, p) for p in range(ORDERS_EVENTS.partitions)]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)
    seen: list[Any] = []

    async def until(enough: Callable[[list[Any]], bool]) -> list[Any]:
        async with asyncio.timeout(60):
            while not enough(seen):
                for found in (await consumer.getmany(timeout_ms=100)).values():
                    seen.extend(decode(to_record(record)) for record in found)
        return seen

    try:
        yield until
    finally:
        await consumer.stop()


async def test_a_worker_opens_orders_announces_them_and_keeps_time(servers: Stack, pool: asyncpg.Pool) -> None:
    environment = servers.env_for("dispatch", "normal")
    arguments = [sys.executable, "-P", "-m", "services.dispatch.main", "normal"]
    began = datetime.now(UTC)
    facts = [proposed(a_report(f"process {i} {began.isoformat()}")) for i in range(20)]
    links = [linked(fact.order_id) for fact in facts]
    publisher = Publisher(servers.kafka_bootstrap)
    await publisher.start()
    worker = subprocess.Popen(arguments, env=environment | {"PYTHONPATH": str(CHECKOUT)}, cwd=CHECKOUT)
    try:
        async with orders_events(servers) as until:
            for fact in (*facts, *links):
                out = message(
                    ROUTING_NORMAL, fact, id=fact.report.report_id, key=str(fact.order_id), source="router", time=began
                )
                await publisher.send_all([out, out])
            mine = {fact.order_id for fact in facts}
            seen = await until(lambda said: sum(getattr(f, "order_id", None) in mine for f in said) >= 40)
            told = [f for f in seen if getattr(f, "order_id", None) in mine]
            assert len(told) == 40, "each message was sent twice and counted once"
            for order in mine:
                assert [f.seq for f in told if f.order_id == order] == [1, 2]
            last = max(f.recorded_at for f in told if isinstance(f, OrderOpened))
            ticked = await until(
                lambda said: {f.partition for f in said if isinstance(f, Tick) and f.t > last} == set(range(8))
            )
            ticks = [f for f in ticked if isinstance(f, Tick)]
            assert all(f.t < datetime.now(UTC) for f in ticks)
            for partition in range(8):
                times = [f.t for f in ticks if f.partition == partition]
                assert times == sorted(times)
    finally:
        worker.send_signal(signal.SIGTERM)
        await asyncio.to_thread(worker.wait, 30)
        await publisher.stop()
    assert worker.returncode == 0, "a clean drain"
