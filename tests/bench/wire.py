"""A load client that costs little: prepared HTTP/1.1 requests over kept connections, answers read by their length."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from services.chassis.clock import monotonic

Gate = Callable[[], Awaitable[None]]


def post(path: str, body: bytes, token: str, *, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """A whole POST request as bytes."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class Tally:
    """Answers by status, and how long each took in seconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def note(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.append(seconds)


class Wire:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. A kept connection that the server has closed meanwhile is opened anew. Raises
        OSError or IncompleteReadError when a new one breaks."""
        if self._reader is not None and self._writer is not None:
            try:
                return await self._exchange(self._reader, self._writer, request)
            except (asyncio.IncompleteReadError, ConnectionError):
                self.close()
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return await self._exchange(self._reader, self._writer, request)

    @staticmethod
    async def _exchange(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, bytes]:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
        return status, await reader.readexactly(length)

    def close(self) -> None:
        """Drop the connection."""
        if self._writer is not None:
            self._writer.close()
            self._reader = self._writer = None


async def drive(
    port: int,
    requests: Iterator[bytes],
    *,
    connections: int,
    until: float,
    gate: Gate,
    heard: Callable[[bytes], None] | None = None,
) -> Tally:
    """Send requests over so many connections, each as soon as the one before was answered and the gate is open, until
    the monotonic moment `until` or until there are no more."""
    tally = Tally()

    async def one() -> None:
        wire = Wire(port)
        while monotonic() < until:
            await gate()
            request = next(requests, None)
            if request is None:
                break
            began = monotonic()
            status, body = await wire.ask(request)
            tally.note(status, monotonic() - began)
            if heard is not None and status < 300:
                heard(body)
        wire.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return tally


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of all lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
