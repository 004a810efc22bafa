"""Whether a consumer gets on: progress, waiting for a dependency (which counts as progress), and the watchdog that
ends a process in which neither happens. Ending it is safe: offsets are committed only after the transaction."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.chassis import metrics
from services.chassis.clock import SystemClock, monotonic
from services.chassis.errors import is_wait
from services.chassis.logs import logger

log = logger(__name__)
T = TypeVar("T")
LONG_S = 5.0  # from then on a batch under way explains why nothing else is read
STUCK = 70  # exit code of a process ended by its watchdog


class Progress:
    """The pulse of one consumer."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._waiting = 0
        self._last = monotonic()
        self._busy = False
        self.stopped = False  # stands still on purpose, until a person has looked
        self._clock = SystemClock()

    def made(self) -> None:
        """A batch came to its end."""
        self._waiting = 0
        self._last = monotonic()
        metrics.WAITING.labels(self._consumer).set(0)
        metrics.LAST_PROGRESS.labels(self._consumer).set(self._clock.now().timestamp())

    def begin(self) -> None:
        """A batch was taken up: from now on progress is owed."""
        self._busy = True
        self._last = monotonic()

    def end(self) -> None:
        """Nothing is owed until the next batch."""
        self._busy = False

    async def wait(self, error: BaseException) -> None:
        """One pause because a dependency is away: 50 ms, doubling up to 5 s."""
        if self._waiting == 0:
            log.warning("waiting for a dependency", consumer=self._consumer, error=type(error).__name__)
        metrics.WAITING.labels(self._consumer).set(1)
        self._last = monotonic()
        pause = min(5.0, 0.05 * 2 ** min(self._waiting, 8))
        self._waiting += 1
        await asyncio.sleep(pause)
        self._last = monotonic()

    async def patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, waiting out what dependencies do; other errors are raised."""
        while True:
            try:
                result = await work()
            except Exception as error:  # sorted by is_wait
                if not is_wait(error):
                    raise
                await self.wait(error)
                continue
            if self._waiting:
                self.made()
            return result

    def stuck_for(self) -> float:
        """Seconds since the last sign of life while a batch is under way; 0 when none is."""
        return monotonic() - self._last if self._busy else 0.0

    def held(self) -> bool:
        """Whether there is a reason not to get on: a dependency is away, a person must look, a batch takes long."""
        return self.stopped or self._waiting > 0 or self.stuck_for() > LONG_S


async def watch(pulses: Sequence[Progress], limit: float, end: Callable[[int], object] = os._exit) -> None:
    """End the process hard when a consumer has shown neither progress nor a wait for `limit` seconds."""
    while True:
        await asyncio.sleep(min(limit / 4, 5))
        for pulse in pulses:
            if pulse.stuck_for() > limit:
                log.error("no progress, ending the process", seconds=round(pulse.stuck_for(), 1))
                end(STUCK)
                return
