"""People's writes, through the same order of steps as messages: lock → gather → decide → apply → outbox → commit.

Writes that arrive while a transaction is under way wait for it and then share the next one, so a busy moment costs
fewer transactions, not more. Each caller still gets his own answer or his own refusal.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import asyncpg

from schemas.refusals import Refused
from services.chassis import outbox
from services.chassis.database import Connection
from services.chassis.delivery import Output, lock
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay

log = logger(__name__)
C = TypeVar("C")
Command = TypeVar("Command", contravariant=True)
R = TypeVar("R")


class CommandHandler(Protocol[Command]):
    """What a service gives the desk; the twin of `delivery.Handler` for commands."""

    lock_space: int

    def locks(self, commands: Sequence[Command]) -> Iterable[int]:
        """Hashes of the aggregates the commands will touch."""

    async def gather(self, connection: Connection, commands: Sequence[Command], now: datetime) -> Any:
        """Read the state of all of them."""

    def decide(self, state: Any, command: Command, output: Output) -> Any:
        """The answer to one command, folded into `state`. Raises Refused before folding anything."""

    async def apply(self, connection: Connection, state: Any) -> None:
        """Write what changed."""


class Desk(Generic[C, R]):
    """Gathers concurrent commands into shared transactions. `share` bounds how many one transaction takes."""

    RUNNERS = 2

    def __init__(
        self, handler: CommandHandler[C], pool: asyncpg.Pool, *, relay: Relay | None = None, share: int = 64
    ) -> None:
        self._handler = handler
        self._pool = pool
        self._relay = relay
        self._share = share
        self._waiting: deque[tuple[C, asyncio.Future[R]]] = deque()
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, command: C) -> R:
        """The command's answer. Raises Refused: the decision's own, or `unavailable` while the database is away."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, future))
        if self._running < self.RUNNERS:
            self._running += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def submit_all(self, commands: Sequence[C]) -> list[R | Exception]:
        """The answer, or the refusal, of each of these commands, which share one transaction among themselves."""
        loop = asyncio.get_running_loop()
        pairs: list[tuple[C, asyncio.Future[R]]] = [(command, loop.create_future()) for command in commands]
        await self._bring(pairs)
        return [future.exception() or future.result() for _, future in pairs]  # type: ignore[misc]

    async def _run(self) -> None:
        try:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(self._share, len(self._waiting)))]
                await self._bring([pair for pair in taken if not pair[1].done()])
        finally:
            self._running -= 1

    async def _bring(self, pairs: list[tuple[C, asyncio.Future[R]]]) -> None:
        if not pairs:
            return
        try:
            answers = await self._transact([command for command, _ in pairs])
        except Exception as error:  # sorted into unavailable, bisect and failed right here
            if is_wait(error):
                self._settle(pairs, [Refused("unavailable", retry_after=2)] * len(pairs))
            elif len(pairs) > 1:
                middle = len(pairs) // 2
                await self._bring(pairs[:middle])
                await self._bring(pairs[middle:])
            else:
                self._settle(pairs, [error])
            return
        self._settle(pairs, answers)

    @staticmethod
    def _settle(pairs: list[tuple[C, asyncio.Future[R]]], answers: Sequence[Any]) -> None:
        for (_, future), answer in zip(pairs, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _transact(self, commands: Sequence[C]) -> list[Any]:
        handler = self._handler
        answers: list[Any] = []
        output = Output()
        async with self._pool.acquire() as connection, connection.transaction():
            now = await lock(connection, handler.lock_space, handler.locks(commands))
            state = await handler.gather(connection, commands, now)
            for command in commands:
                try:
                    answers.append(handler.decide(state, command, output))
                except Refused as refused:
                    answers.append(refused)
            await handler.apply(connection, state)
            await outbox.write(connection, output.urgent, urgent=True, recorded_at=now)
            await outbox.write(connection, output.messages, urgent=False, recorded_at=now)
        if self._relay is not None:
            self._relay.wake()
        return answers
