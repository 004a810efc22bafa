"""What tests of lists and of the past share."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from schemas.facts import ClocksSet, ClockView
from schemas.ids import clock_id_of
from schemas.vocabulary import ClockState, Light, Stage
from services.dispatch.store import search
from tests.handlers.dispatch.client import Person
from tests.rules.dispatch.town import T0


async def now_settled(pool: asyncpg.Pool) -> datetime:
    """A moment of the database's clock, when it is old enough to be shown."""
    moment: datetime = await pool.fetchval("SELECT clock_timestamp()")
    while await pool.fetchval("SELECT clock_timestamp() - interval '1.01 s' < $1", moment):
        await asyncio.sleep(0.02)
    return moment


async def indexed(pool: asyncpg.Pool) -> None:
    """Everything recorded so far can be found."""
    async with pool.acquire() as connection:
        until = await connection.fetchval("SELECT clock_timestamp()")
        while await search.index(connection, until):
            pass


def lit(order_id: UUID, seq: int, light: Light, due: datetime = T0, unit: str = "s1-road") -> ClocksSet:
    """One running clock of an order, in a light."""
    clock = ClockView(
        clock_id=clock_id_of(order_id, 1, Stage.HANDLE, unit),
        stage=Stage.HANDLE,
        owner=unit,
        start=T0,
        due=due,
        state=ClockState.RUNNING,
        policy="p",
        light=light,
    )
    return ClocksSet(order_id=order_id, seq=seq, clocks=(clock,))


async def everything(person: Person, path: str, **said: Any) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        status, page = await person.get(path, **{"limit": 2, **said}, cursor=cursor)
        assert status == 200, page
        found += page["items"]
        cursor = page["next"]
    return found
