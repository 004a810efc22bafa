"""Keeps the metrics of what falls due true."""

import asyncio
from collections import Counter

import asyncpg

from schemas.city import City
from schemas.standing import districts_of
from services.chassis import metrics
from services.chassis.database import patiently
from services.supervision.store.pulse import falling_due

Key = tuple[str, str, str]
EVERY_S = 30.0


class Pulse:
    """Measures for one city; what lies in no district is told under the city's own code."""

    def __init__(self, pool: asyncpg.Pool, city: City) -> None:
        self._pool = pool
        self._districts = districts_of(city)
        self._root = city.root
        self._shown: set[Key] = set()

    async def run(self) -> None:
        """Measure for ever."""
        while True:
            await patiently(self.measure)
            await asyncio.sleep(EVERY_S)

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
