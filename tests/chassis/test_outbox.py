"""What was committed reaches Kafka, in order, at least once; Ticks never run ahead of what is published."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from schemas.envelope import Outgoing
from schemas.topics import MESSAGE_BYTES, SENSORS_READINGS
from services.chassis import outbox
from services.chassis.outbox import Relay
from services.chassis.publisher import Publisher
from services.chassis.settings import ServiceSettings
from tests.chassis.ledger import outgoing
from tests.harness.kafka import Tail, ended


@pytest.fixture
async def publisher(settings: ServiceSettings) -> AsyncIterator[Publisher]:
    opened = Publisher(settings.kafka_bootstrap)
    await opened.start()
    yield opened
    await opened.stop()


async def put(pool: asyncpg.Pool, messages: list[Outgoing], *, urgent: bool = False) -> None:
    async with pool.acquire() as connection, connection.transaction():
        now = await connection.fetchval("SELECT clock_timestamp()")
        await outbox.write(connection, messages, urgent=urgent, recorded_at=now)


async def empty(pool: asyncpg.Pool) -> None:
    async with asyncio.timeout(20):
        while await pool.fetchval("SELECT count(*) FROM outbox"):
            await asyncio.sleep(0.02)


async def test_all_is_published_in_the_order_of_each_key_and_then_deleted(
    pool: asyncpg.Pool, publisher: Publisher, settings: ServiceSettings
) -> None:
    tail = await Tail.at_end(settings.kafka_bootstrap, SENSORS_READINGS.name)
    account = uuid4().hex
    for i in range(0, 60, 3):
        await put(pool, [outgoing(account, i + k) for k in range(3)])
    relay = asyncio.create_task(Relay(account, pool, publisher, transaction_timeout=5).run())
    await empty(pool)
    await ended(relay)
    records = [r for r in await tail.read(60) if r.key == account.encode()]
    assert [int(r.value.split(b'"value":')[1].split(b",")[0].split(b".")[0]) for r in records if r.value] == list(
        range(60)
    )


async def test_what_is_urgent_leaves_first(pool: asyncpg.Pool, publisher: Publisher, settings: ServiceSettings) -> None:
    tail = await Tail.at_end(settings.kafka_bootstrap, SENSORS_READINGS.name)
    account = uuid4().hex
    for i in range(Relay.PAGE * 2):
        await put(pool, [outgoing(account, i)])
    await put(pool, [outgoing(account, 999)], urgent=True)
    relay = asyncio.create_task(Relay(account, pool, publisher, transaction_timeout=5).run())
    await empty(pool)
    await ended(relay)
    records = [r for r in await tail.read(Relay.PAGE * 2 + 1) if r.key == account.encode()]
    place = next(i for i, r in enumerate(records) if r.value and b"999" in r.value)
    assert place == 0


async def test_killed_between_produce_and_delete_repeats_with_the_same_ids(
    pool: asyncpg.Pool, publisher: Publisher, settings: ServiceSettings
) -> None:
    tail = await Tail.at_end(settings.kafka_bootstrap, SENSORS_READINGS.name)
    account = uuid4().hex
    await put(pool, [outgoing(account, i) for i in range(5)])
    dying = Relay(account, pool, publisher, transaction_timeout=5)
    died = asyncio.Event()

    async def die() -> None:
        died.set()
        await asyncio.Event().wait()

    dying.after_produce = die
    first = asyncio.create_task(dying.run())
    await died.wait()
    await ended(first)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 1, "produced but not deleted: still there"
    second = asyncio.create_task(Relay(account, pool, publisher, transaction_timeout=5).run())
    await empty(pool)
    await ended(second)
    ids = [dict(r.headers)["ce_id"] for r in await tail.read(10) if r.key == account.encode()]
    assert len(ids) == 10 and len(set(ids)) == 5


async def test_one_relay_leads_and_another_takes_over_when_its_session_dies(
    pool: asyncpg.Pool, publisher: Publisher, settings: ServiceSettings
) -> None:
    service = f"svc-{uuid4().hex[:8]}"
    relays = [asyncio.create_task(Relay(service, pool, publisher, transaction_timeout=5).run()) for _ in range(2)]
    await put(pool, [outgoing("a", 1)])
    await empty(pool)
    holders = (
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
        " AND classid = 0 AND objid = $1 AND granted"
    )
    key = Relay(service, pool, publisher, transaction_timeout=5)._lock_key
    leaders = await pool.fetch(holders, key)
    assert len(leaders) == 1
    await pool.execute("SELECT pg_terminate_backend($1)", leaders[0]["pid"])
    await put(pool, [outgoing("a", 2)])
    await empty(pool)
    assert [row["pid"] for row in await pool.fetch(holders, key)] != [leaders[0]["pid"]]
    for relay in relays:
        await ended(relay)


async def test_what_kafka_refuses_for_good_is_set_aside_and_blocks_nothing(
    pool: asyncpg.Pool, publisher: Publisher
) -> None:
    huge = Outgoing(SENSORS_READINGS.name, b"k", b"x" * (2 * MESSAGE_BYTES + 100_000), ())
    too_big_for_the_topic = Outgoing(SENSORS_READINGS.name, b"k", b"y" * (MESSAGE_BYTES + 100_000), ())
    await put(pool, [outgoing("a", 1), huge, outgoing("a", 2), too_big_for_the_topic])
    await put(pool, [outgoing("a", 3)])
    relay = asyncio.create_task(Relay(uuid4().hex, pool, publisher, transaction_timeout=5).run())
    await empty(pool)
    await ended(relay)
    assert await pool.fetchval("SELECT count(*) FROM outbox_refused") == 2


async def test_a_tick_never_passes_what_a_slow_transaction_still_holds(
    pool: asyncpg.Pool, publisher: Publisher
) -> None:
    """A transaction records a fact, then takes long to commit; no Tick later than its record may be sent before the
    fact itself."""
    ticks: list[datetime] = []

    def make(t: datetime) -> list[Outgoing]:
        ticks.append(t)
        return []

    timeout = 3.0
    relay = Relay(uuid4().hex, pool, publisher, transaction_timeout=timeout, ticks=make)
    published_at: list[int] = []

    async def note() -> None:
        published_at.append(len(ticks))

    relay.after_produce = note
    task = asyncio.create_task(relay.run())
    async with pool.acquire() as connection, connection.transaction():
        recorded: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await outbox.write(connection, [outgoing("slow", 1)], urgent=False, recorded_at=recorded)
        await asyncio.sleep(timeout - 0.8)  # the span under test: how long a transaction may stay open
    await empty(pool)
    async with asyncio.timeout(20):
        while not ticks or ticks[-1] <= recorded:
            await asyncio.sleep(0.05)
    await ended(task)
    assert published_at, "the fact was published"
    assert all(t <= recorded for t in ticks[: published_at[0]])
    assert ticks == sorted(ticks)
    assert ticks[-1] - ticks[0] < timedelta(seconds=60)
