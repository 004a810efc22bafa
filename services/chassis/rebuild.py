"""Makes a service's view of orders anew out of dispatch's history, while the live view works on (decision 0013).

    note the end of `orders.events` → history, order by order → indexes → what came meanwhile, from the noted end on →
    the live stands still → the rest → swap → the live goes on

Nothing is announced on the way and the live tables are not touched before the swap, which is one transaction: killed at
any moment before, nothing has happened, and the next run begins anew. Whatever the live view had folded when it stood
still was on Kafka before, so the new one has it too; what both have is a repeat to the live consumer, by its `seq`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Protocol
from uuid import UUID
from zlib import crc32

import asyncpg
from msgspec import Struct

from schemas.codec import Unreadable, decode
from schemas.envelope import Record
from schemas.facts import CaseFact, OrderFact
from schemas.refusals import Refused
from schemas.topics import ORDERS_EVENTS
from services.chassis.database import Connection
from services.chassis.delivery import Handler, Output, Work
from services.chassis.errors import is_wait
from services.chassis.history import History, Untold
from services.chassis.logs import failure_of, logger
from services.chassis.settings import ServiceSettings
from services.chassis.shadow import Held, Shadow
from services.chassis.tail import Tail

log = logger(__name__)
CLOSE_ENOUGH = 500  # messages behind, when it is worth letting the live stand still
LOCK_TRIES = 200
_NOBODY = UUID(int=0)
_SPACE = 1 << 128  # order ids are hashes: how far through them is how far through the orders


class Busy(Exception):
    """Another rebuild of this view is under way, or the live never let go of its tables."""


class Step(Struct, frozen=True):
    """How far it is: which step, `share` of it in 0–1, facts folded so far."""

    step: str
    share: float
    facts: int


class View(Protocol):
    """What a service makes anew. All but `conclude` work on the shadow alone, in transactions of their own."""

    tables: tuple[str, ...]

    async def begin(self, pool: asyncpg.Pool) -> None:
        """Before the first fact: what the view has beside the facts of orders."""

    async def fold(self, connection: Connection, works: Sequence[Work]) -> None:
        """Facts of the history, each order's in the order of its `seq`."""

    async def follow(self, connection: Connection, works: Sequence[Work]) -> None:
        """Facts that were published since it began; some may have been folded already."""

    async def approach(self, pool: asyncpg.Pool) -> None:
        """All that can be done before the live stands still."""

    async def conclude(self, connection: Connection) -> None:
        """The rest, in the transaction of the swap, while the live stands still."""


class Following(Protocol):
    """What `tail.Tail` is to a rebuild."""

    async def behind(self) -> int:
        """Messages between here and the end."""

    def to_end(self) -> AsyncIterator[list[Record]]:
        """Everything up to the end as it is now."""


class Rebuild:
    """One run. `history` gives pages of records, `say` is told of every step."""

    def __init__(
        self,
        view: View,
        shadow: Shadow,
        pool: asyncpg.Pool,
        *,
        history: Callable[[], AsyncIterator[list[Record]]],
        say: Callable[[Step], None],
    ) -> None:
        self._view = view
        self._shadow = shadow
        self._pool = pool
        self._history = history
        self._say = say
        self._facts = 0

    async def run(self, tail: Following) -> int:
        """Make it anew; how many facts were folded. `tail` stands at an end noted before. Raises Busy, and whatever
        dispatch or the database refuse; the live view is then as it was."""
        async with self._pool.acquire() as guard:
            key = crc32(f"rebuild:{self._shadow.live}".encode()) & 0x7FFFFFFF
            if not await guard.fetchval("SELECT pg_try_advisory_lock(0, $1)", key):
                raise Busy(f"a rebuild of {self._shadow.live} is under way")
            try:
                await self._shadow.begin(guard)
                await self._fill(tail)
                await self._change_over(tail)
            finally:
                await self._shadow.drop(guard)
                await guard.execute("SELECT pg_advisory_unlock(0, $1)", key)
        self._tell("done", 1.0)
        return self._facts

    async def _fill(self, tail: Following) -> None:
        self._tell("begin", 0.0)
        await self._view.begin(self._pool)
        async for page in self._history():
            works = [work for record in page if (work := _read(record)) is not None]
            async with self._pool.acquire() as connection, connection.transaction():
                await self._view.fold(connection, works)
            self._facts += len(works)
            self._tell("history", works[-1].fact.aggregate_id.int / _SPACE if works else 1.0)
        self._tell("indexes", 0.0)
        async with self._pool.acquire() as connection:
            await self._shadow.complete(connection)
        await self._catch_up(tail)
        self._tell("approach", 0.0)
        await self._view.approach(self._pool)
        await self._catch_up(tail)

    async def _catch_up(self, tail: Following) -> None:
        while await tail.behind() > CLOSE_ENOUGH:
            self._tell("following", 0.0)
            async for batch in tail.to_end():
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._follow(connection, batch)

    async def _follow(self, connection: Connection, batch: list[Record]) -> None:
        works = []
        for record in batch:
            try:
                work = _read(record)
            except Unreadable:  # a dead letter to the live consumer too, which marks its order
                continue
            if work is not None:
                works.append(work)
        if works:
            await self._view.follow(connection, works)
            self._facts += len(works)

    async def _change_over(self, tail: Following) -> None:
        self._tell("swap", 0.0)
        for _ in range(LOCK_TRIES):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._shadow.lock(connection)  # nothing has been read yet that a second try would miss
                    async for batch in tail.to_end():
                        await self._follow(connection, batch)
                    await self._view.conclude(connection)
                    await self._shadow.swap(connection)
                return
            except Held:
                await asyncio.sleep(0.05)
        raise Busy(f"{self._shadow.live} never let go of its tables")

    def _tell(self, step: str, share: float) -> None:
        self._say(Step(step, round(share, 4), self._facts))


async def rebuild(view: View, service: str, settings: ServiceSettings) -> None:
    """The process that rebuilds a service's view, telling each step in its log. Ends with 2 and a line on standard
    error when it cannot be done; the live view is then as it was."""
    history = History(settings.dispatch_url, settings.dispatch_token.get_secret_value())
    shadow = Shadow(service, view.tables)
    pool = await shadow.open_pool(settings)
    tail = await Tail.at_end(settings.kafka_bootstrap, ORDERS_EVENTS)

    def say(step: Step) -> None:
        log.info("rebuilding", step=step.step, share=step.share, facts=step.facts)

    try:
        await Rebuild(view, shadow, pool, history=history.pages, say=say).run(tail)
    except (Busy, Untold) as error:
        print(f"{service} was not rebuilt: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except Exception as error:
        log.error("not rebuilt", exc_info=error)
        cause = failure_of(error) if not is_wait(error) else f"{type(error).__name__}, a dependency is away"
        print(f"{service} was not rebuilt: {cause}", file=sys.stderr)
        raise SystemExit(2) from None
    finally:
        await tail.stop()
        await history.close()
        await pool.close()


def _read(record: Record) -> Work | None:
    """The fact of an order or a special case in a record; None for a Tick: the live's Ticks are the ones that count."""
    fact = decode(record)
    return Work(record, _NOBODY, fact) if isinstance(fact, OrderFact | CaseFact) else None


async def fold_quietly(handler: Handler, connection: Connection, works: Sequence[Work]) -> None:
    """Through the handler as the seam would bring them, but for what it says: that was said the first time. What it
    refuses was a dead letter the first time."""
    wanted = [work for work in works if handler.wants(work.fact)]
    now = await connection.fetchval("SELECT clock_timestamp()")
    state: Any = await handler.gather(connection, wanted, now)
    for work in wanted:
        try:
            handler.decide(state, work, Output())
        except Refused as refused:
            log.warning("a fact is refused", of=str(work.fact.aggregate_id), seq=work.fact.seq, code=refused.code)
    await handler.apply(connection, state)
