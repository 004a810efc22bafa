"""A seam that remembers the orders of dead letters: what is missing of an order must not make it late."""

from datetime import datetime

import asyncpg

from schemas.envelope import Record
from schemas.refusals import Refused
from services.chassis.database import Connection
from services.chassis.delivery import Seam, Work
from services.chassis.outbox import Relay
from services.chassis.settings import ServiceSettings
from services.supervision.handlers.orders import OrdersHandler


class MarkingSeam(Seam):
    """The seam of `orders.events`. An order is marked before its message is buried, so no moment lies between in which
    a Tick could pass; marking twice is marking once."""

    def __init__(
        self, handler: OrdersHandler, pool: asyncpg.Pool, settings: ServiceSettings, *, relay: Relay | None = None
    ) -> None:
        super().__init__(handler, pool, settings, relay=relay)
        self._orders = handler
        self._marks = pool

    async def _bury(self, dead: list[tuple[Record, str, str]]) -> None:
        async def mark() -> None:
            async with self._marks.acquire() as connection, connection.transaction():
                now = await connection.fetchval("SELECT clock_timestamp()")
                await self._orders.mark(connection, [record for record, _, _ in dead], now)

        await self.progress.patiently(mark)
        await super()._bury(dead)

    async def _refuse(self, connection: Connection, refused: list[tuple[Work, Refused]], now: datetime) -> None:
        await self._orders.mark(connection, [work.record for work, _ in refused], now)
        await super()._refuse(connection, refused, now)
