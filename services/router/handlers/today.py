"""Reads the day for a batch of reports, keeps it while they are decided, and writes what was called."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID
from zlib import crc32

from schemas.ids import successor_id
from services.chassis.database import Connection
from services.router import store
from services.router.rules.acting import watched
from services.router.rules.atlas import Atlas
from services.router.rules.day import Day, Standing
from services.router.rules.plan import Decision, Kind, Prepared

FREE, BUSY, OFF = "free", "busy", "off"


class Today:
    """What a batch needs to know of the day. Its resources are locked by kind, so that two lanes never call one."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self.day = Day()
        self._called: dict[str, store.Seen] = {}

    @staticmethod
    def locks(prepared: Prepared) -> Iterable[int]:
        """One key for each kind of resource that may be called."""
        rule = prepared.matched.rule
        return (crc32(f"resource/{kind}".encode()) for kind in rule.resources) if rule else ()

    async def gather(self, connection: Connection, asked: Iterable[Prepared], now: datetime) -> None:
        """Loads of the units these reports may go to, free resources of the kinds asked for, warnings in force."""
        atlas, units, kinds = self._atlas, set[str](), set[str]()
        for one in asked:
            division = one.located.place.division if one.located.place else atlas.city.root
            if atlas.city.capacities:
                for unit in (one.matched.lead, *one.matched.assists):
                    units.update(watched(unit, division, atlas))
            if one.matched.rule:
                kinds.update(one.matched.rule.resources)
        if units:
            self.day.open_parts = await store.open_parts(connection, sorted(units))
        if kinds:
            self.day.free = await free_resources(connection, atlas, kinds)
        if any(row.warnings for row in atlas.city.elevations):
            self.day.warnings = await store.warnings_from(connection, now)

    def fold(self, decision: Decision, now: datetime) -> None:
        """What later reports of the batch find: one more part for each limited unit, what was called is gone."""
        if decision.kind not in (Kind.PROPOSE, Kind.LINK) or decision.order_id is None:
            return
        plan, order_id = decision.fact.plan, decision.order_id
        if decision.kind is Kind.LINK:
            order_id = successor_id(order_id)  # what a link calls is for the order that follows one that has ended
        else:
            for unit in dict.fromkeys((plan.lead, *plan.assists)):
                if self._atlas.is_limited(unit):
                    self.day.open_parts[unit] = self.day.open_parts.get(unit, 0) + 1
        for one in plan.resources:
            stood = next(free for free in self.day.free if free.resource_id == one.resource_id)
            self.day.free.remove(stood)
            self._called[one.resource_id] = called(stood, order_id, now)

    async def apply(self, connection: Connection) -> None:
        """What was called is busy."""
        await store.call(connection, [row for _, row in sorted(self._called.items())])


def called(stood: Standing, order_id: UUID, now: datetime) -> store.Seen:
    """A resource from the moment on that it was called to an order."""
    return store.Seen(stood.resource_id, stood.lon, stood.lat, BUSY, order_id, now)


async def free_resources(connection: Connection, atlas: Atlas, kinds: set[str]) -> list[Standing]:
    """The resources of some kinds that may be called, where they were last said to be, else where they are at home."""
    registered = [one for one in atlas.city.resources if one.kind in kinds]
    known = await store.seen(connection, [one.resource_id for one in registered])
    free: list[Standing] = []
    for one in registered:
        last = known.get(one.resource_id)
        if last is None:
            free.append(Standing(one.resource_id, one.kind, one.name, one.unit, one.lon, one.lat))
        elif last.state == FREE:
            free.append(Standing(one.resource_id, one.kind, one.name, one.unit, last.lon, last.lat))
    return free
