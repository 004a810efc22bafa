"""Keeps the metrics of what waits for people true: dangers nobody accepted, triage, requests, bad words."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import asyncpg

from services.chassis import metrics
from services.dispatch.rules.directory import Directory
from services.dispatch.store import duty, pulse, reads
from services.dispatch.store.pulse import Waiting

WAITS: dict[str, Callable[[asyncpg.Pool], Awaitable[list[Waiting]]]] = {
    "danger": pulse.dangers,
    "triage": pulse.triage,
    "request": pulse.requests,
    "reopening": pulse.reopenings,
}


class Pulse:
    """Measures for one city. Places are told by their district, or the city where they lie in none."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._shown: dict[str, set[str]] = defaultdict(set)
        for place in (directory.city, *directory.districts()):
            metrics.PLACE.labels(place.code, place.name, place.lat or "", place.lon or "").set(1)

    async def invariants(self, pool: asyncpg.Pool) -> None:
        """Look once whether any open order is as none may be."""
        for what, count in (await pulse.broken(pool)).items():
            metrics.INVARIANT_BROKEN.labels(what).set(count)

    async def measure(self, pool: asyncpg.Pool) -> None:
        """Look once at everything."""
        count, age = await reads.pending_links(pool)
        metrics.LINKS_PENDING.set(count)
        metrics.LINKS_PENDING_AGE.set(age)
        metrics.DUTY_EMPTY.set(await duty.empty(pool, self._directory.rosters))
        at = await pulse.now(pool)
        for what, read in WAITS.items():
            found = await read(pool)
            name = str if what == "request" else self._directory.district_of
            self._show(what, merged(found, name), at)

    def _show(self, what: str, found: dict[str, Waiting], at: datetime) -> None:
        """Set the gauges of one kind of waiting; what nobody waits for any more is 0."""
        self._shown[what] |= found.keys()
        for key in self._shown[what]:
            each = found.get(key)
            age = max(0.0, (at - each.oldest).total_seconds()) if each else 0.0
            metrics.WAITING_PEOPLE.labels(what, key).set(each.count if each else 0)
            metrics.WAITING_OLDEST.labels(what, key).set(age)


def merged(found: Iterable[Waiting], name: Callable[[str], str]) -> dict[str, Waiting]:
    """The same under other names, those of one name together."""
    together: dict[str, list[Waiting]] = defaultdict(list)
    for each in found:
        together[name(each.key)].append(each)
    return {
        key: Waiting(key, sum(each.count for each in group), min(each.oldest for each in group))
        for key, group in together.items()
    }
