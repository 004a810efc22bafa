"""The view made anew is the live one, row by row; what was said is not said again, what was wrongly said is taken back.

Here with facts at hand; over the whole stack, under traffic, in tests/journeys/test_rebuild.py.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from schemas.envelope import Outgoing, Record
from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn, RungCleared
from services.chassis.delivery import Seam
from services.chassis.rebuild import Busy, Rebuild, Step
from services.chassis.shadow import Shadow
from services.supervision.handlers import ClocksView, NumberKeeper, Numbers, Sweep
from services.supervision.settings import SupervisionSettings
from services.supervision.store.tables import metadata
from tests.handlers.supervision.said import said
from tests.rules.supervision_timeline.story import NOISE, Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import LADDER, PROMISES, START

SHOWN = {
    "orders": "SELECT * FROM orders ORDER BY order_id",
    "clocks": "SELECT * FROM clocks ORDER BY order_id, clock_id",
    "pending": "SELECT order_id, seq, topic, type, value FROM pending ORDER BY order_id, seq",
    "notices": "SELECT * FROM notices ORDER BY order_id, clock_id, notice, due",
    "ticks": "SELECT * FROM ticks ORDER BY part",
    "measures": "SELECT * FROM measures ORDER BY order_id, subject, day, unit, n",
    "overdue": "SELECT * FROM overdue ORDER BY order_id",
    "unit_words": "SELECT * FROM unit_words ORDER BY unit",
}


async def seen(pool: asyncpg.Pool, *left_out: str) -> dict[str, list[asyncpg.Record]]:
    """Everything there is to see."""
    return {name: await pool.fetch(query) for name, query in SHOWN.items() if name not in left_out}


@dataclass
class Meanwhile:
    """What is published while the view is made anew: portions that come one after the other."""

    portions: list[list[Record]] = field(default_factory=list)

    async def behind(self) -> int:
        return 0

    async def to_end(self) -> AsyncIterator[list[Record]]:
        if self.portions:
            yield self.portions.pop(0)


async def anew(
    pool: asyncpg.Pool,
    settings: SupervisionSettings,
    history: Sequence[Outgoing],
    meanwhile: Meanwhile | None = None,
    page: int = 3,
    say: Callable[[Step], None] = lambda _: None,
) -> ClocksView:
    """Rebuild out of these facts, told order by order in small pages."""
    facts = sorted(records(*history), key=lambda record: (record.key, record.offset))

    async def pages() -> AsyncIterator[list[Record]]:
        for first in range(0, len(facts), page):
            yield facts[first : first + page]

    shadow, view = Shadow("supervision", ClocksView.tables), ClocksView(PROMISES)
    workshop = await shadow.open_pool(settings)
    try:
        await Rebuild(view, shadow, workshop, history=pages, say=say).run(meanwhile or Meanwhile())
    finally:
        await workshop.close()
    return view


def city() -> list[Story]:
    """Orders in every phase, one of them corrected in class, one imported, one reopened, one void."""

    def at(count: float) -> Any:
        return START + minutes(count)

    corrected = Story("corrected").opened(START, triage=True).routed(at(5), ("street-b",), class_ref=NOISE)
    reopened = Story("reopened").opened(START).accepted(at(5)).contacted(at(6)).done(at(50)).verified(at(55))
    reopened.called_back(at(60)).closed(at(70)).reopened(at(90))
    joined = Story("joined").opened(START, units=("street-a", "street-b")).accepted(at(20)).joined(at(25), "second")
    return [
        Story("new").opened(START),
        joined.contacted(at(26)).withdrawn(at(30), place=1),
        Story("rework").opened(START).accepted(at(3)).contacted(at(9)).done(at(40)).verified(at(45), passed=False),
        Story("past").opened(START, imported=True).closed(at(5000), imported=True).noted(at(6000)),
        Story("void").opened(START).voided(at(1)),
        corrected,
        reopened,
    ]


async def live(seam: Seam, sweep: Sweep, stories: Sequence[Story], until: float) -> None:
    """The live view gets the facts one by one, and time passes, so that notices are given."""
    for story in stories:
        for fact in story.outgoing():
            await seam.handle(records(fact))
    for passed in range(0, int(until) + 1, 10):
        await seam.handle(tick(START + minutes(passed)))
        await sweep.drain()
    await NumberKeeper(sweep._pool, PROMISES, Numbers()).recount()


@pytest.fixture
def sweep(pool: asyncpg.Pool) -> Sweep:
    return Sweep(pool, LADDER)


def told(stories: Sequence[Story]) -> list[Outgoing]:
    return [fact for story in stories for fact in story.outgoing()]


@pytest.mark.parametrize("page", [1, 3, 1000])
async def test_the_new_view_is_the_live_one_row_by_row_and_nothing_is_said(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep, page: int
) -> None:
    stories = city()
    await live(seam, sweep, stories, 100)
    before, announced = await seen(pool), await pool.fetchval("SELECT count(*) FROM outbox")
    assert {"running", "met", "missed", "cancelled"} <= {row["state"] for row in before["clocks"]}
    assert before["notices"]
    view = await anew(pool, settings, told(stories), page=page)
    assert await seen(pool) == before
    assert (view.announced, view.withdrawn) == (0, 0)
    assert await pool.fetchval("SELECT count(*) FROM outbox") == announced
    given = len(before["notices"])
    await sweep.drain()
    assert await pool.fetchval("SELECT count(*) FROM notices") == given, "nothing is noticed twice"


async def test_the_live_view_goes_on_with_the_new_tables(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    stories = city()
    await live(seam, sweep, stories, 20)
    await anew(pool, settings, told(stories))
    stories[0].accepted(START + minutes(25)).contacted(START + minutes(26))
    await live(seam, sweep, stories, 200)
    after = await seen(pool)
    await pool.execute("TRUNCATE orders, clocks, pending, notices, ticks, measures, overdue, recounts, findings")
    await live(seam, sweep, stories, 20)
    await live(seam, sweep, stories, 200)
    again = await seen(pool)
    assert [tuple(row.values()) for row in after["clocks"]] == [tuple(row.values()) for row in again["clocks"]]
    assert after["orders"] == again["orders"]


async def test_a_spoilt_view_becomes_whole_and_others_are_told_of_what_they_saw_wrongly(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    stories = city()
    await live(seam, sweep, stories, 100)
    before = await seen(pool)
    joined, rework = stories[1], stories[2]
    await pool.execute("DELETE FROM clocks WHERE order_id = $1", joined.order_id)
    await pool.execute("UPDATE clocks SET due = due + interval '9 days' WHERE order_id = $1", rework.order_id)
    await pool.execute("DELETE FROM orders WHERE order_id = $1", stories[6].order_id)
    await pool.execute("UPDATE orders SET seq = seq + 40")
    heard = len(await said(pool, ClocksSet))
    await anew(pool, settings, told(stories))
    assert await seen(pool) == before
    told_now = (await said(pool, ClocksSet))[heard:]
    assert {fact.order_id for fact in told_now} == {joined.order_id, rework.order_id}
    assert {fact.seq for fact in told_now} == {len(joined.facts), len(rework.facts)}


async def test_a_miss_that_the_facts_do_not_bear_out_is_taken_back_with_the_swap(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    """The live view lost an acceptance, and called missed what was met."""
    story = Story("lost").opened(START).accepted(START + minutes(5)).noted(START + minutes(6))
    await live(seam, sweep, [Story("lost").opened(START)], 40)
    missed = [fact for fact in await said(pool, DeadlineMissed) if fact.stage == "accept"]
    assert len(missed) == 1
    view = await anew(pool, settings, told([story]))
    taken = await said(pool, DeadlineWithdrawn)
    assert [(fact.clock_id, fact.due) for fact in taken] == [(missed[0].clock_id, missed[0].due)]
    assert view.withdrawn == 1
    row = await pool.fetchrow(
        "SELECT withdrawn_at, cause FROM notices WHERE notice = 'miss' AND due = $1", taken[0].due
    )
    assert row["withdrawn_at"] is not None and row["cause"] == "Rebuilt"
    assert await pool.fetchval("SELECT state FROM clocks WHERE stage = 'accept'") == "met"
    (over,) = await said(pool, RungCleared)
    assert (over.rung, over.cause, over.withdrawn) == ("supervise-1", "Rebuilt", True), "its ladder goes with it"
    states = {
        row["rung"]: row["state"] for row in await pool.fetch("SELECT rung, state FROM rungs WHERE due = $1", over.due)
    }
    assert (states["supervise-1"], states["supervise-2"]) == ("withdrawn", "cancelled")
    await anew(pool, settings, told([story]))
    assert len(await said(pool, DeadlineWithdrawn)) == 1, "once"


async def test_a_notice_that_was_never_given_is_the_sweeps_to_find(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    stories = city()
    await live(seam, sweep, stories, 100)
    misses, warnings = await said(pool, DeadlineMissed), await said(pool, DeadlineWarned)
    first = misses[0]
    await pool.execute("DELETE FROM notices WHERE clock_id = $1 AND notice = 'miss'", first.clock_id)
    await anew(pool, settings, told(stories))
    await sweep.drain()
    again = (await said(pool, DeadlineMissed))[len(misses) :]
    assert [fact.clock_id for fact in again] == [first.clock_id]
    assert await said(pool, DeadlineWarned) == warnings


async def test_facts_that_come_meanwhile_are_in_the_new_view_and_announced_if_the_live_one_had_not_got_to_them(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    stories = city()
    history = told(stories)
    await live(seam, sweep, stories, 20)
    stories[0].accepted(START + minutes(21))
    stories.append(Story("born meanwhile").opened(START + minutes(22)))
    new = [*stories[0].outgoing(2), *stories[-1].outgoing()]
    gap = Story("gap").opened(START).accepted(START + minutes(1)).noted(START + minutes(2))
    meanwhile = records(*new, *history[:5], *gap.outgoing(3))
    heard = len(await said(pool, ClocksSet))
    view = await anew(pool, settings, history, Meanwhile([meanwhile]))
    assert {fact.order_id for fact in (await said(pool, ClocksSet))[heard:]} == {
        stories[0].order_id,
        stories[-1].order_id,
    }
    assert view.announced == 2
    after = await seen(pool)
    assert len(after["pending"]) == 1
    await seam.handle(meanwhile)
    assert await seen(pool) == after, "to the live consumer they are repeats"


async def test_killed_at_any_step_the_live_view_is_untouched_and_the_next_run_is_fine(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    stories = city()
    await live(seam, sweep, stories, 100)
    before = await seen(pool)
    steps: list[str] = []
    await anew(pool, settings, told(stories), say=lambda step: steps.append(step.step))
    assert steps[0] == "begin" and steps[-2:] == ["swap", "done"]
    for name in dict.fromkeys(steps[:-1]):

        def killed(step: Step, name: str = name) -> None:
            if step.step == name:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await anew(pool, settings, told(stories), say=killed)
        assert await seen(pool) == before, name
    await anew(pool, settings, told(stories))
    assert await seen(pool) == before


async def test_only_one_at_a_time(pool: asyncpg.Pool, settings: SupervisionSettings) -> None:
    inside = asyncio.Event()

    async def slow() -> AsyncIterator[list[Record]]:
        inside.set()
        await asyncio.sleep(0.3)
        yield []

    shadow = Shadow("supervision", ClocksView.tables)
    workshop = await shadow.open_pool(settings)
    first = Rebuild(ClocksView(PROMISES), shadow, workshop, history=slow, say=lambda _: None)
    running = asyncio.create_task(first.run(Meanwhile()))
    await inside.wait()
    with pytest.raises(Busy):
        await anew(pool, settings, [])
    assert await running == 0
    await workshop.close()


async def test_after_a_rebuild_the_tables_are_those_that_are_described(
    pool: asyncpg.Pool, settings: SupervisionSettings
) -> None:
    """With their indexes, checks and rights, under the very same names."""
    looks = {
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'supervision' ORDER BY 1",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'supervision'::regnamespace ORDER BY 1, 2",
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM"
        " information_schema.columns WHERE table_schema = 'supervision' ORDER BY 1, 2",
        "rights": "SELECT relname, array_to_string(relacl, ','), array_to_string(reloptions, ',') FROM pg_class"
        " WHERE relnamespace = 'supervision'::regnamespace AND relkind = 'r' ORDER BY 1",
    }
    before = {name: await pool.fetch(query) for name, query in looks.items()}
    await anew(pool, settings, told(city()))
    assert {name: await pool.fetch(query) for name, query in looks.items()} == before
    assert set(ClocksView.tables) <= set(metadata.tables)
    left = await pool.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'supervision_shadow'::regnamespace")
    assert left == 0
