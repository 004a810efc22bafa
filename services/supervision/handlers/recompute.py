"""Clocks under other terms: open orders gone over page by page, what moved written and announced, or only told.

Each page is one transaction that takes the orders' locks, so folds and sweeps go on beside it, and ended half-way it
can begin again: what is done already does not move a second time.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.envelope import Outgoing
from schemas.ids import uuid5
from services.chassis import outbox
from services.chassis.database import Connection
from services.chassis.delivery import lock
from services.supervision.handlers import news
from services.supervision.handlers.climbing import Rungs
from services.supervision.handlers.orders import LOCK_SPACE, OrdersHandler, Written, lit, lock_of
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.recompute import Moved, Report, Screen, why
from services.supervision.rules.stages import Clock, Promises
from services.supervision.rules.timers import Armed, Stored
from services.supervision.store import measures, opened, orders, rungs

FIRST = UUID(int=0)
READ, PORTION = 2000, 500
WHY = "Recomputed"
_SPACE = 1 << 128


class Found(Struct, frozen=True):
    """One order's clocks as they are stored and as they must be."""

    order: orders.Known
    before: dict[UUID, Stored]
    after: list[tuple[Clock, Armed]]


class Recompute:
    """From the terms that stored clocks may be of (None: unknown, so everything is looked into) to `new`. With `write`
    what moved is written and announced; else it is only added up."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        new: Promises,
        old: Sequence[Promises] | None,
        *,
        write: bool,
        say: Callable[[float, Report], None] = lambda share, report: None,
    ) -> None:
        self._pool = pool
        self._new = new
        self._old = old
        self._screens = None if old is None else [Screen(each, new) for each in old]
        self._handler = OrdersHandler(new, quiet=True)
        self._ladder = Ladder(new.newest.terms)
        self._write = write
        self._say = say
        self.report = Report()

    async def run(self) -> Report:
        """Over all open orders; ends with what moved. The next page is read while this one is worked on."""
        if self._screens == []:  # nothing but the new terms was ever in use
            return self.report
        reading = asyncio.create_task(self._read(FIRST))
        try:
            while page := await reading:
                after = page[-1].order_id
                reading = asyncio.create_task(self._read(after))
                await asyncio.sleep(0)  # so that it is asked for before the work begins
                self.report.orders += len(page)
                wanted = [each.order_id for each in page if self._may_move(each)]
                for first in range(0, len(wanted), PORTION):
                    await self._portion(wanted[first : first + PORTION])
                self._say(after.int / _SPACE, self.report)
        finally:
            reading.cancel()
        return self.report

    async def _read(self, after: UUID) -> list[opened.Spread]:
        async with self._pool.acquire() as connection:
            return await opened.spreads(connection, after, READ)

    def _may_move(self, order: opened.Spread) -> bool:
        if self._screens is None or order.first is None or order.last is None or order.due is None:
            return True
        return any(screen.touches(order.timeline, order.first, order.last, order.due) for screen in self._screens)

    async def _portion(self, order_ids: Sequence[UUID]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if self._write:
                now = await lock(connection, LOCK_SPACE, {lock_of(order_id) for order_id in order_ids})
            else:
                now = await connection.fetchval("SELECT clock_timestamp()")
            known = await orders.load_orders(connection, order_ids)
            stored = await orders.load_clocks(connection, list(known))
            written, said = Written(), []
            climbed = Rungs(self._ladder, await rungs.load(connection, list(known)) if self._write else {})
            for order_id, order in known.items():
                if order.timeline.is_open:  # it may have ended since it was read
                    before = stored.get(order_id, {})
                    after = self._handler.settled(order.timeline, before, order.timeline.opened_at)
                    said += self._one(Found(order, before, after), written, climbed, now)
            if self._write:
                await self._apply(connection, written, said, now)
                await climbed.apply(connection, now)
        self.report.looked_into += len(known)

    def _one(self, found: Found, written: Written, climbed: Rungs, now: datetime) -> list[Outgoing]:
        """Count what moved of one order, and word it; the ladder of a miss that was none goes with it."""
        timeline, shown, taken = found.order.timeline, False, []
        order_id = timeline.order_id
        cause = uuid5(order_id, f"{WHY}\x1f{now}")
        for clock, armed in found.after:
            view = clock.view
            row = found.before.get(view.clock_id)
            if armed.withdrawn is not None:
                written.gone.append((order_id, view.clock_id, armed.withdrawn, WHY))
                taken.append(news.withdrawn(order_id, view, armed.withdrawn, WHY, cause, now))
                self.report.misses_taken_back += 1
            if row is not None and not row.differs(clock, armed):
                continue
            (written.new if row is None else written.changed).append((order_id, clock, armed))
            shown = shown or row is None or _seen(row) != (view.due, view.state, view.owner, view.start, view.policy)
            self.report.add(self._moved(found, clock, row), now)
        if not shown and not taken:
            return []
        self.report.moved_orders += 1
        views = tuple(lit(clock, now) for clock, _ in found.after)
        ladder = climbed.settle(order_id, timeline.urgency, found.after, WHY, cause, now)
        return [news.clocks_set(order_id, found.order.seq, views, cause, now), *taken, *ladder]

    def _moved(self, found: Found, clock: Clock, row: Stored | None) -> Moved:
        view, timeline = clock.view, found.order.timeline
        old = self._old[0] if self._old else self._new
        return Moved(
            order_id=timeline.order_id,
            clock_id=view.clock_id,
            stage=view.stage,
            owner=view.owner,
            class_key=timeline.class_key,
            due_before=None if row is None else row.due,
            due=view.due,
            state_before="" if row is None else row.state,
            state=view.state,
            why=why("" if row is None else row.policy, view, old, self._new, timeline.opened_at),
        )

    async def _apply(self, connection: Connection, written: Written, said: list[Outgoing], now: datetime) -> None:
        await orders.insert_clocks(connection, written.new)
        await orders.update_clocks(connection, written.changed)
        await measures.mark(connection, [each[0] for each in (*written.new, *written.changed)], WHY)
        await orders.withdraw_notices(connection, written.gone, now)
        await outbox.write(connection, said, urgent=False, recorded_at=now)


def _seen(row: Stored) -> tuple[object, ...]:
    """What others see of a clock."""
    return (row.due, row.state, row.owner, row.start, row.policy)
