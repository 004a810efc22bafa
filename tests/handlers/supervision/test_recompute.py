"""Open orders under other terms, on the real PostgreSQL: moved, announced, taken back; and only told when asked so."""

from collections.abc import Sequence

import asyncpg
import pytest
from msgspec.structs import replace

from schemas.city import City
from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWithdrawn
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler, Recompute, Sweep
from services.supervision.rules.recompute import Report
from services.supervision.rules.stages import Promises, TermsData
from services.supervision.settings import SupervisionSettings
from services.supervision.store import opened
from tests.handlers.supervision.said import said
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import CITY, LADDER, PROMISES, START


def with_amounts(version: str = "2", **amounts: float) -> City:
    rows = tuple(replace(row, amount=amounts.get(row.limit_id, row.amount)) for row in CITY.policy.limits)
    return replace(CITY, policy=replace(CITY.policy, version=version, limits=rows))


LONGER = Promises.of(with_amounts(accept=60))


@pytest.fixture
def sweep(pool: asyncpg.Pool) -> Sweep:
    return Sweep(pool, LADDER)


async def told(seam: Seam, stories: Sequence[Story], until: float = 0) -> None:
    for story in stories:
        await seam.handle(records(*story.outgoing()))
    await seam.handle(tick(START + minutes(until)))


async def recompute(
    pool: asyncpg.Pool, new: Promises, *, write: bool = True, old: Promises | None = PROMISES
) -> Report:
    return await Recompute(pool, new, None if old is None else [old], write=write).run()


async def clocks(pool: asyncpg.Pool) -> list[asyncpg.Record]:
    return await pool.fetch("SELECT * FROM clocks ORDER BY order_id, clock_id")


async def test_what_moved_is_what_folding_anew_would_give(
    pool: asyncpg.Pool, seam: Seam, settings: SupervisionSettings, sweep: Sweep
) -> None:
    stories = [Story("a").opened(START), Story("b").opened(START, units=("street-a", "street-b")).accepted(START)]
    await told(seam, stories, 10)
    await sweep.drain()
    before = len(await said(pool, ClocksSet))
    report = await recompute(pool, LONGER)
    assert (report.orders, report.looked_into, report.moved_orders) == (2, 2, 2)
    moved = await clocks(pool)
    announced = (await said(pool, ClocksSet))[before:]
    assert {fact.order_id for fact in announced} == {story.order_id for story in stories}
    assert [fact.seq for fact in announced] == [1, 2] or [fact.seq for fact in announced] == [2, 1]
    told_ = report.told()
    assert told_["clocks"] == told_["later"] == 3 and told_["earlier"] == 0
    reasons = {(group["stage"], group["why"]): group["clocks"] for group in told_["groups"]}
    assert reasons == {("accept", "row accept: 30 minute → 60 minute"): 3} or len(reasons) == 1
    assert all(group["hours"] == 0.5 for group in told_["groups"])
    await pool.execute("TRUNCATE orders, clocks, notices, outbox")
    handler = OrdersHandler(LONGER)
    await told(Seam(handler, pool, settings), stories, 10)
    assert await clocks(pool) == moved


async def test_a_second_time_nothing_moves(pool: asyncpg.Pool, seam: Seam) -> None:
    await told(seam, [Story("again").opened(START)])
    assert (await recompute(pool, LONGER)).moved_orders == 1
    count = len(await said(pool, ClocksSet))
    report = await recompute(pool, LONGER)
    assert (report.looked_into, report.moved_orders) == (1, 0)
    assert (await recompute(pool, LONGER, old=None)).moved_orders == 0
    assert len(await said(pool, ClocksSet)) == count


async def test_a_preview_tells_the_same_and_writes_nothing(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    await told(seam, [Story("seen").opened(START), Story("seen too").opened(START).accepted(START + minutes(3))], 40)
    await sweep.drain()
    rows, count = await clocks(pool), await pool.fetchval("SELECT count(*) FROM outbox")
    preview = await recompute(pool, LONGER, write=False)
    assert await clocks(pool) == rows and await pool.fetchval("SELECT count(*) FROM outbox") == count
    assert preview.misses_taken_back == 1
    real = await recompute(pool, LONGER)
    assert real.told() == preview.told()


async def test_a_miss_that_is_none_any_more_is_taken_back_and_comes_when_it_is_due(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    await told(seam, [Story("given time").opened(START)], 40)
    await sweep.drain()
    assert [fact.stage for fact in await said(pool, DeadlineMissed)] == ["accept"]
    await recompute(pool, LONGER)
    (taken,) = await said(pool, DeadlineWithdrawn)
    assert (taken.stage, taken.due, taken.cause) == ("accept", START + minutes(30), "Recomputed")
    assert await pool.fetchval("SELECT state FROM clocks WHERE stage = 'accept'") == "running"
    raised = await pool.fetchval("SELECT count(*) FROM rungs WHERE after = 'miss' AND state IN ('raised', 'waiting')")
    assert raised == 0, "the ladder of a miss that was none goes with it"
    await told(seam, [], 61)
    await sweep.drain()
    dues = [fact.due for fact in await said(pool, DeadlineMissed) if fact.stage == "accept"]
    assert dues == [START + minutes(30), START + minutes(60)]


async def test_a_deadline_that_moved_into_the_past_is_counted_and_missed_by_the_next_sweep(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    await told(seam, [Story("tightened").opened(START)], 20)
    report = await recompute(pool, Promises.of(with_amounts(accept=10)))
    assert report.told()["earlier"] == 1
    await sweep.drain()
    assert [fact.due for fact in await said(pool, DeadlineMissed)] == [START + minutes(10)]


async def test_what_ended_stays_as_it_was_judged_and_the_past_is_past(pool: asyncpg.Pool, seam: Seam) -> None:
    ended = (
        Story("ended").opened(START).accepted(START + minutes(40)).done(START + minutes(50)).closed(START + minutes(60))
    )
    past = Story("past").opened(START, imported=True)
    await told(seam, [ended, past, Story("void").opened(START).voided(START + minutes(1))])
    assert (await recompute(pool, LONGER)).orders == 0
    ended.reopened(START + minutes(90))
    await seam.handle(records(*ended.outgoing(5)))
    assert (await recompute(pool, LONGER)).orders == 1, "a reopened order is open again"


async def test_orders_a_change_cannot_touch_are_not_looked_into(pool: asyncpg.Pool, seam: Seam) -> None:
    noisy = Promises.of(with_amounts(**{"handle-noise": 99.0}))
    await told(seam, [Story(f"untouched-{n}").opened(START) for n in range(5)])
    report = await recompute(pool, noisy)
    assert (report.orders, report.looked_into, report.moved_orders) == (5, 0, 0)
    everything = await recompute(pool, noisy, old=None)
    assert (everything.orders, everything.looked_into, everything.moved_orders) == (5, 5, 0)


async def test_the_terms_in_use_are_known_until_a_recompute_has_gone_over_all(pool: asyncpg.Pool) -> None:
    first, second, third = (TermsData.of(with_amounts(str(n), accept=n)) for n in (1, 2, 3))
    await pool.execute("TRUNCATE terms")
    async with pool.acquire() as connection:
        assert await opened.newest_terms(connection) is None
        assert await opened.terms_in_use(connection, opened.digest_of(first)) is None
        await opened.remember_terms(connection, first)
        assert await opened.terms_in_use(connection, opened.digest_of(first)) == []
        for data in (second, third):
            await opened.remember_terms(connection, data)
        newest = await opened.newest_terms(connection)
        assert newest is not None and newest.data == third
        digest = opened.digest_of(third)
        in_use = await opened.terms_in_use(connection, digest)
        assert in_use is not None and {each.data.version for each in in_use} == {first.version, second.version}
        await opened.terms_applied(connection, digest)
        assert await opened.terms_in_use(connection, digest) == []
        await opened.remember_terms(connection, first)
        back = await opened.terms_in_use(connection, opened.digest_of(first))
        assert back is not None and [each.data.version for each in back] == [third.version]
        await connection.execute("UPDATE terms SET body = '\\x00' WHERE digest = $1", digest)
        assert await opened.terms_in_use(connection, opened.digest_of(first)) is None, "unreadable: look into all"
