"""Gives notices when their time has come: warnings before a deadline, misses after it.

A notice is given only when the lowest Tick of all partitions has passed its moment and no fact of its order waits or is
dead: then everything that could have met the clock is folded, so that lag never makes a breach. After a standstill what
comes long after its moment is told as late, so that whoever passes it on to people can do so in one word.
"""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import Stage
from services.chassis import metrics, outbox
from services.chassis.clock import monotonic
from services.chassis.database import Connection
from services.chassis.delivery import LOCK_BUCKETS
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.supervision.handlers import climbing, news
from services.supervision.handlers.climber import Climber
from services.supervision.handlers.counting import MISSED
from services.supervision.handlers.orders import LOCK_SPACE, lock_of
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.timers import MISS, WARN
from services.supervision.store import measures, timers

log = logger(__name__)
COUNTED = (Stage.ACCEPT, Stage.CONTACT, Stage.HANDLE, Stage.TOTAL)  # whose misses move a number
LOOK_EVERY = 1.0  # seconds between two looks at what holds notices back
ASIDE = 60.0  # seconds until a clock that failed is tried again


class Sweep:
    """The timers of one worker; any number of workers may sweep beside each other."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        ladder: Ladder,
        *,
        relay: Relay | None = None,
        every: float = 0.15,
        page: int = 500,
        held: float = 30.0,
        late_after: float = 900.0,
        partitions: int = ORDERS_EVENTS.partitions,
    ) -> None:
        self._pool = pool
        self._relay = relay
        self._every = every
        self._page = page
        self._held = held
        self._partitions = partitions
        self._late_after = timedelta(seconds=late_after)
        self._ladder = ladder
        self._climber = Climber(pool, ladder, relay, page, self._late_after, partitions)
        self._size = page
        self._first: timers.Claimed | None = None
        self._aside: dict[UUID, float] = {}
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
        """Sweep until nothing more can be given now; how many notices were. What cannot be given is set aside, and
        stops nothing else. Then the rungs whose moment came."""
        given = await self._give_all()
        await self._climber.drain()
        return given

    async def _give_all(self) -> int:
        given = 0
        while True:
            size = self._size
            try:
                claimed, done = await self._page_of(size)
            except Exception as error:
                if is_wait(error):
                    raise
                await self._stumbled(size, error)
                continue
            given += done
            self._size = min(self._page, size * 2)
            if claimed < size or done == 0:
                return given

    async def _page_of(self, size: int) -> tuple[int, int]:
        """One transaction: how many clocks were ripe, how many notices were given."""
        self._first = None
        async with self._pool.acquire() as connection:
            low = await timers.lowest_tick(connection, self._partitions)
            if low is None:
                return 0, 0
            async with connection.transaction():
                claimed = await timers.claim(connection, low, size, self._set_aside())
                if not claimed:
                    return 0, 0
                self._first = claimed[0]
                free = await timers.try_lock(connection, LOCK_SPACE, {lock_of(each.order_id) for each in claimed})
                ripe = [each.read() for each in claimed if lock_of(each.order_id) % LOCK_BUCKETS in free]
                given = await self._give(connection, ripe, low)
        if self._relay is not None:
            self._relay.wake()
        return len(claimed), given

    async def _stumbled(self, size: int, error: Exception) -> None:
        """A page failed by our own fault: try half of it; a clock that fails alone is set aside for a while, so that it
        keeps nobody waiting."""
        if size > 1:
            self._size = size // 2
            return
        if self._first is None:  # not a clock's fault
            raise error
        bad, self._first = self._first, None
        self._aside[bad.clock_id] = monotonic() + ASIDE
        metrics.TIMERS_ASIDE.set(len(self._aside))
        log.error("a clock cannot be given notice of", order=str(bad.order_id), clock=str(bad.clock_id), exc_info=error)

    def _set_aside(self) -> list[UUID]:
        """Clocks that failed not long ago."""
        now = monotonic()
        if any(until <= now for until in self._aside.values()):
            self._aside = {clock: until for clock, until in self._aside.items() if until > now}
            metrics.TIMERS_ASIDE.set(len(self._aside))
        return list(self._aside)

    async def _give(self, connection: Connection, ripe: list[timers.Ripe], low: datetime) -> int:
        if not ripe:
            return 0
        now = await connection.fetchval("SELECT clock_timestamp()")
        # After a long silence both notices of a clock are due: the miss alone is news.
        notices = []
        for each in ripe:
            missed = each.notice == MISS or each.view.due < low
            moment = each.view.due if missed else each.at
            notices.append(timers.Given(each, MISS if missed else WARN, now - moment > self._late_after))
        times = await timers.give(connection, notices, now)
        await timers.warned(connection, [given.clock for given in notices if given.notice == WARN])
        gone = [given.clock for given in notices if given.notice == MISS]
        await timers.missed(connection, gone)
        await measures.mark(connection, [clock.order_id for clock in gone if clock.view.stage in COUNTED], MISSED)
        said = []
        for given in notices:
            view = given.clock.view
            if view.clock_id in times:
                order_id, count = given.clock.order_id, times[view.clock_id]
                said.append(news.noticed(given.notice, order_id, view, count, now, late=given.late))
                metrics.NOTICES.labels(view.stage, "warned" if given.notice == WARN else "missed").inc()
                if given.late:
                    metrics.NOTICES_LATE.labels(view.stage).inc()
        new = [given for given in notices if given.clock.view.clock_id in times]
        said += await climbing.begin(connection, self._ladder, new, low, now, self._late_after)
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
