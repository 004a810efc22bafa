"""The worker as it runs, on real Kafka and PostgreSQL: facts in, clocks and notices out, restarts included."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from deploy.stack.lifecycle import Stack
from schemas.codec import decode
from schemas.envelope import Outgoing, Record
from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWarned, RungRaised
from schemas.topics import ORDERS_EVENTS, SUPERVISION_EVENTS
from services.chassis.publisher import Publisher
from services.supervision.main import build
from services.supervision.settings import SupervisionSettings
from tests.harness.kafka import Tail
from tests.rules.supervision_timeline.story import Story, minutes, tick
from tests.rules.supervision_timeline.toy import CITY


@asynccontextmanager
async def working(settings: SupervisionSettings) -> AsyncIterator[None]:
    """A worker of the service from here to there; what it had under way is finished."""
    worker = await build(settings, CITY)
    reading = asyncio.create_task(worker.engine.run())
    beside = [asyncio.create_task(worker.relay.run()), asyncio.create_task(worker.sweep.run())]
    try:
        yield
    finally:
        worker.engine.stop()
        await reading
        for task in beside:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await worker.close()


def ticks(at: object) -> list[Outgoing]:
    """A Tick on every partition, as dispatch sends them."""
    return [
        Outgoing(each.topic, each.key, each.value or b"", each.headers, partition)
        for partition, each in enumerate(tick(at))  # type: ignore[arg-type]
    ]


async def of_order(tail: Tail, story: Story, count: int) -> list[Record]:
    """The first `count` facts that supervision announces about an order."""
    wanted = count
    async with asyncio.timeout(40):
        while True:
            with suppress(TimeoutError):
                found = await tail.read(wanted, timeout=10)
                mine = [each for each in found if each.key == str(story.order_id).encode()]
                if len(mine) >= count:
                    return mine
                wanted = len(found) + 1


async def test_from_the_fact_to_the_breach_through_a_restart(
    pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack
) -> None:
    start = await pool.fetchval("SELECT clock_timestamp() - interval '25 minutes'")
    story = Story(f"journey-{start.isoformat()}").opened(start)
    tail = await Tail.at_end(servers.kafka_bootstrap, SUPERVISION_EVENTS.name)
    assert ORDERS_EVENTS.partitions == len(ticks(start))
    publisher = Publisher(servers.kafka_bootstrap)
    await publisher.start()
    try:
        async with working(settings):
            await publisher.send_all([*story.outgoing(), *ticks(start + minutes(25))])
            kinds = [type(decode(each)) for each in await of_order(tail, story, 3)]
            assert kinds == [ClocksSet, DeadlineWarned, RungRaised]
        await publisher.send_all(ticks(start + minutes(31)))
        async with working(settings):
            found = [decode(each) for each in await of_order(tail, story, 5)]
        assert isinstance(found[3], DeadlineMissed) and found[3].due == start + minutes(30)
        assert isinstance(found[4], RungRaised) and found[4].level == 1
    finally:
        await publisher.stop()
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await pool.fetchval("SELECT count(*) FROM notices WHERE order_id = $1", story.order_id) == 2
