"""Key rows on the real PostgreSQL: one report per key, another body refused, no key lost to a refusal."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from schemas.ids import number_of
from schemas.refusals import Refused
from services.chassis.database import open_pool
from services.chassis.settings import ServiceSettings
from services.intake.handlers.keys import KeyKeeper
from services.intake.store import keys
from services.intake.store.keys import KeyRow
from tests.harness.kafka import ended

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture
async def pool(servers: Stack) -> AsyncIterator[asyncpg.Pool]:
    settings = ServiceSettings(database_url=servers.database_url("paidan_intake"))
    opened = await open_pool(settings, "intake")
    yield opened
    await opened.close()


@pytest.fixture
async def keeper(pool: asyncpg.Pool) -> AsyncIterator[KeyKeeper]:
    async def connect() -> asyncpg.Pool:
        return pool

    keeper = KeyKeeper(connect, 5.0)
    running = asyncio.create_task(keeper.run())
    await asyncio.wait_for(_until_available(keeper), 10)
    yield keeper
    await ended(running)


async def _until_available(keeper: KeyKeeper) -> None:
    while not keeper.available:
        await asyncio.sleep(0.01)


def row(key_id: UUID, body: bytes = b"a", report_id: UUID | None = None) -> KeyRow:
    return KeyRow(key_id, report_id or key_id, body, "hotline", NOW)


async def until_acked(pool: asyncpg.Pool, key_id: UUID) -> None:
    async with asyncio.timeout(10):
        while not await pool.fetchval("SELECT acked FROM keys WHERE key_id = $1", key_id):
            await asyncio.sleep(0.01)


async def test_a_repeat_finds_the_first_row(keeper: KeyKeeper, pool: asyncpg.Pool) -> None:
    key = uuid4()
    first, again = (await keeper.claim([(row(key),)]))[0], (await keeper.claim([(row(key),)]))[0]
    assert isinstance(first, KeyRow) and first == again and not first.acked
    keeper.acked((first,))
    await until_acked(pool, key)
    (later,) = await keeper.claim([(row(key),)])
    assert isinstance(later, KeyRow) and later.acked and later.received_at == NOW


async def test_another_body_is_refused(keeper: KeyKeeper) -> None:
    key = uuid4()
    await keeper.claim([(row(key),)])
    (other,) = await keeper.claim([(row(key, b"b"),)])
    assert isinstance(other, Refused) and other.code == "key_reused"


async def test_repeats_within_one_group_and_across_many(keeper: KeyKeeper, pool: asyncpg.Pool) -> None:
    key, others = uuid4(), [uuid4() for _ in range(20)]
    held = await keeper.claim([(row(key),), (row(key),), (row(key, b"b"),)])
    assert isinstance(held[0], KeyRow) and held[0] == held[1] and isinstance(held[2], Refused)
    answers = await asyncio.gather(
        *(keeper.claim([(row(o),) for o in reversed(others)] + [(row(key),)]) for _ in range(8))
    )
    assert all(answer == answers[0] for answer in answers)
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE key_id = ANY($1)", [key, *others]) == 21


async def test_a_refused_report_takes_no_key_with_it(keeper: KeyKeeper, pool: asyncpg.Pool) -> None:
    used, fresh = uuid4(), uuid4()
    await keeper.claim([(row(used),)])
    (refused,) = await keeper.claim([(row(used, b"b"), row(fresh, b"b", used))])
    assert isinstance(refused, Refused)
    assert await pool.fetchval("SELECT count(*) FROM keys WHERE key_id = $1", fresh) == 0
    mended = uuid4()
    (taken,) = await keeper.claim([(row(mended, b"c"), row(fresh, b"c", mended))])
    assert isinstance(taken, KeyRow) and taken.report_id == mended


async def test_a_number_finds_its_row(keeper: KeyKeeper, pool: asyncpg.Pool) -> None:
    for _ in range(20):
        key = uuid4()
        await keeper.claim([(row(key),)])
        found = await keeper.row_of(None, number_of(key))
        assert found is not None and found.report_id == key
        assert await keeper.row_of(key, None) == found
    assert await keeper.row_of(None, number_of(uuid4())) is None


async def test_old_rows_are_pruned(keeper: KeyKeeper, pool: asyncpg.Pool) -> None:
    old, young = uuid4(), uuid4()
    await keeper.claim([(row(old),), (row(young),)])
    await pool.execute("UPDATE keys SET at = at - interval '46 days' WHERE key_id = $1", old)
    async with pool.acquire() as connection:
        await keys.prune(connection)
    assert await keeper.row_of(old, None) is None and await keeper.row_of(young, None) is not None


async def test_a_locked_database_costs_one_wait_and_then_none(pool: asyncpg.Pool) -> None:
    async def connect() -> asyncpg.Pool:
        return pool

    keeper = KeyKeeper(connect, 0.2)
    running = asyncio.create_task(keeper.run())
    await asyncio.wait_for(_until_available(keeper), 10)
    loop = asyncio.get_running_loop()
    async with pool.acquire() as blocker, blocker.transaction():
        await blocker.execute("LOCK TABLE keys IN ACCESS EXCLUSIVE MODE")
        began = loop.time()
        assert await keeper.claim([(row(uuid4()),)]) == [None]
        assert 0.15 < loop.time() - began < 2
        assert not keeper.available
        began = loop.time()
        assert await keeper.claim([(row(uuid4()),)]) == [None]
        assert loop.time() - began < 0.05
    await asyncio.wait_for(_until_available(keeper), 10)
    (held,) = await keeper.claim([(row(uuid4()),)])
    assert isinstance(held, KeyRow)
    await ended(running)
