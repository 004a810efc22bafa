"""The auditor: page by page over everything that may still move, what should have fired beside what is stored.

Each page is one snapshot, so the work of folds and sweeps beside it is no difference. It writes nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.topics import ORDERS_EVENTS
from services.chassis import metrics
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.supervision.rules.audit import GRACE, Difference, Fault, Standing, judge
from services.supervision.rules.cases import case_clocks
from services.supervision.rules.stages import Clock, Promises, clocks
from services.supervision.store import cases, opened, orders, rebuilding, timers

log = logger(__name__)
FIRST = UUID(int=0)
NAMED = 20  # differences of one round that the log names


class Page(Struct, frozen=True):
    """What one page came to: the last id of it (None at the end), how many were looked at, what is wrong."""

    last: UUID | None
    orders: int
    clocks: int
    differences: list[Difference]


class Auditor:
    """Goes over open orders and special cases, again and again (`run`) or page by page."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        promises: Promises,
        *,
        page: int = 200,
        every: float = 5.0,
        partitions: int = ORDERS_EVENTS.partitions,
    ) -> None:
        self._pool = pool
        self._promises = promises
        self._page = page
        self._every = every
        self._partitions = partitions
        self._before: Counter[Fault] = Counter()  # what the last whole round found

    async def run(self) -> None:
        """Round after round, a page at a time; nothing that goes wrong ends it."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self._round()
            except Exception as error:  # the next round looks again; waits are expected, others are told
                if not is_wait(error):
                    log.error("clock audit failed", error=type(error).__name__, exc_info=True)

    async def _round(self) -> None:
        """Over everything once; the metric shows a difference at once, and goes down when a whole round had none."""
        found: Counter[Fault] = Counter()
        for of_cases in (False, True):
            last: UUID | None = FIRST
            while last is not None:
                page = await self.page(last, of_cases=of_cases)
                last = page.last
                found.update(self._told(page.differences, sum(found.values())))
                for fault, count in found.items():
                    metrics.CLOCK_AUDIT.labels(fault).set(max(count, self._before[fault]))
                await asyncio.sleep(self._every)
        found.update(self._told(await self.ended(), sum(found.values())))
        for fault in Fault:
            metrics.CLOCK_AUDIT.labels(fault).set(found[fault])
        self._before = found
        metrics.CLOCK_AUDIT_ROUNDS.inc()

    def _told(self, differences: Sequence[Difference], before: int) -> Counter[Fault]:
        for each in differences[: max(0, NAMED - before)]:
            log.error("clock differs", order=str(each.order_id), clock=str(each.clock_id), fault=each.fault)
        return Counter(each.fault for each in differences)

    async def page(self, after: UUID, *, of_cases: bool = False) -> Page:
        """The next page of open orders, or of special cases, behind an id."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            take = opened.next_cases if of_cases else opened.next_open
            ids = await take(connection, after, self._page)
            if not ids:
                return Page(None, 0, 0, [])
            low = await timers.lowest_tick(connection, self._partitions)
            stored = await orders.load_clocks(connection, ids)
            standing = await rebuilding.standing(connection, ids)
            held = await opened.held(connection, ids)
            of_each = await self._clocks(connection, ids, of_cases)
        wrong: list[Difference] = []
        for id_, found in of_each.items():
            said: Mapping[UUID, Standing] = {clock: each for (order, clock), each in standing.items() if order == id_}
            wrong += judge(found, stored.get(id_, {}), said, id_, low, held=id_ in held)
        counted = sum(len(found) for found in of_each.values())
        return Page(ids[-1] if len(ids) == self._page else None, len(ids), counted, wrong)

    async def _clocks(self, connection: Connection, ids: Sequence[UUID], of_cases: bool) -> dict[UUID, list[Clock]]:
        if of_cases:
            return {id_: case_clocks(each.timeline) for id_, each in (await cases.load(connection, ids)).items()}
        known = await orders.load_orders(connection, ids)
        return {id_: clocks(each.timeline, self._promises) for id_, each in known.items()}

    async def ended(self) -> list[Difference]:
        """Clocks of orders that ended to which a notice is owed since long."""
        async with self._pool.acquire() as connection:
            low: datetime | None = await timers.lowest_tick(connection, self._partitions)
            rows = [] if low is None else await opened.overdue_of_ended(connection, low - GRACE, 1000)
        return [
            Difference(order_id, clock_id, stage, Fault.NOT_MISSED, f"since {at.isoformat()}, its order has ended")
            for order_id, clock_id, stage, at in rows
        ]
