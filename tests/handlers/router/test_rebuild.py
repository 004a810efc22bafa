"""Matters made anew are the live ones: out of decisions, and of what became of their orders, while both go on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from schemas.codec import message
from schemas.envelope import Record
from schemas.facts import ClassRef, OrderFact
from schemas.ids import NAMESPACE, fact_id, uuid5
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import ClassKind, Lane, OrderStatus
from services.chassis.delivery import Seam
from services.chassis.rebuild import Rebuild
from services.chassis.settings import ServiceSettings
from services.chassis.shadow import Shadow
from services.router.handlers import MattersView, OrdersHandler
from services.router.rules.atlas import Atlas
from tests.handlers.router.test_reports import NOW, manhole, record, seam
from tests.rules.supervision_timeline.story import Story

SETTLING = timedelta(seconds=0.1)
LID = ClassRef(standard="CJ/T 214-2007", kind=ClassKind.PART, code="0103", name="雨水井盖")
OTHER = ClassRef(standard="CJ/T 214-2007", kind=ClassKind.PART, code="0101", name="上水井盖")
MATTERS = "SELECT * FROM matters ORDER BY order_id"
KEYS = "SELECT key, order_id, max(last_at) AS last_at FROM matter_keys GROUP BY 1, 2 ORDER BY 1, 2"  # the newest counts
PLACES = ["静安区临汾路街道临汾路338号门口", "徐汇区田林街道田林路200弄门口", "黄浦区南京东路街道南京东路300号门口"]


async def seen(pool: asyncpg.Pool) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """Matters and keys."""
    return await pool.fetch(MATTERS), await pool.fetch(KEYS)


@dataclass
class Meanwhile:
    """What becomes of orders while matters are made anew; `stirred` happens when it is first asked for."""

    portions: list[list[Record]] = field(default_factory=list)
    stirred: Any = None

    async def behind(self) -> int:
        return 0

    async def to_end(self) -> AsyncIterator[list[Record]]:
        if self.portions:
            yield self.portions.pop(0)


async def anew(
    atlas: Atlas,
    pool: asyncpg.Pool,
    settings: ServiceSettings,
    history: Sequence[Record],
    meanwhile: Meanwhile | None = None,
    during: Any = None,
) -> MattersView:
    facts = sorted(history, key=lambda each: (each.key, each.offset))

    async def pages() -> AsyncIterator[list[Record]]:
        yield facts
        if during is not None:
            await during()

    shadow, view = Shadow("router", MattersView.tables), MattersView(atlas, SETTLING)
    workshop = await shadow.open_pool(settings)
    try:
        run = Rebuild(view, shadow, workshop, history=pages, say=lambda _: None)
        await run.run(meanwhile or Meanwhile())
    finally:
        await workshop.close()
    return view


def ended(order_id: UUID, status: OrderStatus, seqs: Sequence[int] = (1, 2, 3), at: datetime = NOW) -> list[Record]:
    """Facts of an order: opened, sent elsewhere under another class, and at last in this status."""
    story = Story("any").opened(at, class_ref=LID).routed(at, ("street-b",), class_ref=OTHER).noted(at)
    facts: list[OrderFact] = [msgspec.structs.replace(fact, order_id=order_id) for fact in story.facts]
    facts[-1] = msgspec.structs.replace(facts[-1], status=status)
    found = []
    for seq in seqs:
        sent = message(
            ORDERS_EVENTS,
            facts[seq - 1],
            id=fact_id(order_id, "test", seq),
            key=str(order_id),
            source="dispatch",
            time=at,
        )
        found.append(Record(sent.topic, 0, seq, sent.key, sent.value, sent.headers))
    return found


def reports(name: str, count: int, place: int = 0, minutes: float = 0) -> list[Record]:
    """Callers about one thing, the later ones later, the last before the others."""
    found = []
    for n in range(count):
        at = NOW - timedelta(minutes=30) + timedelta(minutes=minutes + (n if n < count - 1 else -5))
        report = manhole(uuid5(NAMESPACE, f"{name}{n}"), words=f"雨水井盖缺失第{n}次反映，有人差点踩空")
        text = report.text.replace(PLACES[0], PLACES[place])
        found.append(record(msgspec.structs.replace(report, text=text, received_at=at), n))
    return found


async def orders_of(pool: asyncpg.Pool) -> list[UUID]:
    return [row["order_id"] for row in await pool.fetch("SELECT order_id FROM matters ORDER BY opened_at, order_id")]


async def test_the_new_matters_are_the_live_ones(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings) -> None:
    router, landing = seam(atlas, pool, settings), Seam(OrdersHandler(), pool, settings)
    await router.handle(reports("a", 5))
    for one in reports("b", 4, place=1):
        await router.handle([one])
    await router.handle(reports("c", 2, place=2))
    order_ids = await orders_of(pool)
    assert len(order_ids) == 3
    history = [*ended(order_ids[0], OrderStatus.CLOSED), *ended(order_ids[1], OrderStatus.HANDLING, (1, 2))]
    await landing.handle(history)
    before = await seen(pool)
    assert sorted(row["reports"] for row in before[0]) == [2, 4, 5] and len(before[1]) == 3
    assert [(row["closed"], row["class_key"]) for row in before[0]].count((True, OTHER.key)) == 1
    view = await anew(atlas, pool, settings, history)
    after = await seen(pool)
    pairs = zip(after[0], before[0], strict=True)
    assert [(n, new[n], was) for new, old in pairs for n, was in old.items() if new[n] != was] == []
    assert after == before and view.lost == 0
    await pool.execute("UPDATE matters SET reports = 1, closed = NOT closed, grams = ''")
    await pool.execute("DELETE FROM matters WHERE order_id = $1", order_ids[2])
    await pool.execute("DELETE FROM matter_keys")
    await anew(atlas, pool, settings, history)
    assert await seen(pool) == before
    await router.handle(reports("later", 1, minutes=20))
    assert await pool.fetchval("SELECT reports FROM matters WHERE order_id = $1", order_ids[0]) is not None
    assert await pool.fetchval("SELECT count(*) FROM decisions WHERE kind = 'link'") >= 8


async def test_what_is_decided_and_done_meanwhile_is_in_the_new_matters(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router, landing = seam(atlas, pool, settings), Seam(OrdersHandler(), pool, settings)
    await router.handle(reports("a", 3))
    (first,) = await orders_of(pool)
    history = ended(first, OrderStatus.HANDLING, (1,))
    await landing.handle(history)
    late: list[Record] = []

    async def during() -> None:
        """A matter is born and its order is closed, another gets one more report and is closed; all of it unsettled."""
        await router.handle(reports("b", 2, place=1))
        await router.handle(reports("a-more", 1, minutes=12))
        (born,) = set(await orders_of(pool)) - {first}
        late.extend([*ended(born, OrderStatus.CLOSED), *ended(first, OrderStatus.CLOSED, (2, 3))])
        await landing.handle(late)

    await anew(atlas, pool, settings, history, Meanwhile([late]), during)
    after = await seen(pool)
    assert sorted((row["reports"], row["closed"], row["seq"]) for row in after[0]) == [(2, True, 3), (4, True, 3)]
    await pool.execute("SELECT pg_sleep(0.3)")
    await anew(atlas, pool, settings, [*history, *late])
    assert await seen(pool) == after, "made anew at rest, it is the same"


async def test_reports_keep_coming_while_the_tables_change_over(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router, urgent = seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.URGENT)
    sending = True
    sent = 0

    async def keep_on(lane: Seam, place: int) -> None:
        nonlocal sent
        n = 0
        while sending or n < 5:
            await lane.handle(reports(f"{place}-{n}", 2, place=place, minutes=n % 7))
            sent += 2
            n += 1
            await asyncio.sleep(0.01)

    running = [asyncio.create_task(keep_on(lane, place)) for lane, place in ((router, 0), (urgent, 1))]
    for _ in range(3):
        await anew(atlas, pool, settings, [])
    sending = False
    await asyncio.gather(*running)
    live = await seen(pool)
    assert sum(row["reports"] for row in live[0]) == sent, "every report counts, once"
    await anew(atlas, pool, settings, [])
    assert await seen(pool) == live


@pytest.mark.parametrize("count", [0, 3])
async def test_a_link_whose_opening_was_lost_stops_nothing(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, count: int
) -> None:
    await seam(atlas, pool, settings).handle(reports("a", 1 + count))
    await pool.execute("DELETE FROM decisions WHERE kind <> 'link'")
    view = await anew(atlas, pool, settings, [])
    assert view.lost == count and await seen(pool) == ([], [])
