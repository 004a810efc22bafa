"""Gives notices when their time has come: warnings before a deadline, misses after it.

A notice is given only when the lowest Tick of all partitions has passed its moment and no fact of its order waits or is
dead: then everything that could have met the clock is folded, so that lag never makes a breach.
"""

import asyncio
from datetime import datetime

import asyncpg

from schemas.topics import ORDERS_EVENTS
from services.chassis import metrics, outbox
from services.chassis.clock import monotonic
from services.chassis.database import Connection
from services.chassis.delivery import LOCK_BUCKETS
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.supervision.handlers import news
from services.supervision.handlers.orders import LOCK_SPACE, lock_of
from services.supervision.rules.timers import MISS, WARN, Notice
from services.supervision.store import timers

log = logger(__name__)
LOOK_EVERY = 1.0  # seconds between two looks at what holds notices back


class Sweep:
    """The timers of one worker; any number of workers may sweep beside each other."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        relay: Relay | None = None,
        every: float = 0.15,
        page: int = 500,
        held: float = 30.0,
        partitions: int = ORDERS_EVENTS.partitions,
    ) -> None:
        self._pool = pool
        self._relay = relay
        self._every = every
        self._page = page
        self._held = held
        self._partitions = partitions
        self._alarmed = False
        self._began = monotonic()

    async def run(self) -> None:
        """Sweep for ever; nothing that goes wrong in one sweep stops the next."""
        look_at = 0.0
        while True:
            try:
                await self.drain()
                if monotonic() >= look_at:
                    look_at = monotonic() + LOOK_EVERY
                    await self.look()
            except Exception as error:  # timers must outlive every failure; waits are expected, others are told
                if not is_wait(error):
                    log.error("sweep failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(self._every)

    async def drain(self) -> int:
        """Sweep until nothing more can be given now; how many notices were."""
        given = 0
        while True:
            claimed, done = await self._page_of()
            given += done
            if claimed < self._page or done == 0:
                return given

    async def _page_of(self) -> tuple[int, int]:
        """One transaction: how many clocks were ripe, how many notices were given."""
        async with self._pool.acquire() as connection:
            low = await timers.lowest_tick(connection, self._partitions)
            if low is None:
                return 0, 0
            async with connection.transaction():
                ripe = await timers.claim(connection, low, self._page)
                if not ripe:
                    return 0, 0
                free = await timers.try_lock(connection, LOCK_SPACE, {lock_of(each.order_id) for each in ripe})
                mine = [each for each in ripe if lock_of(each.order_id) % LOCK_BUCKETS in free]
                given = await self._give(connection, mine, low)
        if self._relay is not None:
            self._relay.wake()
        return len(ripe), given

    async def _give(self, connection: Connection, ripe: list[timers.Ripe], low: datetime) -> int:
        if not ripe:
            return 0
        now = await connection.fetchval("SELECT clock_timestamp()")
        # After a long silence both notices of a clock are due: the miss alone is news.
        notices: list[tuple[timers.Ripe, Notice]] = [
            (each, MISS if each.notice == MISS or each.view.due < low else WARN) for each in ripe
        ]
        times = await timers.give(connection, notices, now)
        await timers.warned(connection, [each for each, notice in notices if notice == WARN])
        await timers.missed(connection, [each for each, notice in notices if notice == MISS])
        said = []
        for each, notice in notices:
            if each.view.clock_id in times:
                said.append(news.noticed(notice, each.order_id, each.view, times[each.view.clock_id], now))
                metrics.NOTICES.labels(each.view.stage, "warned" if notice == WARN else "missed").inc()
        await outbox.write(connection, said, urgent=False, recorded_at=now)
        metrics.TIMER_LAG.set(max(0.0, (now - ripe[0].at).total_seconds()))
        return len(ripe)

    async def look(self) -> None:
        """Measure what holds notices back; a Tick that stands still is an alarm, never a breach."""
        async with self._pool.acquire() as connection:
            lag = await timers.lag(connection, self._partitions)
        metrics.PENDING_FACTS.set(lag.waiting + lag.dead)
        metrics.PENDING_AGE.set((lag.now - lag.waiting_since).total_seconds() if lag.waiting_since else 0)
        age = (lag.now - lag.low).total_seconds() if lag.low is not None else monotonic() - self._began
        metrics.TICK_AGE.set(age)
        if age > self._held and not self._alarmed:
            log.error("tick held: no deadline is called missed", seconds=round(age, 1))
        self._alarmed = age > self._held
