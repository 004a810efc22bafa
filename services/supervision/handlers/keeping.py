"""What time alone does to numbers: recounts after deadlines and appeals, the freezing of days, and what detectors find
because nothing happened.

Any number of workers may do this beside each other: orders are counted under their lock, a day is frozen once.
"""

import asyncio
from datetime import date, datetime, time, timedelta
from uuid import UUID

import asyncpg

from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import FindingKind
from services.chassis import metrics, outbox
from services.chassis.clock import monotonic
from services.chassis.database import Connection
from services.chassis.delivery import lock
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.supervision.handlers.counting import TIME, Counted, Numbers
from services.supervision.handlers.exporting import EVERY as EXPORT_EVERY
from services.supervision.handlers.exporting import Exporter
from services.supervision.handlers.orders import LOCK_SPACE, OrdersHandler, lock_of
from services.supervision.rules.stages import Promises
from services.supervision.store import findings, freezing, measures, orders, timers

log = logger(__name__)
PAGE = 500
FREEZE_EVERY = 30.0  # seconds between two looks whether a day can be frozen
EXPORT_REST = 30.0  # how many times as long as it took the next export waits: numbers must not slow the clocks
LOOK_EVERY = 60.0  # between two looks at silent units
RIPEN_EVERY = 3600.0  # between two looks at what becomes worth a look by age


class NumberKeeper:
    """The background work of one worker."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        promises: Promises,
        numbers: Numbers,
        *,
        relay: Relay | None = None,
        exporter: Exporter | None = None,
        every: float = 1.0,
        partitions: int = ORDERS_EVENTS.partitions,
    ) -> None:
        self._pool = pool
        self._numbers = numbers
        self._handler = OrdersHandler(promises, numbers)
        self._relay = relay
        self._exporter = exporter
        self._every = every
        self._partitions = partitions

    async def run(self) -> None:
        """Keep numbers for ever; nothing that goes wrong once stops the next round."""
        due = dict.fromkeys(("freeze", "look", "ripen", "export"), 0.0)
        while True:
            try:
                await self.recount()
                if monotonic() >= due["freeze"]:
                    due["freeze"] = monotonic() + FREEZE_EVERY
                    await self.freeze()
                if self._exporter is not None and monotonic() >= due["export"]:
                    began = monotonic()
                    await self._exporter.export()
                    due["export"] = monotonic() + max(EXPORT_EVERY, EXPORT_REST * (monotonic() - began))
                if monotonic() >= due["look"]:
                    due["look"] = monotonic() + LOOK_EVERY
                    await self.look()
                if monotonic() >= due["ripen"]:
                    due["ripen"] = monotonic() + RIPEN_EVERY
                    await self.ripen()
            except Exception as error:  # numbers must outlive every failure; waits are expected, others are told
                if not is_wait(error):
                    log.error("numbers failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(self._every)

    async def recount(self) -> int:
        """Count all marked orders again; how many were."""
        done = 0
        while True:
            async with self._pool.acquire() as connection:
                ids = await measures.marked(connection, PAGE)
                if not ids:
                    return done
                async with connection.transaction():
                    done += await self._page(connection, ids)
            if self._relay is not None:
                self._relay.wake()

    async def _page(self, connection: Connection, ids: list[UUID]) -> int:
        now = await lock(connection, LOCK_SPACE, {lock_of(id_) for id_ in ids})
        causes = await measures.claim_recounts(connection, ids)
        known = await orders.load_orders(connection, list(causes))
        stored = await orders.load_clocks(connection, list(known))
        counted = []
        for order_id, each in known.items():
            clocks = self._handler.settled(each.timeline, stored.get(order_id, {}), each.timeline.opened_at)
            of = [clock for clock, _ in clocks]
            counted.append(Counted(each.timeline, each.ledger, of, causes[order_id], near=True))
        said = await self._numbers.apply(connection, counted, now)
        await outbox.write(connection, said, urgent=False, recorded_at=now)
        return len(causes)

    async def freeze(self) -> list[date]:
        """Freeze every day that is over: the lowest Tick has passed its midnight, so everything that was recorded
        before is counted, and every deadline before it is decided. The days that were."""
        frozen: list[date] = []
        while True:
            async with self._pool.acquire() as connection:
                low = await timers.lowest_tick(connection, self._partitions)
                if low is None:
                    return frozen
                day = await freezing.next_day(connection, self._numbers.bearings.day(low))
                if day is None:
                    return frozen
                midnight = self.end_of(day)
                if midnight > low or not await freezing.settled(connection, midnight):
                    return frozen
                async with connection.transaction():
                    made = await freezing.freeze(connection, day)
            if made:
                frozen.append(day)
                metrics.FROZEN_THROUGH.set(midnight.timestamp())
                log.info("day frozen", day=day.isoformat())

    def end_of(self, day: date) -> datetime:
        """The midnight that ends a day of the city."""
        return datetime.combine(day + timedelta(days=1), time(), self._numbers.bearings.zone)

    async def look(self) -> None:
        """Find units that fell silent."""
        async with self._pool.acquire() as connection, connection.transaction():
            now = await connection.fetchval("SELECT clock_timestamp()")
            said = await self._numbers.silences(connection, now)
            await outbox.write(connection, said, urgent=False, recorded_at=now)
        if said and self._relay is not None:
            self._relay.wake()

    async def ripen(self) -> None:
        """Mark orders in which the mere passing of time may have shown something."""
        rules = self._numbers.rules.of
        parked, overlooked = rules.get(FindingKind.PARKED_LONG), rules.get(FindingKind.OVERLOOKED)
        async with self._pool.acquire() as connection, connection.transaction():
            now = await connection.fetchval("SELECT clock_timestamp()")
            ids = await findings.ripening(
                connection, now, parked.days if parked else 0, overlooked.days if overlooked else 0
            )
            await measures.mark(connection, ids, TIME)
