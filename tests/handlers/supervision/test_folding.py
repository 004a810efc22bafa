"""Facts become clocks: once, in order, whoever brings them."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
from msgspec.structs import replace

from schemas.city import Limit
from schemas.envelope import Record
from schemas.facts import ClocksSet
from schemas.vocabulary import LimitUnit, Stage
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.said import outbox, said
from tests.rules.supervision_timeline.story import NOISE, Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import CITY, PROMISES, START


async def clocks(pool: asyncpg.Pool, story: Story) -> dict[str, str]:
    """State by stage; the toy's stories have one clock a stage."""
    rows = await pool.fetch("SELECT stage, state FROM clocks WHERE order_id = $1", story.order_id)
    return {row["stage"]: row["state"] for row in rows}


async def test_the_same_facts_however_often_are_folded_once(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("twice").opened(START).accepted(START + minutes(5))
    batch = records(*story.outgoing())
    for _ in range(3):
        await seam.handle(batch)
        await seam.handle(batch[:1] * 2)
    assert await pool.fetchval("SELECT seq FROM orders") == 2
    assert len(await said(pool, ClocksSet)) == 1
    assert (await clocks(pool, story))["accept"] == "met"


async def test_several_facts_in_a_batch_are_announced_as_they_stand_after_the_last(
    pool: asyncpg.Pool, seam: Seam
) -> None:
    story = Story("batch").opened(START).accepted(START + minutes(5)).contacted(START + minutes(6))
    await seam.handle(records(*story.outgoing()))
    (announced,) = await said(pool, ClocksSet)
    assert announced.seq == 3
    assert {c.stage: c.state for c in announced.clocks}["contact"] == "met"
    assert await clocks(pool, story) == {c.stage: c.state for c in announced.clocks}


async def test_a_note_changes_no_clock_and_announces_nothing(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("note").opened(START).noted(START + minutes(5))
    await seam.handle(records(*story.outgoing(1, 1)))
    await seam.handle(records(*story.outgoing(2)))
    assert await pool.fetchval("SELECT seq FROM orders") == 2
    assert len(await said(pool, ClocksSet)) == 1


async def test_facts_behind_a_gap_wait_and_follow(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("gap").opened(START).accepted(START + minutes(5)).contacted(START + minutes(6))
    story.done(START + minutes(9))
    await seam.handle(records(*story.outgoing(4, 4), *story.outgoing(3, 3)))
    assert await clocks(pool, story) == {}
    assert await pool.fetchval("SELECT count(*) FROM pending") == 2
    await seam.handle(records(*story.outgoing(1, 1)))
    assert (await clocks(pool, story))["accept"] == "running"
    assert await pool.fetchval("SELECT count(*) FROM pending") == 2
    await seam.handle(records(*story.outgoing(2, 2)))
    assert await pool.fetchval("SELECT count(*) FROM pending") == 0
    straight = {"accept": "met", "contact": "met", "handle": "met", "total": "running", "verify": "running"}
    assert await clocks(pool, story) == straight


async def test_two_workers_with_the_same_order_lose_nothing(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam
) -> None:
    """A stall between gather and apply: the other worker must wait for the order that is being born."""

    class Slow(OrdersHandler):
        stalled, go = asyncio.Event(), asyncio.Event()

        async def apply(self, connection: Any, state: Any) -> None:
            self.stalled.set()
            await self.go.wait()
            await super().apply(connection, state)

    story = Story("both").opened(START).accepted(START + minutes(5))
    slow = Slow(PROMISES)
    first = asyncio.create_task(Seam(slow, pool, settings).handle(records(*story.outgoing(1, 1))))
    await slow.stalled.wait()
    second = asyncio.create_task(seam.handle(records(*story.outgoing())))
    done, _ = await asyncio.wait([second], timeout=0.3)
    assert not done
    slow.go.set()
    await asyncio.gather(first, second)
    assert await pool.fetchval("SELECT seq FROM orders") == 2
    assert (await clocks(pool, story))["accept"] == "met"


async def test_a_tick_only_moves_forward(pool: asyncpg.Pool, seam: Seam) -> None:
    for step in (10, 20, 15):
        await seam.handle(tick(START + minutes(step)))
    rows = await pool.fetch("SELECT part, t FROM ticks")
    assert {row["part"]: row["t"] for row in rows} == dict.fromkeys(range(8), START + minutes(20))
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 0


async def test_a_first_fact_that_opens_nothing_is_a_dead_letter(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("headless").opened(START).accepted(START + minutes(5))
    broken = Story("headless")
    broken.facts = [replace(story.facts[1], seq=1)]
    await seam.handle(records(*broken.outgoing(), *Story("fine").opened(START).outgoing()))
    (letter,) = [each for each in await outbox(pool) if each.topic.endswith(".dlq")]
    assert dict(letter.headers)["x-error-code"] == b"schema"
    assert await pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_a_corrected_class_moves_the_deadline_and_takes_away_what_is_no_longer_promised(
    pool: asyncpg.Pool, seam: Seam
) -> None:
    story = Story("moved").opened(START, triage=True)
    await seam.handle(records(*story.outgoing()))
    story.routed(START + minutes(5), ("street-b",))
    await seam.handle(records(*story.outgoing(2)))
    assert await clocks(pool, story) == {
        "triage": "met",
        "accept": "running",
        "handle": "running",
        "contact": "running",
        "total": "running",
    }
    assert await pool.fetchval("SELECT division FROM orders") == "D2"


async def test_an_imported_order_has_clocks_and_no_timers(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("past").opened(START, imported=True)
    await seam.handle(records(*story.outgoing()))
    assert len(await clocks(pool, story)) == 4
    assert await pool.fetchval("SELECT count(*) FROM clocks WHERE next_at IS NOT NULL") == 0


async def test_an_unreadable_message_is_remembered_with_its_order(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("torn").opened(START).accepted(START + minutes(5))
    await seam.handle(records(*story.outgoing(1, 1)))
    (whole,) = records(*story.outgoing(2))
    torn = Record(whole.topic, 0, whole.offset, whole.key, b"{", whole.headers)
    for _ in range(2):  # read again after a crash
        await seam.handle([torn])
    assert await pool.fetchval("SELECT count(*) FROM dead_facts") == 1
    assert await pool.fetchval("SELECT seq FROM dead_facts") == 2


async def test_work_that_is_no_order_fact_is_not_wanted() -> None:
    assert not OrdersHandler(PROMISES).wants(ClocksSet(order_id=uuid4(), seq=1, clocks=()))


async def test_clocks_that_are_promised_no_longer_stay_however_many_facts_come_at_once(
    pool: asyncpg.Pool, settings: SupervisionSettings
) -> None:
    """One by one, or all in one batch: the rows are the same, also those of an imported past."""
    only_manholes = replace(Limit("contact", Stage.CONTACT, 60, LimitUnit.MINUTE), classes=("T/part/0101",))
    others = tuple(limit for limit in CITY.policy.limits if limit.stage is not Stage.CONTACT)
    city = replace(CITY, policy=replace(CITY.policy, limits=(*others, only_manholes)))
    seam = Seam(OrdersHandler(Promises.of(city)), pool, settings)
    for name, given in (("live", {}), ("past", {"imported": True})):
        story = Story(name).opened(START, **given).accepted(START + minutes(5)).noted(START + minutes(6))
        story.routed(START + minutes(10), ("street-b",), withdrawn=(story.assignment(0),), class_ref=NOISE)
        story.accepted(START + minutes(11), place=1).noted(START + minutes(4000))
        dumps = []
        for size in (1, 100):
            await pool.execute("TRUNCATE orders, clocks")
            facts = records(*story.outgoing())
            for first in range(0, len(facts), size):
                await seam.handle(facts[first : first + size])
            dumps.append(
                [await pool.fetch(f"SELECT * FROM {table} ORDER BY {table}::text") for table in ("orders", "clocks")]
            )
        assert dumps[0] == dumps[1] and dumps[0][1]
        assert {row["state"] for row in dumps[0][1] if row["stage"] == "contact"} == {"cancelled"}
