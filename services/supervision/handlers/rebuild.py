"""Supervision's view made anew: timelines and clocks out of the history, notices as they were given.

Notices are no view: they were said, and the row in `notices` is the only proof. They are left where they are, and the
new clocks are armed by them: what was warned of or missed is not said again, a miss that the facts do not bear out is
taken back, one that was never noticed is the sweep's to find. Others are told of the clocks that they saw otherwise.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from schemas.envelope import Outgoing
from schemas.ids import uuid5
from services.chassis import metrics, outbox
from services.chassis.database import Connection
from services.chassis.delivery import Work
from services.chassis.logs import logger
from services.chassis.rebuild import fold_quietly
from services.supervision.handlers import news
from services.supervision.handlers.counting import REBUILT as WHY
from services.supervision.handlers.counting import Counted, Numbers
from services.supervision.handlers.orders import OrdersHandler, Written, lit
from services.supervision.rules.detectors import found
from services.supervision.rules.kpi.changes import changes, corrections
from services.supervision.rules.ladder import CANCELLED, RAISED, WAITING, WITHDRAWN, State
from services.supervision.rules.stages import Clock, Promises
from services.supervision.rules.timers import MISS
from services.supervision.store import cases, findings, measures, orders, rebuilding, rungs

log = logger(__name__)
PORTION = 500
OVERLAP = timedelta(minutes=1)  # longer than any transaction that gives a notice takes
NEVER = datetime.max.replace(tzinfo=UTC)
Gone = list[tuple[Clock, datetime]]


class ClocksView:
    """Timelines, clocks, and what waits behind a gap. `withdrawn` and `announced` count what the swap says."""

    tables: tuple[str, ...] = ("orders", "special_cases", "pending", "clocks", "measures", "overdue", "unit_words")

    def __init__(self, promises: Promises, numbers: Numbers | None = None) -> None:
        self._numbers = numbers or Numbers()
        self._handler = OrdersHandler(promises, self._numbers, quiet=True)
        self._touched: set[UUID] = set()
        self._gone: dict[UUID, Gone] = {}
        self._approached: datetime | None = None
        self.withdrawn = 0
        self.announced = 0
        self.corrected = 0

    async def begin(self, pool: asyncpg.Pool) -> None:
        """Nothing: all of it follows from facts."""

    async def fold(self, connection: Connection, works: Sequence[Work]) -> None:
        """Through the handler of the live view."""
        await fold_quietly(self._handler, connection, works)

    async def follow(self, connection: Connection, works: Sequence[Work]) -> None:
        """The same, and remember whose they were."""
        await fold_quietly(self._handler, connection, works)
        self._touched |= {work.fact.aggregate_id for work in works}

    async def approach(self, pool: asyncpg.Pool) -> None:
        """Arm the clocks by the notices given so far, and tell what others saw otherwise."""
        async with pool.acquire() as connection:
            self._approached = await connection.fetchval("SELECT clock_timestamp()") - OVERLAP
            after = UUID(int=0)
            while page := await rebuilding.noticed(connection, after, PORTION):
                async with connection.transaction():
                    await self._arm(connection, page)
                after = page[-1]
            for portion in _portions(await rebuilding.differing(connection)):
                async with connection.transaction():
                    await self._announce(connection, portion)
            await self._look_again(connection)

    async def conclude(self, connection: Connection) -> None:
        """The same for the orders that moved since, and take back the misses that were none."""
        assert self._approached is not None
        moved = self._touched | set(await rebuilding.noticed_since(connection, self._approached))
        for portion in _portions(sorted(moved)):
            await self._arm(connection, portion)
        for portion in _portions(await rebuilding.differing(connection, sorted(moved))):
            await self._announce(connection, portion)
        await self._take_back(connection)
        await self._correct(connection)
        log.info("rebuilt", announced=self.announced, withdrawn=self.withdrawn, corrected=self.corrected)

    async def _arm(self, connection: Connection, order_ids: Sequence[UUID]) -> None:
        known: dict[UUID, orders.Known | cases.Known] = {}
        known |= await orders.load_orders(connection, order_ids)
        known |= await cases.load(connection, order_ids)
        stored = await orders.load_clocks(connection, list(known))
        given = await rebuilding.standing(connection, list(known))
        written, warnings = Written(), []
        counted: list[Counted] = []
        for order_id, order in known.items():
            self._gone.pop(order_id, None)
            if order.timeline.imported:  # of which nothing is ever said
                continue
            rows = stored.get(order_id, {})
            before = dict(rows)
            for clock_id, row in rows.items():
                said = given.get((order_id, clock_id))
                warned, missed = (said.warned, said.missed) if said is not None else (None, None)
                before[clock_id] = replace(row, warned_due=warned, missed_due=missed)
                if warned != row.warned_due:
                    warnings.append((order_id, clock_id, warned))
            gone: Gone = []
            settled = self._handler.settled(order.timeline, before, order.timeline.opened_at)
            if isinstance(order, orders.Known):
                counted.append(Counted(order.timeline, order.ledger, [clock for clock, _ in settled], WHY))
            for clock, armed in settled:
                if rows[clock.view.clock_id].differs(clock, armed):
                    written.changed.append((order_id, clock, armed))
                if armed.withdrawn is not None:
                    gone.append((clock, armed.withdrawn))
            if gone:
                self._gone[order_id] = gone
        await rebuilding.remember_warnings(connection, warnings)
        await orders.update_clocks(connection, written.changed)
        await self._numbers.apply(connection, counted, NEVER, quiet=True)

    async def _look_again(self, connection: Connection) -> None:
        """What detectors found was said, like notices. Orders in which the facts show something else are marked, and
        the worker looks at them after the swap."""
        now, after = await connection.fetchval("SELECT clock_timestamp()"), UUID(int=0)
        while page := await rebuilding.orders_after(connection, after, PORTION):
            known = await orders.load_orders(connection, page)
            stored = await findings.of_orders(connection, page)
            odd = [
                order_id
                for order_id, order in known.items()
                if {f.finding_id for f in found(order.timeline, order.ledger, self._numbers.rules, now)}
                != {id_ for id_, one in stored.get(order_id, {}).items() if not one.withdrawn}
            ]
            await measures.mark(connection, [*odd, *await rebuilding.crowded(connection, page)], WHY)
            after = page[-1]

    async def _correct(self, connection: Connection) -> None:
        """Frozen days stay as they are: where the new view counts otherwise, that is a correction."""
        now = await connection.fetchval("SELECT clock_timestamp()")
        through = await measures.frozen_through(connection)
        if through is None:
            return
        done = []
        for portion in _portions(await rebuilding.counting_otherwise(connection, through)):
            live = await rebuilding.live_measures(connection, portion)
            new = await measures.load(connection, portion)
            for order_id in portion:
                changed = changes(live.get(order_id, ()), new.get(order_id, ()))
                done += [(order_id, WHY, one) for one in corrections(changed, through)]
        await measures.correct(connection, done, now)
        self.corrected = len(done)
        metrics.CORRECTIONS.labels("rebuilt").inc(len(done))

    async def _announce(self, connection: Connection, order_ids: Sequence[UUID]) -> None:
        now = await connection.fetchval("SELECT clock_timestamp()")
        said = []
        for order_id, shown in (await rebuilding.shown(connection, order_ids)).items():
            views = tuple(lit(Clock(view, warn_at), now) for view, warn_at in shown.clocks)
            said.append(news.clocks_set(order_id, shown.seq, views, uuid5(order_id, f"{WHY}\x1f{now}"), now))
        await outbox.write(connection, said, urgent=False, recorded_at=now)
        self.announced += len(said)

    async def _take_back(self, connection: Connection) -> None:
        now = await connection.fetchval("SELECT clock_timestamp()")
        gone = [(order_id, clock, due) for order_id, found in self._gone.items() for clock, due in found]
        rows = [(order_id, clock.view.clock_id, due, WHY) for order_id, clock, due in gone]
        await orders.withdraw_notices(connection, rows, now)
        said = [
            news.withdrawn(order_id, clock.view, due, WHY, uuid5(order_id, f"{WHY}\x1f{now}"), now)
            for order_id, clock, due in gone
        ]
        said += await self._end_rungs(connection, gone, now)
        await outbox.write(connection, said, urgent=False, recorded_at=now)
        self.withdrawn = len(gone)

    async def _end_rungs(
        self, connection: Connection, gone: list[tuple[UUID, Clock, datetime]], now: datetime
    ) -> list[Outgoing]:
        """The ladder of a miss that was none goes with it."""
        stored = await rungs.load(connection, list({order_id for order_id, _, _ in gone}))
        ended: list[tuple[rungs.Stored, State]] = []
        said = []
        for order_id, clock, due in gone:
            for rung in stored.get(order_id, ()):
                if (rung.clock_id, rung.due, rung.after) != (clock.view.clock_id, due, MISS):
                    continue
                if rung.state == WAITING:
                    ended.append((rung, CANCELLED))
                elif rung.state == RAISED:
                    ended.append((rung, WITHDRAWN))
                    cause = uuid5(order_id, f"{WHY}\x1f{now}")
                    said.append(news.cleared(order_id, clock.view, rung, WHY, True, cause, now))
        await rungs.moved(connection, ended, WHY, now)
        return said


def _portions(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[first : first + PORTION] for first in range(0, len(ids), PORTION))
