"""Keeps the metrics of what falls due true."""

import asyncio
from collections import Counter
from itertools import count

import asyncpg

from schemas.city import City
from schemas.standing import districts_of
from services.chassis import metrics
from services.chassis.database import patiently
from services.supervision.store.pulse import clockless, falling_due

Key = tuple[str, str, str]
EVERY_S = 30.0
SELDOM = 10


class Pulse:
    """Measures for one city; what lies in no district is told under the city's own code."""

    def __init__(self, pool: asyncpg.Pool, city: City) -> None:
        self._pool = pool
        self._districts = districts_of(city)
        self._root = city.root
        self._shown: set[Key] = set()

    async def run(self) -> None:
        """Measure for ever; what must never be, more seldom: every open order is looked at for it."""
        for turn in count():
            await patiently(self.measure)
            if turn % SELDOM == 0:
                await patiently(self.invariants)
            await asyncio.sleep(EVERY_S)

    async def invariants(self) -> None:
        """Look once whether any open order has no clock."""
        metrics.INVARIANT_BROKEN.labels("clockless").set(await clockless(self._pool))

    async def measure(self) -> None:
        """Look once. What falls due no more is 0."""
        found: Counter[Key] = Counter()
        for each in await falling_due(self._pool):
            district = self._districts.get(each.division, self._root)
            found[each.stage, "2h", district] += each.hours
            found[each.stage, "24h", district] += each.day
        self._shown |= found.keys()
        for key in self._shown:
            metrics.CLOCKS_DUE.labels(*key).set(found[key])
