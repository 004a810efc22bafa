"""The history as other services read it: every change once, in order, the bytes as published, nothing ever skipped."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from schemas.envelope import Outgoing
from services.chassis.database import Connection
from services.chassis.delivery import Seam
from services.dispatch.handlers import RoutingHandler
from services.dispatch.handlers.page import Page
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.rules.dispatch.town import DIRECTORY, a_report, proposed, record

unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode


class Row(msgspec.Struct):
    """What a reader needs of a change."""

    order_id: UUID
    seq: int
    type: str
    recorded_at: str
    fact: msgspec.Raw


class Told(msgspec.Struct):
    """One page."""

    items: list[Row]
    next: str
    complete: bool


async def told(person: Person, after: str = "", **params: Any) -> Told:
    """One page, its facts as bytes."""
    reply = await person._client.get("/v1/history", params={"after": after, **params}, headers=person.headers)
    assert reply.status_code == 200, reply.text
    return msgspec.json.decode(reply.content, type=Told)


async def whole(person: Person, **params: Any) -> list[Row]:
    """All pages there are now."""
    rows: list[Row] = []
    page = await told(person, **params)
    while True:
        rows += page.items
        if page.complete:
            assert (await told(person, page.next, **params)).items == []
            return rows
        page = await told(person, page.next, **params)


async def settled(pool: asyncpg.Pool) -> None:
    """Until what is recorded now can be told (transactions of these tests settle within a second)."""
    now = await pool.fetchval("SELECT clock_timestamp()")
    while await pool.fetchval("SELECT clock_timestamp() < $1", now + timedelta(seconds=1.1)):
        await asyncio.sleep(0.05)


def keys(rows: Sequence[Row]) -> list[tuple[UUID, int]]:
    """Which changes they are."""
    return [(row.order_id, row.seq) for row in rows]


async def some(send: Send, desk: Desk, count: int = 5) -> set[tuple[UUID, int]]:
    """Orders with two changes each, and which changes these are."""
    facts = [proposed(a_report(f"h{i}")) for i in range(count)]
    await send(*facts)
    centre = desk.person("dispatcher", "s1")
    for fact in facts:
        await centre.on_order(fact.order_id, "urge", note="?")
    return {(fact.order_id, seq) for fact in facts for seq in (1, 2)}


async def test_every_change_once_as_recorded_and_only_what_is_settled(
    pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    expected = await some(send, desk)
    auditor = desk.person("auditor")
    assert (await told(auditor)).items == [], "nothing that could still be overtaken"
    await settled(pool)
    rows = await whole(auditor, limit=3)
    assert len(rows) == len(expected) and set(keys(rows)) == expected
    assert [row.recorded_at for row in rows] == sorted(row.recorded_at for row in rows)
    assert {row.type for row in rows} == {"OrderOpened", "Urged"}


async def test_order_by_order_each_is_whole_at_once(send: Send, desk: Desk) -> None:
    expected = await some(send, desk)
    rows = await whole(desk.person("operator"), limit=3, by="order")
    assert keys(rows) == sorted(expected)


@pytest.mark.parametrize("by", ["recorded", "order"])
async def test_facts_are_told_with_the_very_bytes_that_were_published(
    by: str, pool: asyncpg.Pool, send: Send, desk: Desk
) -> None:
    await some(send, desk)
    await settled(pool)
    sent = [m for row in await pool.fetch("SELECT payload FROM outbox") for m in unpack(row["payload"])]
    rows = await whole(desk.person("service"), by=by)
    assert sorted(bytes(row.fact) for row in rows) == sorted(m.value for m in sent)


async def test_only_who_may_see_every_order_reads_it_and_nobody_reads_who_reported(send: Send, desk: Desk) -> None:
    await send(proposed(a_report("whose")))
    for role, unit in (("dispatcher", "s1"), ("responder", "s1-road"), ("agent", ""), ("gateway", ""), ("citizen", "")):
        status, body = await desk.person(role, unit).get("/v1/history")
        assert (status, body["code"]) == (403, "forbidden"), role
    assert (await desk.person("operator").get("/v1/history", after="x"))[1]["code"] == "cursor_invalid"
    rows = await whole(desk.person("service"), by="order")
    assert rows and b"13812345678" not in b"".join(bytes(row.fact) for row in rows)
    status, body = await desk.person("service").get("/v1/orders")
    assert (status, body["code"]) == (403, "forbidden"), "a service asks for facts, not for orders"


class Dawdling(RoutingHandler):
    """Holds every other transaction open, for nearly as long as one may take."""

    turns = 0

    async def apply(self, connection: Connection, state: Page) -> None:
        await super().apply(connection, state)
        Dawdling.turns += 1
        await asyncio.sleep(0.6 * (Dawdling.turns % 2))


async def test_a_change_that_commits_late_is_never_skipped(
    pool: asyncpg.Pool, settings: DispatchSettings, desk: Desk, lane: Any = "normal"
) -> None:
    """Writers whose transactions overlap in any way, and a reader who goes on and on from where it was."""
    seam = Seam(Dawdling(DIRECTORY, lane), pool, settings)
    writing = True

    async def write(writer: int) -> None:
        for n in range(6):
            await seam.handle([record(proposed(a_report(f"w{writer}-{n}-{i}"))) for i in range(3)])

    async def read() -> list[Row]:
        rows: list[Row] = []
        place, last = "", False
        while True:
            page = await told(desk.person("service"), place, limit=4)
            rows += page.items
            place = page.next
            if page.complete and last:
                return rows
            if not writing and page.complete:
                await settled(pool)
                last = True

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(n) for n in range(4)))
    writing = False
    rows = await reading
    stored = await pool.fetch("SELECT order_id, seq FROM history ORDER BY recorded_at, order_id, seq")
    assert len(stored) == 72
    assert keys(rows) == [(row["order_id"], row["seq"]) for row in stored]
