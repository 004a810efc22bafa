"""What a transaction says to the world: rows that commit with its state, relayed to Kafka afterwards, in order.

One row holds all messages of a batch. One relay per service runs under an advisory lock; any worker of the service
may take it over. `n` is drawn while the orders' rows are locked, so each order's facts leave in order.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from zlib import crc32

import asyncpg
import msgspec

from schemas.envelope import Outgoing
from services.chassis import metrics
from services.chassis.clock import monotonic
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.publisher import Publisher

log = logger(__name__)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode

TickMaker = Callable[[datetime], list[Outgoing]]


async def write(connection: Connection, messages: list[Outgoing], *, urgent: bool, recorded_at: datetime) -> None:
    """Put a batch's messages into the outbox as one row of the running transaction."""
    if messages:
        await connection.execute(
            "INSERT INTO outbox (urgent, recorded_at, payload) VALUES ($1, $2, $3)",
            urgent,
            recorded_at,
            _pack(messages),
        )


class Relay:
    """Publishes the outbox of one service: produce, wait for all acknowledgements, delete. `ticks` makes the Tick
    messages of a moment, for the service whose facts others keep time by."""

    PAGE = 20  # rows a turn; a row may hold a batch's 500 messages

    def __init__(
        self,
        service: str,
        pool: asyncpg.Pool,
        publisher: Publisher,
        *,
        transaction_timeout: float,
        ticks: TickMaker | None = None,
    ) -> None:
        self._service = service
        self._pool = pool
        self._publisher = publisher
        self._timeout = transaction_timeout
        self._ticks = ticks
        self._wake = asyncio.Event()
        self._lock_key = crc32(f"relay:{service}".encode()) & 0x7FFFFFFF
        self.after_produce: Callable[[], Awaitable[None]] | None = None  # a seam for tests that kill between the two

    def wake(self) -> None:
        """Say that a transaction of this process has just written to the outbox."""
        self._wake.set()

    async def run(self) -> None:
        """Relay for ever; stands by while another process holds the lock."""
        while True:
            try:
                async with self._pool.acquire() as connection:
                    if await connection.fetchval("SELECT pg_try_advisory_lock(0, $1)", self._lock_key):
                        metrics.RELAY_LEADER.labels(self._service).set(1)
                        await self._lead(connection)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # a relay must outlive every failure; waits are expected, others are told
                if not is_wait(error):
                    log.error("relay failed", error=type(error).__name__, exc_info=True)
            metrics.RELAY_LEADER.labels(self._service).set(0)
            await asyncio.sleep(0.5)

    async def _lead(self, connection: Connection) -> None:
        idle_since = monotonic()
        next_tick = 0.0
        while True:
            self._wake.clear()
            moved = await self._turn(connection)
            if self._ticks is not None and monotonic() >= next_tick:
                next_tick = monotonic() + 1.0
                await self._tick(connection)
            if moved:
                idle_since = monotonic()
                continue
            pause = 0.01 if monotonic() - idle_since < 2 else 0.04
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)

    async def _turn(self, connection: Connection) -> int:
        rows = await connection.fetch(
            "SELECT n, recorded_at, payload FROM outbox ORDER BY urgent DESC, n LIMIT $1", self.PAGE
        )
        if not rows:
            metrics.OUTBOX_ROWS.labels(self._service).set(0)
            metrics.OUTBOX_AGE.labels(self._service).set(0)
            return 0
        messages = [message for row in rows for message in _unpack(row["payload"])]
        refused = await self._publisher.send_all(messages)
        if self.after_produce is not None:
            await self.after_produce()
        async with connection.transaction():
            for message, error in refused:
                await connection.execute(
                    "INSERT INTO outbox_refused (payload, reason) VALUES ($1, $2)", _pack([message]), str(error)[:500]
                )
            await connection.execute("DELETE FROM outbox WHERE n = ANY($1)", [row["n"] for row in rows])
        if refused:
            metrics.OUTBOX_REFUSED.labels(self._service).set(
                await connection.fetchval("SELECT count(*) FROM outbox_refused")
            )
            log.error("kafka refused messages for good", count=len(refused))
        metrics.RELAYED.labels(self._service).inc(len(messages) - len(refused))
        metrics.OUTBOX_ROWS.labels(self._service).set(len(rows) if len(rows) == self.PAGE else 0)
        return len(messages)

    async def _tick(self, connection: Connection) -> None:
        # statement_timestamp() lies before the statement's snapshot: whatever commits later was recorded later than
        # it less the transaction time-out.
        row = await connection.fetchrow(
            "SELECT statement_timestamp() AS now, statement_timestamp() - make_interval(secs => $1) AS trailing,"
            " (SELECT min(recorded_at) FROM outbox) AS oldest",
            self._timeout,
        )
        assert row is not None and self._ticks is not None
        t = min(row["trailing"], row["oldest"]) if row["oldest"] is not None else row["trailing"]
        held = (row["now"] - t).total_seconds()
        metrics.TICK_HELD.labels(self._service).set(held)
        metrics.OUTBOX_AGE.labels(self._service).set(
            (row["now"] - row["oldest"]).total_seconds() if row["oldest"] else 0
        )
        if held > 30:
            log.error("tick held", seconds=round(held, 1))
        await self._publisher.send_all(self._ticks(t))
