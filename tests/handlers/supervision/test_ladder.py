"""The ladder on the real PostgreSQL: rungs come once, in their order, and go with their cause."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from schemas.facts import DeadlineMissed, RungCleared, RungRaised
from schemas.ladder import Rung
from schemas.vocabulary import LimitUnit, RungKind, Urgency
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler, Sweep
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.said import said
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import CITY, LADDER, START


def at(count: float) -> datetime:
    """So many minutes after the story began: Monday, 10:00."""
    return START + minutes(count)


@pytest.fixture
def sweep(pool: asyncpg.Pool) -> Sweep:
    return Sweep(pool, LADDER, page=50)


async def passes(seam: Seam, sweep: Sweep, count: float) -> None:
    """Every partition's Tick passes that minute."""
    await seam.handle(tick(at(count)))
    await sweep.drain()


async def raised(pool: asyncpg.Pool, stage: str = "accept") -> list[str]:
    return [fact.rung for fact in await said(pool, RungRaised) if fact.stage == stage]


async def cleared(pool: asyncpg.Pool, stage: str = "accept") -> list[tuple[str, str, bool]]:
    facts = await said(pool, RungCleared)
    return [(fact.rung, fact.cause, fact.withdrawn) for fact in facts if fact.stage == stage]


async def rows(pool: asyncpg.Pool, stage: str = "accept") -> list[tuple[str, str, str | None]]:
    found = await pool.fetch(
        "SELECT r.rung, r.state, r.cause FROM rungs r JOIN clocks c USING (order_id, clock_id) WHERE c.stage = $1"
        " ORDER BY r.at",
        stage,
    )
    return [(row["rung"], row["state"], row["cause"]) for row in found]


DAY = 24 * 60
UP = ["urge", "supervise-1", "supervise-2", "supervise-3"]


async def test_a_clock_climbs_the_ladder_once(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """Accept is due at 10:30 on Monday; one working day later is Tuesday 18:00, two is Wednesday 18:00."""
    await seam.handle(records(*Story("late").opened(START).outgoing()))
    heard = []
    for moment in (24, 24.1, 30, 30.1, 30.2, DAY + 480, DAY + 480.1, 2 * DAY + 480, 2 * DAY + 480.1, 9 * DAY):
        await passes(seam, sweep, moment)
        heard.append(len(await raised(pool)))
    assert heard == [0, 1, 1, 2, 2, 2, 3, 3, 4, 4]
    assert await raised(pool) == UP
    second = (await said(pool, RungRaised))[-1]
    (fact,) = [f for f in await said(pool, RungRaised) if f.stage == "accept" and f.level == 2]
    assert (fact.owner, fact.due, fact.at) == ("street-a", at(30), at(DAY + 480))
    assert (fact.kind, fact.receivers, fact.answers) == ("supervise", ("centre_above",), "owner")
    ids = [f.supervision_id for f in await said(pool, RungRaised)]
    assert len(set(ids)) == len(ids) and second.supervision_id in ids


async def test_what_is_met_in_time_raises_nothing_more(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = Story("in time").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 25)
    story.accepted(at(26))
    await seam.handle(records(*story.outgoing(2)))
    await passes(seam, sweep, 9 * DAY)
    assert await raised(pool) == ["urge"]
    assert await cleared(pool) == [("urge", "AssignmentAccepted", False)]


async def test_what_is_met_late_clears_what_was_raised_and_cancels_what_waits(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = Story("late").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 25)
    await passes(seam, sweep, 31)
    story.accepted(at(40))
    await seam.handle(records(*story.outgoing(2)))
    await passes(seam, sweep, 9 * DAY)
    assert await raised(pool) == UP[:2]
    why = "AssignmentAccepted"
    assert sorted(await cleared(pool)) == [("supervise-1", why, False), ("urge", why, False)]
    assert await rows(pool) == [
        ("urge", "cleared", why),
        ("supervise-1", "cleared", why),
        ("supervise-2", "cancelled", why),
    ]


async def test_a_fact_that_comes_late_takes_the_supervision_back_with_the_miss(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = Story("offline").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 31)
    story.accepted(at(20), recorded=at(50))
    await seam.handle(records(*story.outgoing(2)))
    assert await cleared(pool) == [("supervise-1", "AssignmentAccepted", True)]
    await passes(seam, sweep, 9 * DAY)
    assert await raised(pool) == ["supervise-1"], "after a silence the miss alone is news: no urge came before it"


async def test_met_too_late_but_before_anybody_knew_of_the_miss_presses_nobody(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    """The system stood still from 10:10 until the afternoon; the unit accepted at 10:40."""
    story = Story("stood still").opened(START).accepted(at(40))
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 100)
    assert [fact.stage for fact in await said(pool, DeadlineMissed)].count("accept") == 1
    assert await raised(pool) == []


async def test_after_a_downtime_rungs_are_told_as_late(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """The story lies months back: all of it is long past by the database's clock."""
    await seam.handle(records(*Story("past").opened(START).outgoing()))
    await passes(seam, sweep, 9 * DAY)
    facts = [fact for fact in await said(pool, RungRaised) if fact.stage == "accept"]
    assert [(fact.rung, fact.late) for fact in facts] == [(rung, True) for rung in UP[1:]]


async def test_a_rung_of_this_minute_is_not_late(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    now = await pool.fetchval("SELECT clock_timestamp()")
    await seam.handle(records(*Story("now").opened(now - timedelta(minutes=30.05)).outgoing()))
    await seam.handle(tick(now))
    await sweep.drain()
    assert [fact.late for fact in await said(pool, RungRaised) if fact.stage == "accept"] == [False]


async def test_urgent_orders_ring_in_minutes(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """Accept within ten minutes: at 10 the duty phone, at 15 the leader, at 20 the district."""
    await seam.handle(records(*Story("urgent").opened(START, urgency=Urgency.URGENT).outgoing()))
    heard: list[Any] = []
    for moment in (8.1, 10.1, 15, 15.1, 20.1):
        await passes(seam, sweep, moment)
        heard.append((await raised(pool))[-1])
    assert heard == ["urgent-urge", "urgent-1", "urgent-1", "urgent-2", "urgent-3"]
    first = [f.receivers[0] for f in await said(pool, RungRaised) if f.stage == "accept"]
    assert first == ["owner", "duty_phone", "duty_leader", "district"]


async def test_a_new_deadline_climbs_anew(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    """The unit changes: what was raised for the first one's clock is cleared, the second has its own ladder."""
    story = Story("handed on").opened(START)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 31)
    story.routed(at(40), ("street-b",), withdrawn=(story.assignment(0),))
    await seam.handle(records(*story.outgoing(2)))
    await passes(seam, sweep, 71)
    assert await raised(pool) == ["supervise-1", "supervise-1"]
    assert await cleared(pool) == [("supervise-1", "OrderRouted", False)]
    owners = [fact.owner for fact in await said(pool, RungRaised) if fact.stage == "accept"]
    assert owners == ["street-a", "street-b"]


async def test_many_sweeps_beside_each_other_raise_each_rung_once(pool: asyncpg.Pool, seam: Seam) -> None:
    stories = [Story(f"many-{n}").opened(START) for n in range(60)]
    await seam.handle(records(*(each for story in stories for each in story.outgoing())))
    await seam.handle(tick(at(9 * DAY)))
    sweeps = [Sweep(pool, LADDER, page=20) for _ in range(3)]
    while any(await asyncio.gather(*(each.drain() for each in sweeps))):
        pass
    for each in sweeps:  # what a neighbour held
        await each.drain()
    facts = [(f.order_id, f.clock_id, f.rung) for f in await said(pool, RungRaised)]
    assert len(facts) == len(set(facts))
    assert sorted(await raised(pool)) == sorted(UP[1:] * 60)
    assert await pool.fetchval("SELECT count(*) FROM rungs WHERE state = 'waiting'") == 0


async def test_an_imported_past_rings_nobody(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    await seam.handle(records(*Story("imported").opened(START, imported=True).outgoing()))
    await passes(seam, sweep, 9 * DAY)
    assert await said(pool, RungRaised) == []
    assert await pool.fetchval("SELECT count(*) FROM rungs") == 0


@pytest.fixture
def early(pool: asyncpg.Pool, settings: SupervisionSettings) -> tuple[Seam, Sweep]:
    """A policy that urges when half of the limit is used up, and after 20 minutes."""
    rungs = (
        Rung("half", RungKind.URGE, "start", ("owner",), share=0.5),
        Rung("twenty", RungKind.URGE, "start", ("owner",), delay=20, unit=LimitUnit.MINUTE),
    )
    promises = Promises.of(replace(CITY, policy=replace(CITY.policy, ladder=rungs)))
    handler = OrdersHandler(promises)
    return Seam(handler, pool, settings), Sweep(pool, Ladder(promises.newest.terms), page=50)


async def test_rungs_may_count_from_the_start(pool: asyncpg.Pool, early: tuple[Seam, Sweep]) -> None:
    seam, sweep = early
    story = Story("early").opened(START)
    await seam.handle(records(*story.outgoing()))
    assert await rows(pool) == [("half", "waiting", None)]
    await passes(seam, sweep, 15.1)
    assert await raised(pool) == ["half"]
    story.accepted(at(18))
    await seam.handle(records(*story.outgoing(2)))
    await passes(seam, sweep, 100)
    assert await raised(pool) == ["half"]
    assert await rows(pool) == [
        ("half", "cleared", "AssignmentAccepted"),
        ("twenty", "cancelled", "AssignmentAccepted"),
    ]
    assert await raised(pool, "contact") == ["twenty", "half"]


async def test_a_rung_that_the_policy_has_no_more_is_cancelled(
    pool: asyncpg.Pool, early: tuple[Seam, Sweep], sweep: Sweep
) -> None:
    await early[0].handle(records(*Story("policy changed").opened(START).outgoing()))
    await passes(early[0], sweep, 20)
    assert await rows(pool) == [("half", "cancelled", "clock gone")]
    assert await raised(pool) == []


async def test_a_rung_that_cannot_be_read_keeps_nobody_waiting(pool: asyncpg.Pool, seam: Seam) -> None:
    """One row is spoiled; the others are raised, and once mended it is too."""
    stories = [Story(f"spoiled-{n}").opened(START, urgency=Urgency.URGENT) for n in range(20)]
    await seam.handle(records(*(each for story in stories for each in story.outgoing())))
    await seam.handle(tick(at(11)))
    await Sweep(pool, LADDER, page=16).drain()
    bad = await pool.fetchrow(
        "SELECT order_id, clock_id FROM rungs WHERE state = 'waiting' AND rung = 'urgent-2' LIMIT 1"
    )
    await pool.execute("UPDATE clocks SET stage = 'nonsense' WHERE clock_id = $1", bad["clock_id"])
    await seam.handle(tick(at(15.5)))
    await Sweep(pool, LADDER, page=16).drain()
    assert (await raised(pool)).count("urgent-2") == 19
    await pool.execute("UPDATE clocks SET stage = 'accept' WHERE clock_id = $1", bad["clock_id"])
    await Sweep(pool, LADDER).drain()
    assert (await raised(pool)).count("urgent-2") == 20
