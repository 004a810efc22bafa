"""The other platform: a real HTTP server on this machine that answers as a test tells it to."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from services.chassis.webhooks.signing import verified

Answer = Callable[["Got"], Awaitable[bytes | None]]


class Got(Struct):
    """One message as it came; its id is believed because its signature was checked."""

    id: str
    path: str
    body: Any
    at: datetime


def reply(status: int, *headers: str, body: str = "") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close", *headers, "", body]
    return "\r\n".join(lines).encode()


async def fine(_: Got) -> bytes | None:
    """Taken."""
    return reply(204)


class Receiver:
    """Keeps what came, and answers it by `answer`; None means to reset the connection."""

    def __init__(self, secret: bytes) -> None:
        self.got: list[Got] = []
        self.answer: Answer = fine
        self.port = 0
        self._secret = secret
        self._news = asyncio.Condition()

    @property
    def ids(self) -> Counter[str]:
        """How often each message came."""
        return Counter(got.id for got in self.got)

    async def until(self, enough: Callable[["Receiver"], bool], seconds: float = 20) -> None:
        """Wait until what came is enough."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: enough(self))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            raw = await reader.readexactly(int(headers["content-length"]))
            now = datetime.now(UTC)
            id_ = verified([self._secret], headers, raw, now)
            got = Got(id_, first.split(" ")[1], json.loads(raw), now)
            async with self._news:
                self.got.append(got)
                self._news.notify_all()
            answer = await self.answer(got)
            if answer is None:
                writer.transport.abort()
                return
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(secret: bytes, port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own, or on this one."""
    found = Receiver(secret)
    server = await asyncio.start_server(found.serve, "127.0.0.1", port)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
