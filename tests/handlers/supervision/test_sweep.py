"""Notices: given when their time has come, once, and never because something lagged."""

import asyncio
from datetime import datetime

import asyncpg
import pytest

from schemas.envelope import Record
from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn, Supervised
from services.chassis import metrics
from services.chassis.delivery import Seam
from services.supervision.handlers import Sweep
from tests.handlers.supervision.said import outbox, said
from tests.rules.supervision_timeline.story import NOISE, Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import LADDER, START


def at(count: float) -> datetime:
    """So many minutes after the story began."""
    return START + minutes(count)


@pytest.fixture
def sweep(pool: asyncpg.Pool) -> Sweep:
    return Sweep(pool, LADDER, page=50)


async def passes(seam: Seam, sweep: Sweep, count: float) -> int:
    """Every partition's Tick passes that minute; how many notices are given."""
    await seam.handle(tick(at(count)))
    return await sweep.drain()


async def missed(pool: asyncpg.Pool) -> list[str]:
    return [fact.stage for fact in await said(pool, DeadlineMissed)]


async def warned(pool: asyncpg.Pool) -> list[str]:
    return [fact.stage for fact in await said(pool, DeadlineWarned)]


async def test_a_clock_warns_once_and_is_missed_once(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = Story("late").opened(START)
    await seam.handle(records(*story.outgoing()))
    assert await passes(seam, sweep, 24) == 0
    assert await passes(seam, sweep, 24.1) == 1
    assert await passes(seam, sweep, 30) == 0, "due at 30: what happened at 30 may still be on its way"
    assert await passes(seam, sweep, 30.1) == 1
    assert await passes(seam, sweep, 31) == 0
    assert await warned(pool) == ["accept"] and await missed(pool) == ["accept"]
    (fact,) = await said(pool, DeadlineMissed)
    assert (fact.order_id, fact.owner, fact.due) == (story.order_id, "street-a", at(30))
    assert await pool.fetchval("SELECT state FROM clocks WHERE stage = 'accept'") == "missed"
    assert await pool.fetchval("SELECT count(*) FROM notices") == 2


async def test_the_answer_to_a_notice_shows_the_clocks_as_they_now_stand(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    """Dispatch keeps what it was last told; without this an order long overdue would still look green there."""
    story = Story("answered").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 31)
    (fact,) = await said(pool, DeadlineMissed)
    story.tell(Supervised, at(31), level=1).tell(Supervised, at(32), level=1, clock_id=fact.clock_id)
    await seam.handle(records(*story.outgoing(2, 2)))
    assert len(await said(pool, ClocksSet)) == 1, "a leader's own supervision changes no clock"
    await seam.handle(records(*story.outgoing(3, 3)))
    told = (await said(pool, ClocksSet))[-1]
    assert told.seq == 3 and len(told.clocks) == 4
    assert [(c.state, c.light) for c in told.clocks if c.stage == "accept"] == [("missed", "red")]


async def test_nothing_is_missed_while_one_partition_lags(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = Story("lag").opened(START).accepted(at(29), recorded=at(29))
    await seam.handle(records(*story.outgoing(1, 1)))
    ticks = tick(at(600))
    await seam.handle(ticks[:7])
    assert await sweep.drain() == 0, "one partition has never said anything"
    await seam.handle(tick(at(20))[7:])
    assert await sweep.drain() == 0
    await seam.handle(records(*story.outgoing(2), partition=7))
    await seam.handle(ticks[7:])
    await sweep.drain()
    assert "accept" not in await missed(pool)
    assert sorted(await missed(pool)) == ["contact", "handle", "total"]


async def test_nothing_of_an_order_is_missed_while_a_fact_of_it_waits(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = Story("hole").opened(START).accepted(at(5)).contacted(at(6)).noted(at(7))
    other = Story("whole").opened(START)
    await seam.handle(records(*story.outgoing(1, 1), *story.outgoing(3, 4), *other.outgoing()))
    await passes(seam, sweep, 100)
    assert {fact.order_id for fact in await said(pool, DeadlineMissed)} == {other.order_id}
    assert {fact.order_id for fact in await said(pool, DeadlineWarned)} == {other.order_id}
    await seam.handle(records(*story.outgoing(2, 2)))
    await passes(seam, sweep, 100)
    mine = [fact for fact in await said(pool, DeadlineMissed) if fact.order_id == story.order_id]
    assert mine == []


@pytest.mark.parametrize("torn", [True, False])
async def test_nothing_of_an_order_is_missed_while_a_fact_of_it_is_dead(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep, torn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unreadable, and readable but impossible to handle; until the mended one comes, with or without later facts."""
    story = Story("dead").opened(START).accepted(at(5)).contacted(at(6))
    await seam.handle(records(*story.outgoing(1, 1)))
    (good,) = records(*story.outgoing(2, 2))
    if torn:
        await seam.handle([Record(good.topic, 0, good.offset, good.key, b"{", good.headers)])
    else:
        with monkeypatch.context() as broken:
            broken.setattr(seam.handler, "_fold", lambda *_: 1 / 0)
            await seam.handle([good])
    assert any(each.topic.endswith(".dlq") for each in await outbox(pool))
    assert await passes(seam, sweep, 31) == 0
    await sweep.look()
    assert metrics.PENDING_FACTS._value.get() == 1
    await seam.handle(records(*story.outgoing(2, 2)))
    await sweep.look()
    assert metrics.PENDING_FACTS._value.get() == 0
    await passes(seam, sweep, 61)
    assert await missed(pool) == ["contact"]


async def test_a_fact_that_comes_late_takes_the_miss_back(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """A phone without network: accepted at 20, told at 50."""
    story = Story("offline").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 40)
    assert await missed(pool) == ["accept"]
    story.accepted(at(20), recorded=at(50))
    await seam.handle(records(*story.outgoing(2)))
    (taken,) = await said(pool, DeadlineWithdrawn)
    assert (taken.stage, taken.due, taken.cause) == ("accept", at(30), "AssignmentAccepted")
    assert await pool.fetchval("SELECT cause FROM notices WHERE notice = 'miss'") == "AssignmentAccepted"
    assert await pool.fetchval("SELECT state FROM clocks WHERE stage = 'accept'") == "met"
    assert await passes(seam, sweep, 41) == 0


async def test_a_milestone_after_the_due_leaves_the_miss(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = Story("sluggish").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 40)
    story.accepted(at(35), recorded=at(50))
    await seam.handle(records(*story.outgoing(2)))
    assert await said(pool, DeadlineWithdrawn) == []
    assert await pool.fetchval("SELECT state FROM clocks WHERE stage = 'accept'") == "missed"
    assert await passes(seam, sweep, 41) == 0


async def test_a_late_milestone_known_before_the_tick_is_still_a_miss(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = Story("known").opened(START).accepted(at(31))
    await seam.handle(records(*story.outgoing()))
    assert await passes(seam, sweep, 29) == 0
    await passes(seam, sweep, 32)
    assert await missed(pool) == ["accept"]


async def test_an_order_that_was_void_takes_its_misses_back_and_owes_nothing(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = Story("void").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 70)
    assert sorted(await missed(pool)) == ["accept", "contact"]
    story.voided(at(80))
    await seam.handle(records(*story.outgoing(2)))
    assert sorted(fact.stage for fact in await said(pool, DeadlineWithdrawn)) == ["accept", "contact"]
    before = len(await missed(pool))
    assert await passes(seam, sweep, 10_000) == 0 and len(await missed(pool)) == before


async def test_a_new_deadline_is_a_new_notice(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """The class is corrected after the promise was missed: the other class has another limit."""
    story = Story("due").opened(START).accepted(at(5)).contacted(at(6))
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 481)
    assert await missed(pool) == ["handle", "total"]
    story.routed(at(490), ("street-b",), class_ref=NOISE, withdrawn=(story.assignment(0),))
    await seam.handle(records(*story.outgoing(4)))
    (taken,) = await said(pool, DeadlineWithdrawn)
    assert (taken.stage, taken.due, taken.cause) == ("total", at(480), "OrderRouted")
    await passes(seam, sweep, 601)
    dues = [fact.due for fact in await said(pool, DeadlineMissed) if fact.stage == "total"]
    assert dues == [at(480), at(600)]


async def test_a_miss_that_comes_true_after_all_is_told_again(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    await seam.handle(records(*Story("again").opened(START).outgoing()))
    await passes(seam, sweep, 40)
    await pool.execute("UPDATE notices SET withdrawn_at = clock_timestamp(), cause = 'test' WHERE notice = 'miss'")
    rearm = (
        "UPDATE clocks SET missed_due = NULL, state = 'running', next_notice = 'miss', next_at = due"
        " WHERE stage = 'accept'"
    )
    await pool.execute(rearm)
    assert await passes(seam, sweep, 41) == 1
    assert await missed(pool) == ["accept", "accept"]
    headers = [dict(each.headers) for each in await outbox(pool)]
    assert len({each["ce_id"] for each in headers if each["ce_type"].endswith(b"DeadlineMissed")}) == 2
    await pool.execute(rearm)
    await passes(seam, sweep, 42)
    assert len(await missed(pool)) == 2, "given before, and it stands: never twice"


async def test_after_a_long_silence_the_miss_alone_is_news(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    for number in range(120):
        await seam.handle(records(*Story(f"silence-{number}").opened(START).outgoing()))
    await passes(seam, sweep, 100_000)
    assert await warned(pool) == []
    assert len(await missed(pool)) == 4 * 120
    assert await pool.fetchval("SELECT count(*) FROM clocks WHERE next_at IS NOT NULL") == 0


async def test_two_sweeps_give_each_notice_once(pool: asyncpg.Pool, seam: Seam) -> None:
    for number in range(100):
        await seam.handle(records(*Story(f"shared-{number}").opened(START).outgoing()))
    await seam.handle(tick(at(1000)))
    sweeps = [Sweep(pool, LADDER, page=20) for _ in range(3)]
    while await pool.fetchval("SELECT count(*) FROM clocks WHERE next_at IS NOT NULL"):
        await asyncio.gather(*(each.drain() for each in sweeps))
    facts = await said(pool, DeadlineMissed)
    assert len(facts) == len({(fact.clock_id, fact.due) for fact in facts}) == 400


async def test_a_sweep_leaves_alone_an_order_that_is_being_folded(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """The fold holds the order and has read its clocks; whatever the sweep did now, the fold would write over."""
    story = Story("folding").opened(START).accepted(at(20), recorded=at(50))
    await seam.handle(records(*story.outgoing(1, 1)))
    await seam.handle(tick(at(40)))
    go, stalled = asyncio.Event(), asyncio.Event()
    apply = seam.handler.apply

    async def slow(connection: object, state: object) -> None:
        stalled.set()
        await go.wait()
        await apply(connection, state)  # type: ignore[arg-type]

    seam.handler.apply = slow  # type: ignore[method-assign, assignment]
    folding = asyncio.create_task(seam.handle(records(*story.outgoing(2))))
    await stalled.wait()
    assert await sweep.drain() == 0
    go.set()
    await folding
    await sweep.drain()
    assert await missed(pool) == [] and await said(pool, DeadlineWithdrawn) == []
    assert len(await said(pool, ClocksSet)) == 2


async def test_an_imported_order_is_never_news(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    await seam.handle(records(*Story("past").opened(START, imported=True).outgoing()))
    assert await passes(seam, sweep, 100_000) == 0


async def test_one_bad_sweep_does_not_stop_the_next(pool: asyncpg.Pool, seam: Seam) -> None:
    await seam.handle(records(*Story("bad").opened(START).outgoing()))
    await seam.handle(tick(at(31)))
    sweep = Sweep(pool, LADDER, every=0.01)
    drain, calls = sweep.drain, 0

    async def sometimes() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a fault")
        return await drain()

    sweep.drain = sometimes  # type: ignore[method-assign]
    running = asyncio.create_task(sweep.run())
    async with asyncio.timeout(10):
        while await missed(pool) != ["accept"]:
            await asyncio.sleep(0.01)
    running.cancel()
    assert calls >= 2


async def test_one_clock_that_cannot_be_given_keeps_nobody_waiting(
    pool: asyncpg.Pool, seam: Seam, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that no version of ours wrote, the oldest of all and in the middle of a page."""
    stories = [Story(f"poison-{number}").opened(START) for number in range(20)]
    for story in stories:
        await seam.handle(records(*story.outgoing()))
    bad = stories[7].order_id
    await pool.execute(
        "UPDATE clocks SET stage = 'nonsense', next_at = next_at - interval '1 day' WHERE order_id = $1"
        " AND stage = 'accept'",
        bad,
    )
    await seam.handle(tick(at(31)))
    sweep = Sweep(pool, LADDER, page=16)
    assert await sweep.drain() == 19
    assert {fact.order_id for fact in await said(pool, DeadlineMissed)} == {s.order_id for s in stories} - {bad}
    assert metrics.TIMERS_ASIDE._value.get() == 1
    assert await sweep.drain() == 0, "it is not tried at every look"
    await pool.execute("UPDATE clocks SET stage = 'accept' WHERE stage = 'nonsense'")
    sweep._aside = dict.fromkeys(sweep._aside, 0.0)
    assert await sweep.drain() == 1
    assert metrics.TIMERS_ASIDE._value.get() == 0


async def test_a_database_that_fails_on_one_row_does_not_stop_the_others(pool: asyncpg.Pool, seam: Seam) -> None:
    stories = [Story(f"refused-{number}").opened(START) for number in range(9)]
    for story in stories:
        await seam.handle(records(*story.outgoing()))
    await seam.handle(tick(at(31)))
    bad = stories[4].order_id
    await pool.execute(f"ALTER TABLE notices ADD CONSTRAINT odd CHECK (order_id <> '{bad}')")
    try:
        assert await Sweep(pool, LADDER, page=8).drain() == 8
    finally:
        await pool.execute("ALTER TABLE notices DROP CONSTRAINT odd")
    assert {fact.order_id for fact in await said(pool, DeadlineMissed)} == {s.order_id for s in stories} - {bad}


async def test_after_a_standstill_what_is_said_is_said_to_be_late(pool: asyncpg.Pool, seam: Seam) -> None:
    now = await pool.fetchval("SELECT clock_timestamp()")
    old, new = Story("old").opened(now - minutes(31)), Story("new").opened(now - minutes(24.5))
    for story in (old, new):
        await seam.handle(records(*story.outgoing()))
    await seam.handle(tick(now + minutes(0.1)))
    assert await Sweep(pool, LADDER, late_after=3000).drain() == 2
    assert not any(fact.late for fact in [*await said(pool, DeadlineMissed), *await said(pool, DeadlineWarned)])
    gone = Story("gone").opened(now - minutes(60.5))
    await seam.handle(records(*gone.outgoing()))
    await Sweep(pool, LADDER, late_after=900).drain()
    late = {(f.order_id, f.stage): f.late for f in await said(pool, DeadlineMissed) if f.order_id == gone.order_id}
    assert late == {(gone.order_id, "accept"): True, (gone.order_id, "contact"): False}
    rows = await pool.fetch(
        "SELECT late FROM notices WHERE order_id = $1 AND notice = 'miss' ORDER BY due", gone.order_id
    )
    assert [row["late"] for row in rows] == [True, False]


async def test_sweeps_share_the_work_and_none_starves(pool: asyncpg.Pool, seam: Seam) -> None:
    """Three at once, each a page at a time: every one gives some, together all, and the oldest go first."""
    stories = [Story(f"sharing-{number}").opened(START - minutes(number)) for number in range(240)]
    for first in range(0, 240, 60):
        await seam.handle(records(*(each for story in stories[first : first + 60] for each in story.outgoing())))
    await seam.handle(tick(at(31)))
    sweeps = [Sweep(pool, LADDER, page=10) for _ in range(3)]
    gave = [0, 0, 0]

    async def work(place: int) -> None:
        while True:
            claimed, given = await sweeps[place]._page_of(10)
            gave[place] += given
            if not claimed:
                return
            await asyncio.sleep(0)

    await asyncio.gather(*(work(place) for place in range(3)))
    for sweep in sweeps:
        gave[0] += await sweep.drain()
    facts = [*await said(pool, DeadlineMissed), *await said(pool, DeadlineWarned)]
    assert sum(gave) == len(facts) == len({(fact.clock_id, fact.due, type(fact)) for fact in facts})
    assert all(share >= 30 for share in gave), gave
    dues = [fact.due for fact in await said(pool, DeadlineMissed) if fact.stage == "contact"]
    late = max(place - sorted(dues).index(due) for place, due in enumerate(dues))
    assert late <= 60, "nobody waits long behind others"


async def test_a_tick_that_stands_still_is_an_alarm(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep, caplog: pytest.LogCaptureFixture
) -> None:
    now = await pool.fetchval("SELECT clock_timestamp()")
    await seam.handle(tick(now - minutes(1)))
    await sweep.look()
    assert 59 < metrics.TICK_AGE._value.get() < 120 and sweep._alarmed
    await seam.handle(tick(now + minutes(1)))
    await sweep.look()
    assert not sweep._alarmed
