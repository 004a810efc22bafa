"""A real SMTP server on this machine that answers as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP

Reply = Callable[["Postman"], str]


class Postman:
    """Keeps what came; `answer` is what it says to a whole letter, `refuses` to which recipients it says no."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.to: list[list[str]] = []
        self.answer: Reply = lambda _: "250 taken"
        self.refuses: dict[str, str] = {}
        self.hangs = 0.0
        self.port = 0
        self._news = asyncio.Condition()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """One recipient."""
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """One letter."""
        if self.hangs:
            await asyncio.sleep(self.hangs)
        answer = self.answer(self)
        async with self._news:
            if answer.startswith("250"):
                self.got.append(message_from_bytes(envelope.content, policy=default))
                self.to.append(list(envelope.rcpt_tos))
            self._news.notify_all()
        return answer

    async def until(self, count: int, seconds: float = 20) -> None:
        """Wait until so many letters came."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: len(self.got) >= count)


@asynccontextmanager
async def delivering() -> AsyncIterator[Postman]:
    """A server on a port of its own."""
    found = Postman()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(found, enable_SMTPUTF8=True), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
