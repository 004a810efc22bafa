"""Key rows before the send, marks after it; and doing without while PostgreSQL is away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from schemas.refusals import Refused
from services.chassis.commands import Desk
from services.chassis.database import Connection, ready
from services.chassis.delivery import Output
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.intake.store import keys
from services.intake.store.keys import KeyRow

log = logger(__name__)
LOCK_SPACE = 4
ACK_EVERY_S = 0.05
ACKS_KEPT = 200_000
PROBE_S = 0.5
EACH_S = 0.0005  # what one more row of a bulk may take longer
PRUNE_S = 3600.0
Claim = tuple[KeyRow, ...]  # the rows one report needs
Held = KeyRow | Refused | None  # the first row of the report, or key_reused; None: nothing is known


class _State(Struct):
    known: dict[UUID, KeyRow]
    fresh: set[UUID]
    taken_back: set[UUID]


class KeyHandler:
    """The desk's handler; a command is the claims of one request. No advisory locks: the primary key itself makes the
    second of two wait for the first."""

    lock_space = LOCK_SPACE

    def locks(self, commands: Sequence[Sequence[Claim]]) -> Iterable[int]:
        return ()

    async def gather(self, connection: Connection, commands: Sequence[Sequence[Claim]], now: datetime) -> _State:
        rows: dict[UUID, KeyRow] = {}
        for command in commands:
            for claim in command:
                for row in claim:
                    rows.setdefault(row.key_id, row)
        fresh = await keys.insert_new(connection, list(rows.values()))
        if len(fresh) < len(rows):
            rows |= await keys.rows_of(connection, rows.keys() - fresh)
        return _State(rows, fresh, set())

    def decide(self, state: _State, command: Sequence[Claim], output: Output) -> list[Held]:
        return [self._decide_one(state, claim) for claim in command]

    def _decide_one(self, state: _State, claim: Claim) -> Held:
        if all(state.known[row.key_id].body_hash == row.body_hash for row in claim):
            for row in claim:
                state.taken_back.discard(row.key_id)
            return state.known[claim[0].key_id]
        for row in claim:
            if row.key_id in state.fresh and state.known[row.key_id] is row:
                state.taken_back.add(row.key_id)
        return Refused("key_reused")

    async def apply(self, connection: Connection, state: _State) -> None:
        if state.taken_back:
            await keys.delete(connection, state.taken_back)


class KeyKeeper:
    """Claims keys within `timeout` seconds, or not at all while PostgreSQL is away: then the deterministic ids alone
    make repeats one, and the router refuses another body under the same id."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Pool]], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._pool: asyncpg.Pool | None = None
        self._desk: Desk[Sequence[Claim], list[Held]] | None = None
        self._bulk: Desk[Sequence[Claim], list[Held]] | None = None
        self._away = asyncio.Event()
        self._away.set()
        self._acked: dict[UUID, None] = {}

    @property
    def available(self) -> bool:
        """Whether key rows are being written."""
        return not self._away.is_set()

    async def claim(self, claims: Sequence[Claim]) -> list[Held]:
        """What is known of each claim's first key after its rows were written; [None, …] while PostgreSQL is away."""
        desk = self._desk if len(claims) == 1 else self._bulk
        if desk is None or self._away.is_set():
            return [None] * len(claims)
        try:
            async with asyncio.timeout(self._timeout + len(claims) * EACH_S):
                return await desk.submit(claims)
        except Exception as error:  # whatever the database does, the report goes on
            self._give_up(error)
            return [None] * len(claims)

    def acked(self, claim: Claim) -> None:
        """The report of these rows is safe; said to PostgreSQL a little later, many at once."""
        if len(self._acked) < ACKS_KEPT:
            for row in claim:
                self._acked[row.key_id] = None

    async def row_of(self, report_id: UUID | None, number: str | None) -> KeyRow | None:
        """The row of a report by id, or by number in proper form; None if unknown or PostgreSQL is away."""
        if self._pool is None or self._away.is_set():
            return None
        try:
            async with asyncio.timeout(self._timeout), self._pool.acquire() as connection:
                if number is not None:
                    return await keys.row_of_number(connection, number)
                assert report_id is not None
                return (await keys.rows_of(connection, [report_id])).get(report_id)
        except Exception as error:  # the same: the answer is then what else is known
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        if not self._away.is_set():
            known = is_wait(error) or isinstance(error, Refused)
            log.warning("key rows are not written for now", error=type(error).__name__, exc_info=not known)
        self._away.set()

    async def run(self) -> None:
        """Connect, notice when PostgreSQL is back, mark what is safe, forget what is old; for ever."""
        self._pool = await self._connect()
        self._desk = Desk(KeyHandler(), self._pool, share=256)
        self._bulk = Desk(KeyHandler(), self._pool, share=4)
        self._away.clear()
        loop = asyncio.get_running_loop()
        prune_at = loop.time()
        while True:
            if self._away.is_set():
                await asyncio.sleep(PROBE_S)
                if await ready(self._pool):
                    self._away.clear()
                continue
            try:
                await self._mark()
                if loop.time() >= prune_at:
                    prune_at = loop.time() + PRUNE_S
                    async with self._pool.acquire() as connection:
                        await keys.prune(connection)
            except Exception as error:  # the next round tries again
                self._give_up(error)
            await asyncio.sleep(ACK_EVERY_S)

    async def _mark(self) -> None:
        if not self._acked or self._pool is None:
            return
        marked = list(self._acked)
        async with self._pool.acquire() as connection:
            await keys.mark_acked(connection, marked)
        for key_id in marked:
            del self._acked[key_id]

    async def close(self) -> None:
        """Mark what is left, if PostgreSQL is there, and close the pool."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(2):
                if self.available:
                    await self._mark()
                await self._pool.close()
        except Exception:  # going down anyway; an unmarked row only means one more send
            self._pool.terminate()
