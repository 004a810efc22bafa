"""The history of orders as dispatch tells it, for services that make a view of orders anew."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import msgspec
from msgspec import Struct
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from schemas.envelope import TYPE_PREFIX, Record
from schemas.topics import ORDERS_EVENTS

PATIENCE_S = 120.0  # how long dispatch may be away before its reader gives up


class _Row(Struct):
    type: str
    fact: msgspec.Raw
    order_id: str = ""
    case_id: str = ""


class _Page(Struct):
    items: list[_Row]
    next: str
    complete: bool


_decode = msgspec.json.Decoder(_Page).decode


class Untold(Exception):
    """Dispatch does not tell its history to us: what it answered."""


class History:
    """Reads every fact of every order, order by order, and then of every special case, as records like those of
    `orders.events`. `token` is one of the role `service`; `page` facts are asked for at a time."""

    def __init__(self, url: str, token: str, *, page: int = 5000, transport: httpx.AsyncBaseTransport | None = None):
        self._client = httpx.AsyncClient(
            base_url=url, timeout=30, headers={"authorization": f"Bearer {token}"}, transport=transport
        )
        self._page = page

    async def pages(self) -> AsyncIterator[list[Record]]:
        """Page after page; the next is asked for while one is worked on. What was recorded before the first is asked
        for is told whole. Raises Untold."""
        by, *left = "order", "case"
        following = asyncio.ensure_future(self._ask(by, ""))
        try:
            while True:
                page = await following
                if page.complete and not left:
                    yield [_record(row) for row in page.items]
                    return
                if page.complete:
                    by, after = left.pop(0), ""
                else:
                    after = page.next
                following = asyncio.ensure_future(self._ask(by, after))
                yield [_record(row) for row in page.items]
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError, Untold):
                await following

    async def _ask(self, by: str, after: str) -> _Page:
        """One page. Waits for dispatch while it is away, up to the patience."""
        try:
            return await self._answer(by, after)
        except httpx.TransportError as error:
            raise Untold(f"dispatch does not answer: {type(error).__name__}") from None

    async def _answer(self, by: str, after: str) -> _Page:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((httpx.TransportError, _Busy)),
            stop=stop_after_delay(PATIENCE_S),
            wait=wait_exponential_jitter(multiplier=0.05, max=5, jitter=0.1),
            reraise=True,
        ):
            with attempt:
                reply = await self._client.get("/v1/history", params={"by": by, "after": after, "limit": self._page})
                if reply.status_code >= 500:
                    raise _Busy(f"dispatch answers {reply.status_code}")
        if reply.status_code != 200:
            raise Untold(f"dispatch answers {reply.status_code}: {reply.text[:300]}")
        return _decode(reply.content)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _Busy(Untold):
    """It may answer the next time."""


def _record(row: _Row) -> Record:
    kind = (TYPE_PREFIX + row.type).encode()
    return Record(
        ORDERS_EVENTS.name, -1, -1, (row.order_id or row.case_id).encode(), bytes(row.fact), (("ce_type", kind),)
    )
