"""Messages, and a Kafka that can be told to be away."""

import asyncio
from collections.abc import Iterable

import pytest

from schemas.envelope import Outgoing


def message_of(n: int) -> Outgoing:
    """A message with a number."""
    return Outgoing("reports.normal", str(n).encode(), b'{"n":%d}' % n, (("ce_id", str(n).encode()),))


class Away(ConnectionError):
    """Kafka cannot be reached."""


class PretendPublisher:
    """Keeps what it was sent, in order. `hold` makes sends hang, `fail` makes them fail."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Outgoing] = []
        self.fail = False
        self.free = asyncio.Event()
        self.free.set()

    def hold(self) -> None:
        """From now on nothing is acknowledged."""
        self.free.clear()

    async def send(self, message: Outgoing) -> "asyncio.Future[object]":
        if self.fail:
            raise Away
        return asyncio.ensure_future(self._acknowledged(message))

    async def _acknowledged(self, message: Outgoing) -> object:
        await self.free.wait()
        await asyncio.sleep(0)
        self.sent.append(message)
        return None

    async def send_many(self, messages: Iterable[Outgoing]) -> "list[asyncio.Future[object]]":
        return [await self.send(message) for message in messages]

    async def send_all(self, messages: Iterable[Outgoing]) -> list[tuple[Outgoing, Exception]]:
        for message in list(messages):
            await (await self.send(message))
        return []


@pytest.fixture
async def kafka() -> PretendPublisher:
    """A Kafka that answers."""
    return PretendPublisher()
