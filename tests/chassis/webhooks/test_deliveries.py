"""Deliveries on the real PostgreSQL to a real server that fails in every way: each arrives, in order, under one id."""

import asyncio
import base64
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.chassis.settings import ServiceSettings
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.backoff import ATTEMPTS
from services.chassis.webhooks.deliveries import Notice
from tests.chassis.webhooks.conftest import KEY, SECRET, Post, row
from tests.chassis.webhooks.killed import DEAD
from tests.chassis.webhooks.receiver import Got, Receiver, receiving, reply

Trouble = Callable[[Got], Awaitable[bytes | None]]


async def broken(_: Got) -> bytes | None:
    return reply(500, body="database on fire")


async def resets(_: Got) -> bytes | None:
    return None


async def hangs(_: Got) -> bytes | None:
    await asyncio.sleep(30)
    return None


async def unknown(_: Got) -> bytes | None:
    return reply(404)


async def endless(_: Got) -> bytes | None:
    return b"HTTP/1.1 503 X\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 5_000_000


def said(receiver: Receiver) -> list[str]:
    """What came, each once, in the order in which it was first taken."""
    return list(dict.fromkeys(str(got.body["said"]) for got in receiver.got))


async def test_it_arrives_once_and_its_body_is_forgotten(post: Post) -> None:
    async with receiving(SECRET) as there, post.bringing():
        post.file.write_text(row("there", there.port))
        id_ = await post.put("there", said="hello")
        await post.all_in("delivered")
        [got] = there.got
        assert (got.id, got.path, got.body) == (id_, "/in", {"said": "hello"})
        assert await post.pool.fetchval("SELECT body FROM webhook_deliveries") == b""


@pytest.mark.parametrize("trouble", [broken, resets, hangs, unknown, endless])
async def test_what_fails_is_tried_again_under_the_same_id_and_nothing_overtakes_it(
    post: Post, trouble: Trouble
) -> None:
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        stream = uuid4()
        first, second = await post.put("there", stream, "one"), await post.put("there", stream, "two")

        async def twice(got: Got) -> bytes | None:
            return await trouble(got) if there.ids[first] <= 2 else reply(200, body="{}")

        there.answer = twice
        async with post.bringing(post.courier(total=0.4)):
            await post.all_in("delivered")
        assert [got.id for got in there.got] == [first, first, first, second]
        assert [tuple(r) for r in await post.pool.fetch("SELECT attempts FROM webhook_deliveries ORDER BY n")] == [
            (3,),
            (1,),
        ]


async def test_why_it_failed_stands_in_the_row_and_it_is_tried_later(post: Post) -> None:
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        there.answer = broken
        await post.put("there")
        async with post.bringing(post.courier(pause=lambda attempt, draw, asked: 3600.0)):
            await post.until("SELECT reason <> '' FROM webhook_deliveries", True)
        kept = await post.pool.fetchrow("SELECT state, reason, due > now() + interval '59 min' FROM webhook_deliveries")
        assert tuple(kept) == ("waiting", "500 database on fire", True)
        assert len(there.got) == 1


async def test_nobody_is_sent_elsewhere(post: Post) -> None:
    async with receiving(SECRET) as there, receiving(SECRET) as elsewhere:
        post.file.write_text(row("there", there.port))

        async def away(_: Got) -> bytes | None:
            return reply(307, f"location: http://127.0.0.1:{elsewhere.port}/in")

        there.answer = away
        await post.put("there")
        async with post.bringing():
            await there.until(lambda r: len(r.got) >= 2)
            await post.until("SELECT reason FROM webhook_deliveries", "307 redirects are not followed")
        assert elsewhere.got == []


async def test_gone_pauses_that_platform_alone_until_a_person_resumes(post: Post) -> None:
    async with receiving(SECRET) as there, receiving(SECRET) as other:
        post.file.write_text(row("there", there.port) + row("other", other.port))

        async def gone(_: Got) -> bytes | None:
            return reply(410)

        there.answer = gone
        await post.put("there", said="one")
        async with post.bringing():
            await post.until("SELECT count(*) FROM webhook_pauses", 1)
            await post.put("there", said="two")
            await post.put("other", said="mine")
            await other.until(lambda r: len(r.got) == 1)
            assert len(there.got) == 1
            [paused] = [s for s in await deliveries.standing(post.pool) if s.destination == "there"]
            assert (paused.waiting, paused.dead, paused.paused) == (2, 0, "410 the platform wants no more")
            there.answer = type(there)(SECRET).answer
            assert await deliveries.resume(post.pool, "there") is True
            await post.all_in("delivered")
        assert said(there) == ["one", "two"]


async def test_a_platform_that_hangs_delays_no_other(post: Post) -> None:
    async with receiving(SECRET) as slow, receiving(SECRET) as fast:
        post.file.write_text(row("slow", slow.port) + row("fast", fast.port))
        slow.answer = hangs
        for _ in range(20):
            await post.put("slow")
        async with post.bringing(post.courier(total=10.0)):
            await slow.until(lambda r: len(r.got) == 4)
            for n in range(20):
                await post.put("fast", said=str(n))
            await fast.until(lambda r: len(r.got) == 20, seconds=5)
            assert len(slow.got) == 4, "no more than four at a time"


@pytest.mark.parametrize("seed", range(3))
async def test_two_workers_lose_nothing_double_nothing_and_keep_each_order(post: Post, seed: int) -> None:
    chance = Random(seed)
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        streams = [uuid4() for _ in range(12)]
        asked: dict[UUID, list[str]] = defaultdict(list)
        for _ in range(120):
            stream = chance.choice(streams)
            asked[stream].append(await post.put("there", stream, str(stream)))
        failed: set[str] = set()

        async def moody(got: Got) -> bytes | None:
            if chance.random() < 0.2:
                failed.add(got.id)
                return chance.choice([reply(500), None])
            return reply(202)

        there.answer = moody
        async with post.bringing(post.courier(), post.courier()):
            await post.all_in("delivered")
    first = list(dict.fromkeys(got.id for got in there.got))
    for ids in asked.values():
        assert [id_ for id_ in first if id_ in ids] == ids
    assert {id_ for id_, times in there.ids.items() if times > 1} == failed, "what was taken never comes again"


async def test_killed_between_sending_and_saying_so_it_comes_again_with_the_same_id(
    post: Post, settings: ServiceSettings, schema: str
) -> None:
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        id_ = await post.put("there")
        environment = os.environ | {"PAIDAN_DATABASE_URL": settings.database_url}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chassis.webhooks.killed", schema, str(post.file)), env=environment
        )
        assert await process.wait() == DEAD
        assert there.ids == {id_: 1}
        assert await post.pool.fetchval("SELECT state FROM webhook_deliveries") == "waiting"
        async with post.bringing():
            await post.all_in("delivered")
        assert there.ids == {id_: 2}


async def test_after_a_day_it_is_a_dead_letter_that_holds_up_nobody_and_can_be_replayed(post: Post) -> None:
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        stream = uuid4()
        first, second = await post.put("there", stream, "one"), await post.put("there", stream, "two")
        await post.pool.execute("UPDATE webhook_deliveries SET attempts = $2 WHERE id = $1", UUID(first), ATTEMPTS - 1)

        async def not_the_first(got: Got) -> bytes | None:
            return reply(500) if got.id == first else reply(200)

        there.answer = not_the_first
        async with post.bringing():
            await post.until("SELECT state FROM webhook_deliveries WHERE id = $1", "delivered", UUID(second))
            [dead] = await deliveries.listed(post.pool, "there", ["dead"], 10)
            assert (str(dead.id), dead.attempts, dead.reason, dead.body) == (first, ATTEMPTS, "500", b'{"said": "one"}')
            assert await deliveries.replay(post.pool, "other") == 0
            there.answer = type(there)(SECRET).answer
            assert await deliveries.replay(post.pool, "there", [UUID(second)]) == 0, "only what is dead"
            assert await deliveries.replay(post.pool, "there", [UUID(first)]) == 1
            await post.all_in("delivered")
        assert there.ids == {first: 2, second: 1}


async def test_an_attempt_that_was_overtaken_may_say_nothing_more(post: Post) -> None:
    stream = uuid4()
    await post.put("there", stream)
    await post.put("there", stream)
    [lost] = await deliveries.claim(post.pool, {"there": 9}, timedelta(0))  # its lease is over at once
    [now] = await deliveries.claim(post.pool, {"there": 9}, timedelta(minutes=1))
    assert (lost.n, lost.attempts, now.n, now.attempts) == (now.n, 1, lost.n, 2)
    await deliveries.delivered(post.pool, lost)
    await deliveries.dead(post.pool, lost, "too late")
    await deliveries.again(post.pool, lost, timedelta(0), "too late")
    assert await deliveries.claim(post.pool, {"there": 9}, timedelta(0)) == [], "the other one still has it"
    await deliveries.delivered(post.pool, now)
    states = await post.pool.fetch("SELECT state, reason FROM webhook_deliveries ORDER BY n")
    assert [tuple(one) for one in states] == [("delivered", ""), ("waiting", "")]


async def test_what_a_platform_asks_for_is_heard(post: Post) -> None:
    asked: list[float] = []

    def pause(attempt: int, draw: float, wanted: float) -> float:
        asked.append(wanted)
        return 0.05

    answers = iter([reply(503, "retry-after: 120"), reply(503, "retry-after: soon"), reply(429), reply(200)])

    async def busy(_: Got) -> bytes | None:
        return next(answers)

    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        there.answer = busy
        await post.put("there")
        async with post.bringing(post.courier(pause=pause)):
            await post.all_in("delivered")
    assert asked == [120.0, 0.0, 0.0]


async def test_the_oldest_and_the_dead_are_measured(post: Post) -> None:
    first, second = await post.put("there"), await post.put("there")
    await post.pool.execute("UPDATE webhook_deliveries SET at = now() - interval '1 h' WHERE id = $1", UUID(first))
    await post.pool.execute("UPDATE webhook_deliveries SET state = 'dead' WHERE id = $1", UUID(second))
    await deliveries.pause(post.pool, "elsewhere", "they move")
    courier = post.courier()
    await courier._measure()
    assert measured("oldest_seconds", "there") == pytest.approx(3600, abs=60)
    assert (measured("waiting", "there"), measured("dead", "there"), measured("paused", "there")) == (1, 1, 0)
    assert (measured("waiting", "elsewhere"), measured("paused", "elsewhere")) == (0, 1)
    await post.pool.execute("DELETE FROM webhook_deliveries")
    await courier._measure()
    assert (measured("oldest_seconds", "there"), measured("dead", "there")) == (0, 0)


def measured(name: str, destination: str) -> float | None:
    """What a gauge says."""
    return REGISTRY.get_sample_value(f"paidan_webhooks_{name}", {"destination": destination})


async def test_what_is_rolled_back_is_never_told(post: Post) -> None:
    async with receiving(SECRET) as there:
        post.file.write_text(row("there", there.port))
        with pytest.raises(RuntimeError):
            async with post.pool.acquire() as connection, connection.transaction():
                await deliveries.put(connection, [Notice(uuid4(), "there", uuid4(), "test", b'{"said": "never"}')])
                raise RuntimeError("the change failed")
        await post.put("there", said="kept")
        async with post.bringing():
            await post.all_in("delivered")
        assert said(there) == ["kept"]


async def test_a_key_is_changed_while_it_runs(post: Post) -> None:
    new = b"the new secret of thirty-two bytes"
    new_key = "whsec_" + base64.b64encode(new).decode()
    async with receiving(SECRET) as there, post.bringing():
        post.file.write_text(row("there", there.port))
        await post.put("there", said="old")
        await there.until(lambda r: len(r.got) == 1)
        post.file.write_text(row("there", there.port, KEY, new_key))
        await post.put("there", said="both")
        await there.until(lambda r: len(r.got) == 2)
        there._secret = new
        await post.put("there", said="the new one is known there")
        await there.until(lambda r: len(r.got) == 3)
        post.file.write_text(row("there", there.port, new_key))
        await post.put("there", said="the old one is gone")
        await post.all_in("delivered")
        assert len(there.got) == 4


async def test_what_is_for_a_platform_that_is_not_in_the_file_waits_for_it(post: Post) -> None:
    async with receiving(SECRET) as there, post.bringing():
        post.file.write_text(row("other", there.port))
        await post.put("there", said="patience")
        await post.put("other", said="at once")
        await there.until(lambda r: said(r) == ["at once"])
        post.file.write_text(row("there", there.port))
        await post.all_in("delivered")


async def test_what_has_arrived_is_forgotten_and_what_is_dead_is_not(post: Post, pool: asyncpg.Pool) -> None:
    for state in ("waiting", "delivered", "dead"):
        id_ = UUID(await post.put("there"))
        await pool.execute("UPDATE webhook_deliveries SET state = $2, ended_at = now() WHERE id = $1", id_, state)
    await deliveries.prune(pool, deliveries.KEPT)
    assert await pool.fetchval("SELECT count(*) FROM webhook_deliveries") == 3
    await deliveries.prune(pool, -deliveries.KEPT)
    left = await pool.fetch("SELECT state FROM webhook_deliveries ORDER BY n")
    assert [r["state"] for r in left] == ["waiting", "dead"]
