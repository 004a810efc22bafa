"""A small city's numbers on the real PostgreSQL: told, swept, counted again, frozen."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import asyncpg

from services.chassis.delivery import Seam
from services.supervision.handlers import NumberKeeper, Numbers, OrdersHandler, Sweep
from services.supervision.settings import SupervisionSettings
from tests.rules.supervision_timeline.story import Story, records, tick
from tests.rules.supervision_timeline.toy import CITY, LADDER, PROMISES

NUMBERS = Numbers.of(CITY)


class Town:
    """Supervision of the toy city."""

    def __init__(self, pool: asyncpg.Pool, settings: SupervisionSettings) -> None:
        self.pool = pool
        handler = OrdersHandler(PROMISES, NUMBERS)
        self.seam = Seam(handler, pool, settings, on_dead=handler.mark)
        self.sweep = Sweep(pool, LADDER)
        self.keeper = NumberKeeper(pool, PROMISES, NUMBERS)

    async def hear(self, *stories: Story) -> None:
        """All their facts; those it knows are repeats."""
        await self.seam.handle(records(*(fact for story in stories for fact in story.outgoing())))

    async def pass_(self, moment: datetime) -> list[Any]:
        """Time passes: what is due is called missed and counted, and days that are over freeze."""
        await self.seam.handle(tick(moment))
        await self.sweep.drain()
        await self.keeper.recount()
        return await self.keeper.freeze()


async def whole(ask: Any, path: str, limit: int = 100) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = await ask(f"{path}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        assert reply.status_code == 200, reply.text
        found += reply.json()["items"]
        cursor = reply.json()["next"]
        if not cursor:
            return found


def shown(rows: Iterable[dict[str, Any]]) -> dict[tuple[str, str], tuple[float, int]]:
    """Numbers by member and id."""
    return {(row["key"], row["kpi"]): (row["numerator"], row["denominator"]) for row in rows}
