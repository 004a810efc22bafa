"""The auditor on the real PostgreSQL: silent over what the service wrote, and loud over what somebody changed."""

import asyncio

import asyncpg
import pytest

from services.chassis import metrics
from services.chassis.delivery import Seam
from services.supervision.handlers import Auditor, Recompute, Sweep
from services.supervision.handlers.audit import FIRST
from services.supervision.rules.audit import Difference, Fault
from tests.handlers.supervision.test_rebuild import city
from tests.handlers.supervision.test_recompute import LONGER, told
from tests.rules.supervision_timeline.gathered import CaseStory
from tests.rules.supervision_timeline.story import Story, minutes, records
from tests.rules.supervision_timeline.toy import LADDER, PROMISES, START


async def audited(pool: asyncpg.Pool, page: int = 3) -> list[Difference]:
    """Everything, page by page."""
    auditor = Auditor(pool, PROMISES, page=page)
    wrong: list[Difference] = []
    for of_cases in (False, True):
        last = FIRST
        while True:
            found = await auditor.page(last, of_cases=of_cases)
            wrong += found.differences
            if found.last is None:
                break
            last = found.last
    return wrong + await auditor.ended()


async def live(pool: asyncpg.Pool, seam: Seam, until: int) -> None:
    case = CaseStory("audited").opened(START).met(START, ("street-a", START + minutes(60)))
    await told(seam, city())
    await seam.handle(records(*case.outgoing()))
    for passed in range(0, until + 1, 10):
        await told(seam, [], passed)
        await Sweep(pool, LADDER).drain()


@pytest.mark.parametrize("until", [0, 31, 200, 5000])
async def test_nothing_is_wrong_with_a_city_at_work(pool: asyncpg.Pool, seam: Seam, until: int) -> None:
    await live(pool, seam, until)
    assert await audited(pool) == []


@pytest.mark.parametrize(
    ("tampering", "fault"),
    [
        ("DELETE FROM clocks WHERE {this}", Fault.CLOCK_MISSING),
        ("UPDATE clocks SET due = due + interval '1 day' WHERE {this}", Fault.CLOCK_DIFFERS),
        ("UPDATE clocks SET owner = 'street-b' WHERE {this}", Fault.CLOCK_DIFFERS),
        ("UPDATE clocks SET next_at = NULL, next_notice = NULL WHERE {this}", Fault.NOT_ARMED),
        ("UPDATE clocks SET clock_id = gen_random_uuid() WHERE {this}", Fault.CLOCK_EXTRA),
    ],
)
async def test_each_tampering_is_found(pool: asyncpg.Pool, seam: Seam, tampering: str, fault: Fault) -> None:
    story = Story("new").opened(START)
    await told(seam, [story], 10)
    assert await audited(pool) == []
    await pool.execute(tampering.format(this="stage = 'total'"))
    wrong = await audited(pool)
    assert fault in {each.fault for each in wrong} and {each.stage for each in wrong} == {"total"}
    assert {each.order_id for each in wrong} == {story.order_id}


async def test_a_sweep_that_forgot_is_found(pool: asyncpg.Pool, seam: Seam) -> None:
    """Ticks pass and no sweep runs; and a notice that was written without a reason."""
    await told(seam, [Story("forgotten").opened(START)], 40)
    assert {(each.fault, each.stage) for each in await audited(pool)} == {(Fault.NOT_MISSED, "accept")}
    await Sweep(pool, LADDER).drain()
    assert await audited(pool) == []
    await pool.execute("DELETE FROM notices")
    assert (Fault.NOT_MISSED, "accept") in {(each.fault, each.stage) for each in await audited(pool)}


async def test_a_miss_nobody_took_back_is_found(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("borne out").opened(START).accepted(START + minutes(5))
    await told(seam, [story], 10)
    await pool.execute(
        "INSERT INTO notices (order_id, clock_id, notice, due, at) SELECT order_id, clock_id, 'miss', due, due"
        " FROM clocks WHERE stage = 'accept'"
    )
    assert Fault.MISSED_WRONGLY in {each.fault for each in await audited(pool)}


async def test_an_order_that_waits_for_a_fact_owes_nothing(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("hole").opened(START).accepted(START + minutes(5)).contacted(START + minutes(6))
    await seam.handle(records(*story.outgoing(1, 1), *story.outgoing(3)))
    await told(seam, [], 600)
    await Sweep(pool, LADDER).drain()
    assert await audited(pool) == []


async def test_clocks_of_other_terms_are_found_until_they_are_recomputed(pool: asyncpg.Pool, seam: Seam) -> None:
    await told(seam, [Story("old terms").opened(START)])
    await Recompute(pool, LONGER, [PROMISES], write=True).run()
    assert {(each.fault, each.stage) for each in await audited(pool)} >= {(Fault.CLOCK_DIFFERS, "accept")}
    await Recompute(pool, PROMISES, [LONGER], write=True).run()
    assert await audited(pool) == []


async def test_an_ended_order_that_still_owes_a_notice_is_found(pool: asyncpg.Pool, seam: Seam) -> None:
    story = Story("ended late").opened(START).accepted(START + minutes(40)).done(START + minutes(50))
    story.verified(START + minutes(55)).closed(START + minutes(60))
    await told(seam, [story], 300)
    wrong = await audited(pool)
    assert {each.fault for each in wrong} == {Fault.NOT_MISSED} and "accept" in {each.stage for each in wrong}
    await Sweep(pool, LADDER).drain()
    assert await audited(pool) == []


async def test_the_auditor_goes_round_beside_the_work_and_sets_its_metric(pool: asyncpg.Pool, seam: Seam) -> None:
    await told(seam, [Story(f"round-{n}").opened(START) for n in range(5)], 10)
    await pool.execute("UPDATE clocks SET due = due + interval '1 day' WHERE stage = 'total'")
    auditor = Auditor(pool, PROMISES, page=2, every=0.001)
    gauge = metrics.CLOCK_AUDIT.labels(Fault.CLOCK_DIFFERS)
    rounds = metrics.CLOCK_AUDIT_ROUNDS._value.get()
    running = asyncio.create_task(auditor.run())
    async with asyncio.timeout(20):
        while metrics.CLOCK_AUDIT_ROUNDS._value.get() == rounds:
            await asyncio.sleep(0.01)
        assert gauge._value.get() == 5
        await pool.execute("UPDATE clocks SET due = due - interval '1 day' WHERE stage = 'total'")
        while gauge._value.get():
            await asyncio.sleep(0.01)
    running.cancel()


async def test_a_round_that_fails_is_not_the_last(
    pool: asyncpg.Pool, seam: Seam, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(seam, [Story("falls").opened(START)])
    auditor, page, calls = Auditor(pool, PROMISES, every=0.001), Auditor.page, 0

    async def sometimes(self: Auditor, *args: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a fault")
        return await page(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Auditor, "page", sometimes)
    rounds = metrics.CLOCK_AUDIT_ROUNDS._value.get()
    running = asyncio.create_task(auditor.run())
    async with asyncio.timeout(20):
        while metrics.CLOCK_AUDIT_ROUNDS._value.get() == rounds:
            await asyncio.sleep(0.01)
    running.cancel()
