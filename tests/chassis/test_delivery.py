"""The delivery seam keeps its promises. Each test fails when the rule it names is broken."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from schemas.envelope import Outgoing, Record, header
from services.chassis.commands import Desk
from services.chassis.database import Connection
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from tests.chassis.ledger import Counter, Deposit, Ledger, record, total, unreadable

unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode


async def letters(pool: asyncpg.Pool) -> list[Outgoing]:
    """All dead letters in the outbox."""
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
    return [m for row in rows for m in unpack(row["payload"]) if m.topic.endswith(".dlq")]


async def inbox(pool: asyncpg.Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM inbox")
    return count


async def test_a_batch_is_counted_once_however_often_it_comes(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    seam = Seam(Ledger(), pool, settings)
    batch = [record("a", 1, offset=i) for i in range(50)] + [record("b", 2, offset=50 + i) for i in range(50)]
    for _ in range(3):
        await seam.handle(batch)
    await seam.handle(batch[:20] * 3)
    assert await total(pool, "a") == (50, 50)
    assert await total(pool, "b") == (100, 50)
    rows = await pool.fetch("SELECT payload FROM outbox")
    assert sum(len(unpack(row["payload"])) for row in rows) == 100


async def test_two_copies_in_one_batch_count_once(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    same = uuid4()
    await Seam(Ledger(), pool, settings).handle([record("a", 5, id=same), record("a", 5, id=same)])
    assert await total(pool, "a") == (5, 1)


async def test_two_workers_never_decide_on_the_same_old_state(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    """A stall between decide and commit: without the advisory lock the second worker would read the old total."""
    slow = Ledger(stall=asyncio.Event())
    first = asyncio.create_task(Seam(slow, pool, settings).handle([record("born", 1)]))
    await slow.stalled.wait()
    second = asyncio.create_task(Seam(Ledger(), pool, settings).handle([record("born", 10)]))
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done, "the second worker must wait for the row that is being born"
    assert slow.stall is not None
    slow.stall.set()
    await asyncio.gather(first, second)
    assert await total(pool, "born") == (11, 2)


async def test_a_rebalance_in_the_middle_of_a_batch_counts_once(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    """Both workers have the same messages: the second waits at the inbox and then sees repeats."""
    slow, quick = Ledger(stall=asyncio.Event()), Ledger()
    batch = [record("a", 1), record("a", 2)]
    first = asyncio.create_task(Seam(slow, pool, settings).handle(batch))
    await slow.stalled.wait()
    second = asyncio.create_task(Seam(quick, pool, settings).handle(batch))
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done and quick.gathered == 0, "nothing may be gathered before the inbox has answered"
    assert slow.stall is not None
    slow.stall.set()
    await asyncio.gather(first, second)
    assert await total(pool, "a") == (3, 2)


async def test_a_rest_write_racing_a_batch_sees_its_result(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    slow = Ledger(stall=asyncio.Event())
    batch = asyncio.create_task(Seam(slow, pool, settings).handle([record("a", 1)]))
    await slow.stalled.wait()
    desk: Desk[Deposit, int] = Desk(Counter(), pool)
    write = asyncio.create_task(desk.submit(Deposit("a", 10)))
    done, _ = await asyncio.wait([write], timeout=0.3)
    assert not done
    assert slow.stall is not None
    slow.stall.set()
    await batch
    assert await write == 11
    assert await total(pool, "a") == (11, 2)


async def test_the_one_bad_message_stands_alone(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    ledger = Ledger(poison={13.0})
    bad = record("a", 13, offset=7)
    batch = [record("a", 1, offset=i) for i in range(64)]
    batch[20] = bad
    await Seam(ledger, pool, settings).handle(batch)
    assert await total(pool, "a") == (63, 63)
    [letter] = await letters(pool)
    assert (letter.value, letter.key) == (bad.value, bad.key)
    said = dict(letter.headers)
    assert said["x-error-code"] == b"failed" and b"ZeroDivisionError" in said["x-error-cause"]
    assert said["x-orig-offset"] == b"7" and said["ce_id"] == header(bad, "ce_id")
    assert await inbox(pool) == 63, "a dead message leaves no inbox row"
    ledger.poison.clear()
    await Seam(ledger, pool, settings).handle([bad])
    assert await total(pool, "a") == (76, 64), "a mended replay is not taken for a repeat"


async def test_what_cannot_be_read_is_dead_at_once_with_its_bytes(
    pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    await Seam(Ledger(), pool, settings).handle(
        [unreadable(b"\xff\x00{", offset=3), record("a", 1), unreadable(b"", offset=4)]
    )
    assert await total(pool, "a") == (1, 1)
    found = await letters(pool)
    assert sorted(letter.value for letter in found) == [b"", b"\xff\x00{"]
    assert {dict(letter.headers)["x-error-code"] for letter in found} == {b"schema"}


async def test_a_refusal_is_dead_in_the_same_transaction_and_leaves_no_inbox_row(
    pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    ledger = Ledger(refuse={9.0})
    await Seam(ledger, pool, settings).handle([record("a", 1), record("a", 9), record("a", 2)])
    assert await total(pool, "a") == (3, 2)
    assert ledger.gathered == 1, "a refusal needs no second transaction"
    assert [dict(x.headers)["x-error-code"] for x in await letters(pool)] == [b"key_reused"]
    assert await inbox(pool) == 2


async def test_a_dependency_that_is_away_is_waited_for(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    away: list[Exception] = [
        ConnectionResetError(),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.DeadlockDetectedError("x"),
        TimeoutError(),
    ]
    ledger = Ledger(failures=away)
    await Seam(ledger, pool, settings).handle([record("a", 1), record("a", 2)])
    assert await total(pool, "a") == (3, 2)
    assert ledger.gathered == 5 and not await letters(pool)


async def test_twenty_readable_dead_in_a_row_stop_the_consumer_until_a_person_looked(
    pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    ledger = Ledger(poison={13.0})
    seam = Seam(ledger, pool, settings)
    await seam.handle([record("a", 13, offset=i) for i in range(19)] + [record("a", 1)])
    assert await pool.fetchval("SELECT count(*) FROM stops") == 0, "a good one in between starts the count anew"
    task = asyncio.create_task(seam.handle([record("a", 13, offset=i) for i in range(20)] + [record("a", 2)]))
    async with asyncio.timeout(20):
        while not await pool.fetchval("SELECT count(*) FROM stops"):
            await asyncio.sleep(0.02)
    done, _ = await asyncio.wait([task], timeout=0.7)
    assert not done and await total(pool, "a") == (1, 1)
    restarted = asyncio.create_task(Seam(ledger, pool, settings).handle([record("a", 4)]))
    done, _ = await asyncio.wait([restarted], timeout=0.7)
    assert not done, "a stop outlives the process that made it"
    await pool.execute("DELETE FROM stops")
    await asyncio.gather(task, restarted)
    assert await total(pool, "a") == (7, 3)


async def test_refusals_never_stop_a_consumer(pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    seam = Seam(Ledger(refuse={9.0}), pool, settings)
    await seam.handle([unreadable(offset=i) for i in range(40)] + [record("a", 9, offset=i) for i in range(40)])
    assert await pool.fetchval("SELECT count(*) FROM stops") == 0
    assert len(await letters(pool)) == 80


async def test_concurrent_writes_share_transactions_and_each_gets_its_own_answer(
    pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    counter = Counter(refuse={5.0}, poison={7.0})
    desk: Desk[Deposit, int] = Desk(counter, pool)
    answers = await asyncio.gather(
        *(desk.submit(Deposit(f"d{i % 4}", i % 10)) for i in range(200)), return_exceptions=True
    )
    codes = [getattr(a, "code", type(a).__name__) for a in answers]
    assert codes.count("action_not_allowed") == 20 and codes.count("ZeroDivisionError") == 20
    amounts = [i % 10 for i in range(200) if i % 10 not in (5, 7)]
    sums = [(await total(pool, f"d{k}"))[0] for k in range(4)]
    assert sum(sums) == sum(amounts)


@pytest.mark.parametrize("size", [1, 7])
async def test_many_workers_on_few_accounts_lose_nothing(
    pool: asyncpg.Pool, settings: ServiceSettings, size: int
) -> None:
    seams = [Seam(Ledger(), pool, settings) for _ in range(4)]
    records = [record(f"x{i % 3}", 1, offset=i) for i in range(84)]
    batches = [records[i : i + size] for i in range(0, 84, size)]
    await asyncio.gather(*(seams[i % 4].handle(batch) for i, batch in enumerate(batches * 2)))
    assert [await total(pool, f"x{k}") for k in range(3)] == [(28, 28)] * 3


async def test_whoever_must_know_of_dead_letters_is_told_in_the_transaction_that_makes_them(
    pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    away = [ConnectionError("gone for a moment")]

    async def note(connection: Connection, records: Sequence[Record], now: datetime) -> None:
        await connection.execute("INSERT INTO stops (consumer, reason, at) VALUES ($1, 'dead', $2)", str(records), now)
        if away:
            raise away.pop()

    seam = Seam(Ledger(refuse={2}, poison={3}), pool, settings, on_dead=note)
    dead = [unreadable(offset=1), record("a", 2, offset=2), record("a", 3, offset=3)]
    for each in dead:
        await seam.handle([each])
    told = {row["consumer"] for row in await pool.fetch("SELECT consumer FROM stops")}
    assert told == {str([each]) for each in dead}
    assert len(await letters(pool)) == 3
