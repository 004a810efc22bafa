"""Commitments of special cases on the real PostgreSQL: their clocks ring once, are withdrawn by a late word, are listed
as those of orders, and come out the same when the view is made anew."""

from datetime import datetime

import asyncpg
import pytest

from schemas.facts import ClocksSet, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn
from schemas.vocabulary import ClockState, DeadlineNotice, Light, Stage
from services.chassis.delivery import Seam
from services.supervision.handlers import NumberKeeper, Numbers, Sweep
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.said import said
from tests.handlers.supervision.test_api import Ask, ask  # noqa: F401 - a fixture
from tests.handlers.supervision.test_rebuild import anew, seen
from tests.rules.supervision_timeline.gathered import CaseStory
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import LADDER, PROMISES, START


def at(count: float) -> datetime:
    """So many minutes after the story began."""
    return START + minutes(count)


@pytest.fixture
def sweep(pool: asyncpg.Pool) -> Sweep:
    return Sweep(pool, LADDER)


async def passes(seam: Seam, sweep: Sweep, count: float) -> int:
    """Every partition's Tick passes that minute; how many notices are given."""
    await seam.handle(tick(at(count)))
    given = await sweep.drain()
    await NumberKeeper(sweep._pool, PROMISES, Numbers()).recount()
    return given


def two() -> CaseStory:
    """A case in which two streets committed: until minute 110, until minute 60."""
    return CaseStory("two").opened(at(0)).met(at(10), ("street-a", at(110)), ("street-b", at(60)))


async def test_each_commitment_warns_once_and_is_missed_once(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = two()
    await seam.handle(records(*story.outgoing()))
    (set_,) = await said(pool, ClocksSet)
    assert (set_.order_id, set_.seq, len(set_.clocks)) == (story.case_id, 2, 2)
    story.answered(at(40))
    await seam.handle(records(*story.outgoing(3)))
    assert [await passes(seam, sweep, count) for count in (49, 51, 60, 61, 200)] == [0, 1, 0, 1, 0]
    await seam.handle(records(*story.outgoing()))
    assert await passes(seam, sweep, 300) == 0, "a repeat is no news"
    (warned,), (missed,) = await said(pool, DeadlineWarned), await said(pool, DeadlineMissed)
    for fact in (warned, missed):
        assert (fact.order_id, fact.clock_id, fact.stage) == (story.case_id, story.clock(1), Stage.COMMITMENT)
        assert (fact.owner, fact.due) == ("street-b", at(60))
    states = dict(await pool.fetch("SELECT clock_id, state FROM clocks"))
    assert states == {story.clock(0): "met", story.clock(1): "missed"}


async def test_clocks_are_told_anew_when_a_commitment_was_warned_of_or_missed(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = two()
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 61)
    assert len(await said(pool, ClocksSet)) == 1
    story.rung(at(61), DeadlineNotice.MISSED, at(60), place=1)
    await seam.handle(records(*story.outgoing(3)))
    told = (await said(pool, ClocksSet))[-1]
    late = {clock.clock_id: clock for clock in told.clocks}[story.clock(1)]
    assert (told.order_id, told.seq) == (story.case_id, 3)
    assert (late.state, late.light) == (ClockState.MISSED, Light.RED), "as supervision's own list says"
    await seam.handle(records(*story.outgoing(3)))
    assert len(await said(pool, ClocksSet)) == 2, "a repeat is no news"


async def test_a_miss_is_withdrawn_when_it_was_done_in_time_and_told_late(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = two()
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 61)
    story.answered(at(55), place=1, recorded=at(70))
    await seam.handle(records(*story.outgoing(3)))
    (gone,) = await said(pool, DeadlineWithdrawn)
    assert (gone.clock_id, gone.due, gone.cause) == (story.clock(1), at(60), "CommitmentAnswered")
    assert await pool.fetchval("SELECT state FROM clocks WHERE clock_id = $1", story.clock(1)) == "met"


async def test_what_is_sent_back_is_missed_anew(pool: asyncpg.Pool, seam: Seam, sweep: Sweep) -> None:
    story = two().answered(at(61), place=1).sent_back(at(65), at(80), place=1)
    await seam.handle(records(*story.outgoing()))
    await passes(seam, sweep, 100)
    missed = [(fact.clock_id, fact.due) for fact in await said(pool, DeadlineMissed)]
    assert missed == [(story.clock(1), at(60)), (story.clock(1, asked=2), at(80))]


async def test_nothing_of_a_case_is_missed_while_a_fact_of_it_waits_or_is_dead(
    pool: asyncpg.Pool, seam: Seam, sweep: Sweep
) -> None:
    story = two().answered(at(40), place=1).answered(at(50), place=0)
    facts = records(*story.outgoing())
    await seam.handle([*facts[:2], facts[3]])
    assert await passes(seam, sweep, 200) == 0
    await seam.handle([facts[2]])
    assert await passes(seam, sweep, 300) == 0 and not await said(pool, DeadlineMissed)
    other = CaseStory("other").opened(at(0)).met(at(10), ("street-a", at(60)))
    broken = records(*other.answered(at(20)).outgoing(3))[0]
    await seam.handle(records(*other.outgoing(1, 2)))
    await seam.handle([type(broken)(broken.topic, 0, broken.offset, broken.key, b"{", broken.headers)])
    assert await passes(seam, sweep, 400) == 0, "the answer may be what could not be read"
    assert await pool.fetchval("SELECT count(*) FROM dead_facts") == 1
    await seam.handle(records(*other.outgoing(3)))
    await sweep.look()
    assert await pool.fetchval("SELECT count(*) FROM dead_facts") == 0, "it came after all"


async def test_cases_and_orders_share_a_batch(pool: asyncpg.Pool, seam: Seam) -> None:
    story, order = two(), Story("beside").opened(START)
    await seam.handle(records(*order.outgoing(), *story.outgoing()))
    assert await pool.fetchval("SELECT count(*) FROM special_cases") == 1
    assert await pool.fetchval("SELECT count(*) FROM orders") == 1
    assert {fact.order_id for fact in await said(pool, ClocksSet)} == {story.case_id, order.order_id}


async def test_clocks_and_breaches_name_the_special_case(
    pool: asyncpg.Pool,
    seam: Seam,
    sweep: Sweep,
    ask: Ask,  # noqa: F811
) -> None:
    story, order = two(), Story("late").opened(START)
    await seam.handle(records(*story.outgoing(), *order.outgoing()))
    await passes(seam, sweep, 61)
    body = (await ask(f"/v1/clocks/{story.case_id}")).json()
    assert body["case_id"] == str(story.case_id) and "order_id" not in body
    assert [(c["stage"], c["state"], c["owner"]["unit_id"]) for c in body["clocks"]] == [
        ("commitment", "missed", "street-b"),
        ("commitment", "running", "street-a"),
    ]
    found = (await ask("/v1/breaches?stage=commitment&division=D1")).json()["items"]
    assert [(item.get("case_id"), item.get("order_id"), item["division"]) for item in found] == [
        (str(story.case_id), None, "D1")
    ]
    stages = {item["stage"] for item in (await ask("/v1/breaches")).json()["items"]}
    assert stages == {"commitment", "accept", "contact"}
    mine = (await ask("/v1/breaches", "responder", "street-b")).json()["items"]
    assert [item["case_id"] for item in mine] == [str(story.case_id)]
    assert (await ask(f"/v1/clocks/{story.case_id}", "responder", "street-c")).json()["code"] == "other_unit"


async def test_the_view_made_anew_is_the_live_one(
    pool: asyncpg.Pool, settings: SupervisionSettings, seam: Seam, sweep: Sweep
) -> None:
    story = two().answered(at(70), place=1).sent_back(at(75), at(90), place=1)
    late = CaseStory("late").opened(at(0)).met(at(1), ("street-a", at(20)), ("street-b", at(500)))
    order = Story("beside").opened(START)
    everything = [*story.outgoing(), *late.outgoing(), *order.outgoing()]
    await seam.handle(records(*everything))
    await passes(seam, sweep, 100)
    look = "SELECT * FROM special_cases ORDER BY case_id"
    before, kept = await seen(pool), await pool.fetch(look)
    assert len(before["notices"]) > 3 and len(kept) == 2
    view = await anew(pool, settings, everything)
    assert (await seen(pool), await pool.fetch(look)) == (before, kept)
    assert (view.announced, view.withdrawn) == (0, 0)
    await pool.execute("DELETE FROM special_cases")
    await pool.execute("DELETE FROM clocks WHERE order_id = $1", late.case_id)
    await anew(pool, settings, everything)
    assert (await seen(pool), await pool.fetch(look)) == (before, kept)
    assert (await said(pool, ClocksSet))[-1].order_id == late.case_id, "others are told what they saw wrongly"
    assert await passes(seam, sweep, 101) == 0, "nothing is said twice"
