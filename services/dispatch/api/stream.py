"""Changes as they happen, over server-sent events. One look at the history for all listeners of a process."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from schemas.ids import number_of
from schemas.rosters import Ring
from services.chassis.auth import Principal
from services.chassis.database import patiently
from services.dispatch.api.desk import reader, rooms, sees
from services.dispatch.api.duty import ring_shape, rings
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.duty import rung_units
from services.dispatch.rules.order import Order
from services.dispatch.store import reads

routes = APIRouter(prefix="/v1", tags=["orders"])
_encode = msgspec.json.Encoder().encode
RINGING = frozenset(
    {
        "OrderOpened", "OrderRouted", "OrderReopened", "AssignmentOffered", "LeadChanged", "UrgencyChanged", "Urged",
        "Supervised",
    }
)  # fmt: skip
HEARTBEAT = 15.0
BEHIND = 1000  # changes a slow listener may lag before it is dropped; it comes again and reads its lists anew


class Listener:
    """One open stream; `since` is the database's time when it was opened."""

    def __init__(self, caller: Principal, since: datetime) -> None:
        self.caller = caller
        self.since = since
        self.waiting: asyncio.Queue[bytes] = asyncio.Queue(BEHIND)
        self.dropped = False

    def hand(self, event: bytes) -> None:
        """One event; whoever is too far behind is dropped."""
        try:
            self.waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped = True


class Stream:
    """Looks at the history while anybody listens, and hands each change to whoever may see its order. Each look begins
    a transaction's longest time before the last one, however long ago that was, so that a change which commits late is
    not missed; what was handed out is remembered that long."""

    def __init__(self, pool: asyncpg.Pool, directory: Directory, every: float, settling: timedelta) -> None:
        self._pool = pool
        self._directory = directory
        self._every = every
        self._settling = settling
        self._listeners: set[Listener] = set()
        self._seen: OrderedDict[tuple[UUID, int], datetime] = OrderedDict()
        self._looked: datetime | None = None

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._every)
            if self._listeners:
                await patiently(self._look)
            else:
                self._looked = None
                self._seen.clear()

    async def join(self, caller: Principal) -> Listener:
        """A new listener, who hears of every change that commits from now on, and perhaps of some just before."""
        listener = Listener(caller, await reads.now(self._pool))
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """He has gone."""
        self._listeners.discard(listener)

    async def _look(self) -> None:
        now = await reads.now(self._pool)
        looked = self._looked or min((one.since for one in self._listeners), default=now)
        since = looked - self._settling
        rows = [row for row in await reads.since(self._pool, since) if (row["order_id"], row["seq"]) not in self._seen]
        found = await reads.load(self._pool, list({row["order_id"] for row in rows})) if rows else []
        rung = await self._rings(rows, {order.order_id: order for order in found}, now)
        # From here on nothing waits for the database: a look that failed is made again as if it had not been.
        orders = {order.order_id: order for order in found}
        self._looked = now
        for row in rows:
            self._seen[row["order_id"], row["seq"]] = row["recorded_at"]
            self._hand_out(orders[row["order_id"]], row)
            if (row["order_id"], row["seq"]) in rung:
                self._ring(orders[row["order_id"]], row, rung[row["order_id"], row["seq"]])
        while self._seen and next(iter(self._seen.values())) < since:
            self._seen.popitem(last=False)

    async def _rings(
        self, rows: list[dict[str, Any]], orders: dict[UUID, Order], now: datetime
    ) -> dict[tuple[UUID, int], list[Ring]]:
        """Whom the changes of urgent orders ring, by order and seq."""
        units = {
            (row["order_id"], row["seq"]): found
            for row in rows
            if row["type"] in RINGING and (found := _rung(orders[row["order_id"]], row))
        }
        if not units:
            return {}
        wanted = dict.fromkeys(unit for found in units.values() for unit in found)
        told = await rings(self._pool, self._directory.rosters, wanted, now)
        return {key: [told[unit] for unit in found] for key, found in units.items()}

    def _hand_out(self, order: Order, row: dict[str, Any]) -> None:
        shown = {key: value for key, value in row.items() if key not in ("rung", "ring")}
        event = _event("change", order, row["seq"], shown | {"number": number_of(order.order_id)})
        for listener in self._hearing(order, row):
            listener.hand(event)

    def _ring(self, order: Order, row: dict[str, Any], rung: list[Ring]) -> None:
        told = {"order_id": order.order_id, "number": number_of(order.order_id), "seq": row["seq"]}
        told |= {"urgency": order.urgency, "status": order.status, "action": row["action"]}
        for listener in self._hearing(order, row):
            people = [ring_shape(self._directory, ring, listener.caller) for ring in rung]
            listener.hand(_event("ring", order, row["seq"], told | {"duty": people}))

    def _hearing(self, order: Order, row: dict[str, Any]) -> Iterator[Listener]:
        """Those who listen still, were there when it was recorded, and may see the order."""
        for listener in self._listeners:
            if listener.dropped or row["recorded_at"] < listener.since - self._settling:
                continue
            if sees(self._directory, listener.caller, order):
                yield listener


def _rung(order: Order, row: dict[str, Any]) -> tuple[str, ...]:
    """Whose person on duty a change rings: whom the ladder says, whatever the urgency; else every unit of an urgent
    order that has something to do."""
    if row["rung"] is not None:
        return tuple(msgspec.json.decode(row["ring"], type=list[str])) if row["ring"] is not None else ()
    return rung_units(order)


def _event(kind: str, order: Order, seq: int, data: dict[str, Any]) -> bytes:
    return b"event: %s\nid: %s/%d\ndata: %s\n\n" % (kind.encode(), str(order.order_id).encode(), seq, _encode(data))


@routes.get(
    "/stream", summary="Changes of the orders you may see, as server-sent events", response_class=StreamingResponse
)
async def stream(request: Request) -> StreamingResponse:
    """`event: change` with order, number, seq, action, status and time; `event: ring` beside it when an urgent order
    rings somebody, with who is on duty; a comment every 15 s keeps the line open."""
    rooms(request)
    caller = reader(request)
    source: Stream = request.app.state.stream
    return StreamingResponse(_events(source, caller), media_type="text/event-stream")


async def _events(source: Stream, caller: Principal) -> AsyncIterator[bytes]:
    listener = await source.join(caller)
    try:
        yield b": open\n\n"
        while not listener.dropped:
            try:
                yield await asyncio.wait_for(listener.waiting.get(), HEARTBEAT)
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        source.leave(listener)
