"""The delivery seam, once, for all consumers and all REST writes: nothing lost, nothing twice.

One batch is one transaction, in exactly this order:

    prepare (no state) → inbox → sorted advisory locks → gather → decide one by one → apply → outbox → commit

and only then the engine commits its offsets. Gathering before the inbox insert would decide on stale state after a
rebalance; locking only rows that exist would miss the one being born.

Outcomes of a message: *done* · *repeat* (its id is in the inbox) · *dead* (no inbox row, so that a mended replay is
not mistaken for a repeat) · *wait* (a dependency is away: again, for ever).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.codec import Unreadable, decode, id_of
from schemas.envelope import Outgoing, Record, place_of
from schemas.ids import placed_id
from schemas.refusals import Refused
from services.chassis import metrics, outbox
from services.chassis.clock import SystemClock
from services.chassis.database import Connection
from services.chassis.dead_letters import dead_letter
from services.chassis.errors import is_the_messages_own, is_wait
from services.chassis.logs import failure_of, logger
from services.chassis.outbox import Relay
from services.chassis.progress import Progress
from services.chassis.settings import ServiceSettings

log = logger(__name__)
LOCK_BUCKETS = 4096
_AS_INT = attrgetter("int")  # ids compare in Python, their numbers do not
PORTION_BYTES = 4_000_000
Dead = tuple[Record, str, str]  # a message, its code and its cause
Identity = Callable[[Record, Any], UUID]
OnDead = Callable[[Connection, Sequence[Record], datetime], Awaitable[None]]


def identity_of(record: Record, fact: Any) -> UUID:
    """What the inbox knows a message by: its `ce_id`, else where it first lay."""
    return id_of(record) or placed_id(*place_of(record))


@dataclass(slots=True, eq=False)
class Work:
    """One message on its way through the seam. `prepared` is what the handler's stateless step left there."""

    record: Record
    id: UUID
    fact: Any
    prepared: Any = None


@dataclass(slots=True)
class Output:
    """What a decision adds to the transaction: facts for the outbox, in order."""

    messages: list[Outgoing] = field(default_factory=list)
    urgent: list[Outgoing] = field(default_factory=list)


class Handler(Protocol):
    """What a service gives the seam. `consumer` names its inbox; `inboxed` says whether a fact needs an inbox row
    (one whose handling is idempotent by itself does not); `lock_space` keeps services' advisory locks apart."""

    consumer: str
    lock_space: int

    def wants(self, fact: Struct) -> bool:
        """Whether this consumer has anything to do for such a fact; otherwise it is done without a trace."""

    def inboxed(self, fact: Struct) -> bool:
        """Whether a repeat of the fact must be recognised by the inbox."""

    def prepare(self, works: Sequence[Work]) -> None:
        """All work that needs no state. May raise Refused for a batch of one."""

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """Hashes of the aggregates the batch will touch, present or not."""

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> Any:
        """Read the state of all of them; `now` is the database's clock after the locks were taken."""

    def decide(self, state: Any, work: Work, output: Output) -> None:
        """Decide on one message and fold the result into `state`. Raises Refused, before folding anything, when the
        message itself cannot be accepted."""

    async def apply(self, connection: Connection, state: Any) -> None:
        """Write what the decisions changed, in multi-row statements."""


class Seam:
    """Takes batches from an engine and brings each through one transaction. `relay` is woken after a commit; `urgent`
    says that the lane's facts leave first; `identity` tells what the inbox knows a message by; `on_dead` is told of
    messages in the very transaction that makes dead letters of them."""

    def __init__(
        self,
        handler: Handler,
        pool: asyncpg.Pool,
        settings: ServiceSettings,
        *,
        relay: Relay | None = None,
        urgent: bool = False,
        identity: Identity = identity_of,
        on_dead: OnDead | None = None,
    ) -> None:
        self.handler = handler
        self._identity = identity
        self._on_dead = on_dead
        self.progress = Progress(handler.consumer)
        self._pool = pool
        self._relay = relay
        self._urgent = urgent
        self._tries = settings.dead_after_tries
        self._stop_after = settings.stop_after_dead
        self._dead_in_a_row = 0
        self._clock = SystemClock()

    async def handle(self, records: Sequence[Record]) -> None:
        """Bring a batch to its end; returns only when every message is done, a repeat, or dead and recorded. Never
        raises for what a message holds or what a dependency does."""
        started = self._clock.now()
        await self._while_stopped()
        works, dead = self._read(records)
        for part in portions(dead):
            await self._bury(part)
        if works:
            await self._bring(works)
        self._measure(records, started)

    def _read(self, records: Sequence[Record]) -> tuple[list[Work], list[Dead]]:
        works: list[Work] = []
        dead: list[Dead] = []
        for record in records:
            try:
                fact = decode(record)
            except Unreadable as error:
                dead.append((record, error.code, error.cause))
                continue
            if self.handler.wants(fact):
                works.append(Work(record, self._identity(record, fact), fact))
            else:
                metrics.MESSAGES.labels(self.handler.consumer, "done").inc()
        return works, dead

    async def _bring(self, works: list[Work]) -> None:
        """One transaction for all, or for halves of it until the one bad message stands alone."""
        tries = 0
        while True:
            try:
                await self._transact(works)
            except Exception as error:  # sorted into wait, bisect and dead right here
                if is_wait(error):
                    await self.progress.wait(error)
                    continue
                if len(works) > 1:
                    metrics.BISECTIONS.labels(self.handler.consumer).inc()
                    middle = len(works) // 2
                    await self._bring(works[:middle])
                    await self._bring(works[middle:])
                    return
                tries += 1
                refused = isinstance(error, Refused)
                if not refused and tries < self._tries:
                    continue
                await self._give_up(works[0], error)
                return
            self.progress.made()
            return

    async def _transact(self, works: Sequence[Work]) -> None:
        handler = self.handler
        handler.prepare(works)
        async with self._pool.acquire() as connection, connection.transaction():
            fresh = await self._take_in(connection, works)
            if not fresh:
                return
            now = await lock(connection, handler.lock_space, handler.locks(fresh))
            state = await handler.gather(connection, fresh, now)
            output = Output()
            refused: list[tuple[Work, Refused]] = []
            for work in fresh:
                try:
                    handler.decide(state, work, output)
                except Refused as error:
                    refused.append((work, error))
            await handler.apply(connection, state)
            if refused:
                await self._refuse(connection, refused, now)
            await outbox.write(connection, output.urgent, urgent=True, recorded_at=now)
            await outbox.write(connection, output.messages, urgent=self._urgent, recorded_at=now)
        if self._relay is not None:
            self._relay.wake()
        if len(refused) < len(fresh):
            self._dead_in_a_row = 0
        metrics.MESSAGES.labels(handler.consumer, "done").inc(len(fresh) - len(refused))
        metrics.MESSAGES.labels(handler.consumer, "dead").inc(len(refused))

    async def _take_in(self, connection: Connection, works: Sequence[Work]) -> list[Work]:
        """Insert the ids, sorted so that two batches never wait for each other in a ring; those that were new, in
        the order they came."""
        first: dict[UUID, Work] = {}
        free: list[Work] = []
        for work in works:
            if not self.handler.inboxed(work.fact):
                free.append(work)
            else:
                first.setdefault(work.id, work)
        new: set[UUID] = set()
        if first:
            rows = await connection.fetch(
                "INSERT INTO inbox (consumer, id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING RETURNING id",
                self.handler.consumer,
                sorted(first, key=_AS_INT),
            )
            new = {row["id"] for row in rows}
        kept = {id(work) for work in free} | {id(work) for key, work in first.items() if key in new}
        repeats = len(works) - len(kept)
        if repeats:
            metrics.MESSAGES.labels(self.handler.consumer, "repeat").inc(repeats)
        return [work for work in works if id(work) in kept]

    async def _refuse(self, connection: Connection, refused: list[tuple[Work, Refused]], now: datetime) -> None:
        """Refused by a decision: dead in the same transaction, and out of the inbox again."""
        await connection.execute(
            "DELETE FROM inbox WHERE consumer = $1 AND id = ANY($2)", self.handler.consumer, [w.id for w, _ in refused]
        )
        await self._write_letters(connection, [(w.record, e.code, e.detail) for w, e in refused], now)

    async def _write_letters(self, connection: Connection, dead: list[Dead], now: datetime) -> None:
        if self._on_dead is not None:
            await self._on_dead(connection, [record for record, _, _ in dead], now)
        letters = [dead_letter(r, code, cause, self.handler.consumer, now) for r, code, cause in dead]
        await outbox.write(connection, letters, urgent=False, recorded_at=now)

    async def _give_up(self, work: Work, error: Exception) -> None:
        """A readable message that failed every time: dead, and counted towards a stop unless it was a refusal."""
        if isinstance(error, Refused):
            await self._bury([(work.record, error.code, error.detail)])
            return
        if is_the_messages_own(error):
            await self._bury([(work.record, "schema", failure_of(error))])
            return
        cause = failure_of(error)  # not its message: that may quote the report, and headers hold nothing personal
        log.error("message failed", consumer=self.handler.consumer, id=str(work.id), exc_info=error)
        await self._bury([(work.record, "failed", cause)])
        self._dead_in_a_row += 1
        if self._dead_in_a_row >= self._stop_after:
            await self._stop(cause)

    async def _bury(self, dead: list[Dead]) -> None:
        async def write() -> None:
            async with self._pool.acquire() as connection, connection.transaction():
                await self._write_letters(connection, dead, await connection.fetchval("SELECT clock_timestamp()"))

        await self.progress.patiently(write)
        metrics.MESSAGES.labels(self.handler.consumer, "dead").inc(len(dead))
        if self._relay is not None:
            self._relay.wake()

    async def _stop(self, cause: str) -> None:
        async def write() -> None:
            await self._pool.execute(
                "INSERT INTO stops (consumer, reason) VALUES ($1, $2) ON CONFLICT (consumer) DO NOTHING",
                self.handler.consumer,
                cause,
            )

        await self.progress.patiently(write)
        self._dead_in_a_row = 0
        await self._while_stopped()

    async def _while_stopped(self) -> None:
        """Stand still while a person has not yet looked; a stop outlives the process that made it."""
        stopped = metrics.STOPPED.labels(self.handler.consumer)

        async def look() -> bool:
            found: bool = await self._pool.fetchval(
                "SELECT EXISTS (SELECT FROM stops WHERE consumer = $1)", self.handler.consumer
            )
            return found

        while await self.progress.patiently(look):
            stopped.set(1)
            self.progress.stopped = True
            self.progress.made()
            await asyncio.sleep(0.5)
        self.progress.stopped = False
        stopped.set(0)

    def _measure(self, records: Sequence[Record], started: datetime) -> None:
        now = self._clock.now()
        consumer = self.handler.consumer
        metrics.BATCH.labels(consumer).observe((now - started).total_seconds())
        metrics.BATCH_SIZE.labels(consumer).observe(len(records))
        oldest = min((r.timestamp for r in records if r.timestamp), default=0)
        if oldest:
            metrics.EVENT_AGE.labels(consumer).observe(max(0.0, now.timestamp() - oldest / 1000))


def portions(dead: list[Dead]) -> Iterator[list[Dead]]:
    """Dead letters in parts of at most four megabytes (or one letter): one outbox row, one transaction each."""
    part: list[Dead] = []
    size = 0
    for each in dead:
        bytes_ = len(each[0].value or b"") + len(each[0].key or b"")
        if part and size + bytes_ > PORTION_BYTES:
            yield part
            part, size = [], 0
        part.append(each)
        size += bytes_
    if part:
        yield part


async def lock(connection: Connection, space: int, hashes: Iterable[int]) -> datetime:
    """Take the transaction-long advisory locks of aggregates, present or not, in sorted order; answers the database's
    clock after the last was taken."""
    buckets = sorted({h % LOCK_BUCKETS for h in hashes})
    now: datetime = await connection.fetchval(
        "WITH taken AS MATERIALIZED (SELECT pg_advisory_xact_lock($1, b) FROM unnest($2::int[]) AS b)"
        " SELECT clock_timestamp() FROM (SELECT count(*) FROM taken) AS done",
        space,
        buckets,
    )
    return now
