"""The router's view made anew: matters out of its own decisions, what became of their orders out of the history.

A decision keeps what its report told the matters (place, asset, subject, the signature of its words), so no text is
asked for again; the keys are computed anew, by the pack as it is now. Devices' states are no view and stay.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.chassis.logs import logger
from services.chassis.rebuild import fold_quietly
from services.router import store
from services.router.handlers.orders import Landed, OrdersHandler, limits_of
from services.router.rules.atlas import Atlas
from services.router.rules.keys import matter_keys
from services.router.rules.merge import Matter, joined

log = logger(__name__)
PORTION = 2000
SKEW = timedelta(minutes=10)  # how far apart the clocks of our database and dispatch's may be


class MattersView:
    """Matters and the keys they are found by. `settling` is the longest a transaction of ours may take: a decision
    older than that can no longer appear. `lost` counts links to a matter that no decision opened."""

    tables: tuple[str, ...] = ("matters", "matter_keys", "parts")

    def __init__(self, atlas: Atlas, settling: timedelta) -> None:
        self._atlas = atlas
        self._settling = settling
        self._handler = OrdersHandler(limits_of(atlas))
        self._place = store.Place()
        self._recent: datetime | None = None
        self._late = Landed()
        self.lost = 0

    async def begin(self, pool: asyncpg.Pool) -> None:
        """Every decision that is settled."""
        async with pool.acquire() as connection:
            self._recent = await self._settled(connection) - SKEW
        await self.approach(pool)

    async def fold(self, connection: Connection, works: Sequence[Work]) -> None:
        """What became of orders, through the handler of the live view. What is recent may be about a matter whose
        decision was not settled yet: that is said again at the end."""
        await fold_quietly(self._handler, connection, works)
        assert self._recent is not None
        self._remember([work for work in works if work.fact.recorded_at >= self._recent])

    async def follow(self, connection: Connection, works: Sequence[Work]) -> None:
        """The same, at the end."""
        self._remember(works)

    async def approach(self, pool: asyncpg.Pool) -> None:
        """The decisions that have settled by now."""
        async with pool.acquire() as connection:
            until = await self._settled(connection)
            while True:
                async with connection.transaction():
                    if not await self._portion(connection, until):
                        return

    async def conclude(self, connection: Connection) -> None:
        """The last decisions: the live router stands still, and each that was committed has its matter in the live
        view. Then what became of orders of late."""
        while await self._portion(connection, None):
            pass
        await self._late.write(connection, counted=True)
        log.info("rebuilt", late=len(self._late.landings), lost=self.lost)

    async def _settled(self, connection: Connection) -> datetime:
        moment: datetime = await connection.fetchval("SELECT clock_timestamp() - 2 * $1::interval", self._settling)
        return moment

    def _remember(self, works: Sequence[Work]) -> None:
        for work in works:
            if self._handler.wants(work.fact):
                self._handler.decide(self._late, work, Output())

    async def _portion(self, connection: Connection, before: datetime | None) -> bool:
        rows = await store.recall(connection, self._place, before, PORTION)
        if not rows:
            return False
        await self._recall(connection, rows)
        self._place = rows[-1].place
        return True

    async def _recall(self, connection: Connection, rows: Sequence[store.Recalled]) -> None:
        there = set(await store.matters_of(connection, {row.order_id for row in rows if row.place.links}))
        born: dict[UUID, Matter] = {}
        added: dict[UUID, Matter] = {}
        keys: dict[tuple[int, UUID], datetime] = {}
        for row in rows:
            this, order_id = row.told.this, row.order_id
            if row.place.links and order_id not in there and order_id not in born:
                self.lost += 1
                continue
            if not row.place.links:
                born[order_id] = this
            elif order_id in born:
                born[order_id] = joined(born[order_id], this)
            else:
                before = added.get(order_id)
                added[order_id] = replace(this, order_id=order_id) if before is None else joined(before, this)
            for key in matter_keys(this, self._atlas) if row.told.merges else ():
                keys[key, order_id] = max(this.last_at, keys.get((key, order_id), this.last_at))
        found = [(key, at, order_id) for (key, order_id), at in keys.items()]
        await store.save_matters(connection, list(born.values()), list(added.values()), found)
