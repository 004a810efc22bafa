"""Brings rungs on whose moment has come: beside the notices, by the same Ticks, under the same locks."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from services.chassis import metrics, outbox
from services.chassis.clock import monotonic
from services.chassis.delivery import LOCK_BUCKETS
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.supervision.handlers.climbing import climb
from services.supervision.handlers.orders import LOCK_SPACE, lock_of
from services.supervision.rules.ladder import Ladder
from services.supervision.store import rungs, timers

log = logger(__name__)
ASIDE = 60.0  # seconds until a rung that failed is tried again


class Climber:
    """The waiting rungs of one worker; any number of workers may climb beside each other."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        ladder: Ladder,
        relay: Relay | None,
        page: int,
        late_after: timedelta,
        partitions: int,
    ) -> None:
        self._pool = pool
        self._ladder = ladder
        self._relay = relay
        self._page = self._size = page
        self._late_after = late_after
        self._partitions = partitions
        self._first: rungs.Claimed | None = None
        self._aside: dict[UUID, float] = {}

    async def drain(self) -> None:
        """Raise everything that can be now. What cannot is set aside for a while, and stops nothing else."""
        while True:
            size = self._size
            try:
                done = await self._page_of(size)
            except Exception as error:
                if is_wait(error) or not self._narrowed(size, error):
                    raise
                continue
            self._size = min(self._page, size * 2)
            if done == 0:
                return

    async def _page_of(self, size: int) -> int:
        """One transaction: how many rungs were raised, or found to be past."""
        self._first = None
        async with self._pool.acquire() as connection:
            low = await rungs.ripe_before(connection, self._partitions)
            if low is None:
                return 0
            async with connection.transaction():
                claimed = await rungs.claim(connection, low, size, self._set_aside())
                if not claimed:
                    return 0
                self._first = claimed[0]
                free = await timers.try_lock(connection, LOCK_SPACE, {lock_of(each.order_id) for each in claimed})
                ripe = [each.read() for each in claimed if lock_of(each.order_id) % LOCK_BUCKETS in free]
                now = await connection.fetchval("SELECT clock_timestamp()")
                said = await climb(connection, self._ladder, ripe, now, self._late_after)
                await outbox.write(connection, said, urgent=False, recorded_at=now)
        if self._relay is not None:
            self._relay.wake()
        return len(ripe)

    def _narrowed(self, size: int, error: Exception) -> bool:
        """A page failed by our own fault: half of it comes next; a rung that fails alone is set aside. Answers whether
        there is anything left to try."""
        if size > 1:
            self._size = size // 2
            return True
        if self._first is None:  # not a rung's fault
            return False
        bad = self._first
        self._aside[bad.clock_id] = monotonic() + ASIDE
        metrics.RUNGS_ASIDE.set(len(self._aside))
        log.error("a rung cannot be raised", order=str(bad.order_id), clock=str(bad.clock_id), exc_info=error)
        return True

    def _set_aside(self) -> list[UUID]:
        """Clocks whose rungs failed not long ago."""
        now = monotonic()
        if any(until <= now for until in self._aside.values()):
            self._aside = {clock: until for clock, until in self._aside.items() if until > now}
            metrics.RUNGS_ASIDE.set(len(self._aside))
        return list(self._aside)
