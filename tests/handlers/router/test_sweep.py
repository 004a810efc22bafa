"""What slipped through at a border is found afterwards and proposed once; what was asked before is not asked again."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from msgspec.structs import replace

from schemas.facts import MergeProposed, ReportLinked
from schemas.vocabulary import Lane
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router.handlers import OrdersHandler
from services.router.handlers.sweep import Sweep
from services.router.rules.atlas import Atlas
from services.router.rules.plan import prepare
from tests.handlers.router.test_rebuild import OrderStatus, ended
from tests.handlers.router.test_reports import NOW, manhole, record, said, seam

# Two street-towns that meet: each report names its own, the point is the same corner for both.
CORNER = {"lon": 121.4638, "lat": 31.3184}  # on the border: neither name contradicts it
HERE = "静安区临汾路街道保德路口雨水井盖缺失"
THERE = "宝山区庙行镇保德路口雨水井盖缺失"
SETTLED = timedelta(seconds=0.05)


def sweep_of(pool: asyncpg.Pool, atlas: Atlas) -> Sweep:
    return Sweep(pool, atlas, settling=SETTLED, every=0.05, per_key=20)


def at(text: str, id_: UUID | None = None, **more: object):  # type: ignore[no-untyped-def]
    return replace(manhole(id_), text=text, **(CORNER | more))


async def twins(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> list[UUID]:
    """Two orders about one lid, as two workers make them that decide in one instant under different locks: each handler
    gathers before the other has written. The locks are held apart here by keeping the first one's keys from sight."""
    one, two = at(HERE), at(THERE)
    router = seam(atlas, pool, settings)
    await router.handle([record(one)])
    keys = await pool.fetch("SELECT * FROM matter_keys")
    await pool.execute("DELETE FROM matter_keys")
    await router.handle([record(two, 1)])
    await pool.executemany("INSERT INTO matter_keys VALUES ($1, $2, $3)", [tuple(row) for row in keys])
    await pool.execute("SELECT pg_sleep(0.15)")
    return [prepare(report, atlas).order_id for report in (one, two)]


def test_the_two_take_different_locks_and_would_find_each_other(atlas: Atlas) -> None:
    one, two = prepare(at(HERE), atlas), prepare(at(THERE), atlas)
    assert not set(one.lock_keys) & set(two.lock_keys), "the case is no border case any more"
    assert set(one.matter_keys) & set(two.lookup_keys)


async def test_it_is_proposed_once_the_younger_into_the_older(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    orders = await twins(atlas, pool, settings)
    assert not any(isinstance(fact, MergeProposed | ReportLinked) for fact in await said(pool))
    sweeps = [sweep_of(pool, atlas) for _ in range(4)]
    await asyncio.gather(*(each.portion() for each in sweeps))
    for each in sweeps:
        await each.portion()
    asked = [fact for fact in await said(pool) if isinstance(fact, MergeProposed)]
    assert len(asked) == 1 and {asked[0].order_id, asked[0].into} == set(orders)
    assert asked[0].swept and asked[0].score >= 0.72 and asked[0].parts["place"] == 1.0 and asked[0].why
    first, second = sorted(await pool.fetch("SELECT order_id, opened_at FROM matters"), key=lambda r: tuple(r)[::-1])
    assert (asked[0].order_id, asked[0].into) == (second["order_id"], first["order_id"])


@pytest.mark.parametrize("which", [0, 1])
async def test_nothing_is_asked_about_what_has_ended(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, which: int
) -> None:
    orders = await twins(atlas, pool, settings)
    await Seam(OrdersHandler(), pool, settings).handle(ended(orders[which], OrderStatus.CLOSED))
    await sweep_of(pool, atlas).portion()
    assert not any(isinstance(fact, MergeProposed) for fact in await said(pool))


async def test_a_decision_that_is_not_settled_waits(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    await seam(atlas, pool, settings).handle([record(at(HERE))])
    slow = Sweep(pool, atlas, settling=timedelta(seconds=60), every=1, per_key=20)
    assert await slow.portion() == 0
    await pool.execute("SELECT pg_sleep(0.15)")
    assert await sweep_of(pool, atlas).portion() == 1
    assert await sweep_of(pool, atlas).portion() == 0, "the place is kept"


async def test_what_was_shown_to_a_person_at_birth_is_not_asked_again(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    first = replace(manhole(), text="塘桥街道浦建路300弄3号电梯停运")
    second = replace(manhole(), text="塘桥街道浦建路300弄8号电梯也停运,老人下不来")
    for lane, report in ((Lane.NORMAL, first), (Lane.NORMAL, second)):
        await seam(atlas, pool, settings, lane).handle([record(report)])
    facts = await said(pool)
    (asked,) = [fact for fact in facts if isinstance(fact, MergeProposed)]
    assert not asked.swept and asked.order_id == prepare(second, atlas).order_id
    assert facts.index(asked) == 2, "it follows the order that it is about"
    await pool.execute("SELECT pg_sleep(0.15)")
    assert await sweep_of(pool, atlas).portion() == 2
    assert sum(isinstance(fact, MergeProposed) for fact in await said(pool)) == 1


async def test_it_goes_on_for_ever_and_over_a_failure(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, tries = sweep_of(pool, atlas), 0
    whole = sweep.portion

    async def fails_first() -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("once")
        return await whole()

    monkeypatch.setattr(sweep, "portion", fails_first)
    await seam(atlas, pool, settings).handle([record(at(HERE, uuid4(), received_at=NOW))])
    running = asyncio.create_task(sweep.run())
    async with asyncio.timeout(10):
        while await pool.fetchval("SELECT count(*) FROM sweep_place") == 0:
            await asyncio.sleep(0.02)
    running.cancel()
    assert tries > 1
