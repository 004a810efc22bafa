"""Real rows through the running services: tickets into intake, closings into dispatch, clocks out of supervision.

Everything can be sent again: ids follow from the case, so a repeat finds what is there already.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx
from msgspec import Struct

from deploy.replay.compare import Ours
from deploy.replay.filing import ticket_of
from deploy.replay.records import Record
from schemas.ids import order_id_of
from schemas.vocabulary import ClockState, Stage

BULK = 500  # tickets in one request, orders in one question
CLOSERS = 64  # closings under way at a time: dispatch takes what waits in one transaction
PAUSE = 0.5  # seconds between two looks at what is not there yet

Step = Callable[[int], None]
T = TypeVar("T")


class Addresses(Struct, frozen=True):
    """Where the services answer."""

    intake: str
    dispatch: str
    supervision: str


class Refusal(Struct, frozen=True):
    """A row that a service did not take, with the code it gave."""

    case_id: str
    code: str


class Stuck(Exception):
    """The services stopped getting on with what was sent; the text says with what."""


class Sender:
    """One replay over HTTP with a token of role `import`. `patience` is how many seconds nothing may move before Stuck
    is raised."""

    def __init__(
        self, client: httpx.AsyncClient, at: Addresses, keys: Mapping[str, str], patience: float = 60.0
    ) -> None:
        self._client = client
        self._at = at
        self._keys = keys
        self._patience = patience

    async def tickets(self, records: Sequence[Record], step: Step) -> tuple[dict[str, UUID], list[Refusal]]:
        """Send every record as a ticket. Answers case id → order id, and the refused ones. `step` is told how many
        more are through."""
        orders: dict[str, UUID] = {}
        refused: list[Refusal] = []
        for part in _parts(records, BULK):
            body = [ticket_of(record, self._keys) for record in part]
            answer = await self._insist("POST", f"{self._at.intake}/v1/hotline/tickets/bulk", json=body)
            for record, item in zip(part, answer.json()["items"], strict=True):
                if "report_id" in item:
                    orders[record.case_id] = order_id_of(UUID(item["report_id"]))
                else:
                    refused.append(Refusal(record.case_id, item["problem"]["code"]))
            step(len(part))
        return orders, refused

    async def closings(self, records: Sequence[Record], orders: Mapping[str, UUID], step: Step) -> list[Refusal]:
        """Close what was closed, with its published time; orders that are not open yet are waited for. Answers the
        refused ones."""
        waiting = iter([record for record in records if record.closed and record.case_id in orders])
        refused: list[Refusal] = []

        async def worker() -> None:
            for record in waiting:
                if record.closed and (code := await self._close(record.case_id, orders[record.case_id], record.closed)):
                    refused.append(Refusal(record.case_id, code))
                step(1)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CLOSERS):
                    group.create_task(worker())
        except* Stuck as stopped:
            first = stopped
        else:
            return refused
        raise first.exceptions[0]

    async def _close(self, case_id: str, order_id: UUID, closed_at: datetime) -> str:
        """Close one order. Answers "" or the code of a refusal."""
        version, waited = 1, 0.0
        while True:
            answer = await self._insist(
                "POST",
                f"{self._at.dispatch}/v1/orders/{order_id}/actions/import_close",
                json={"closed_at": closed_at.isoformat()},
                headers={"Idempotency-Key": f"boston311-close-{case_id}-{version}", "If-Match": f'"{version}"'},
            )
            if answer.is_success:
                return ""
            code = str(answer.json().get("code", answer.status_code))
            if answer.status_code == 404:
                if waited >= self._patience:
                    raise Stuck(f"order {order_id} of case {case_id} was never opened")
                await asyncio.sleep(PAUSE)
                waited += PAUSE
            elif answer.status_code == 412:
                order = (await self._insist("GET", f"{self._at.dispatch}/v1/orders/{order_id}")).json()
                if order["status"] == "closed" or order["version"] == version:
                    return "" if order["status"] == "closed" else code
                version = order["version"]
            else:
                return code

    async def clocks(self, records: Sequence[Record], orders: Mapping[str, UUID], step: Step) -> dict[str, Ours]:
        """What became of every promise, asked until each order has its clocks and they show its closing, or that it is
        overdue. What does not settle for `patience` seconds is taken as it stands; raises Stuck for an order that has
        no clocks at all by then."""
        waiting = {orders[record.case_id]: record for record in records if record.case_id in orders}
        found: dict[str, Ours] = {}
        waited = 0.0
        while waiting:
            seen = await self._seen(list(waiting))
            settled = [order_id for order_id, ours in seen.items() if is_settled(waiting[order_id], ours)]
            waited = 0.0 if settled else waited + PAUSE
            if waited >= self._patience:
                if missing := [order_id for order_id in waiting if order_id not in seen]:
                    raise Stuck(f"{len(missing)} orders have no clocks, the first is {missing[0]}")
                settled = list(waiting)
            for order_id in settled:
                found[waiting.pop(order_id).case_id] = seen[order_id]
            step(len(settled))
            if waiting:
                await asyncio.sleep(PAUSE)
        return found

    async def _seen(self, order_ids: Sequence[UUID]) -> dict[UUID, Ours]:
        """What the clocks of these orders say now; orders that supervision does not know yet are left out."""
        seen: dict[UUID, Ours] = {}
        for part in _parts(order_ids, BULK):
            body = {"order_ids": [str(order_id) for order_id in part]}
            answer = await self._insist("POST", f"{self._at.supervision}/v1/clocks", json=body)
            seen |= {UUID(item["order_id"]): ours_of(item["clocks"]) for item in answer.json()["items"]}
        return seen

    async def _insist(self, method: str, url: str, **more: Any) -> httpx.Response:
        """The answer of a service; one that is away or full (503) is asked again for `patience` seconds. Raises Stuck
        when it stays so, and for a token that is refused."""
        waited = 0.0
        while True:
            try:
                answer = await self._client.request(method, url, **more)
                trouble = f"{url}: {answer.status_code}"
                if answer.status_code in (401, 403):
                    raise Stuck(f"{trouble} {answer.json().get('code', '')}: the token does not do for role import")
                if answer.status_code < 500:
                    return answer
            except httpx.TransportError as error:
                trouble = f"{url}: {error!r}"
            if waited >= self._patience:
                raise Stuck(trouble)
            await asyncio.sleep(PAUSE)
            waited += PAUSE


def is_settled(record: Record, ours: Ours) -> bool:
    """Whether nothing is left to wait for: a promise that the closing kept stands as missed until the closing has
    arrived, and an open one runs on until its deadline is found passed."""
    if ours.due is None or ours.on_time is True:
        return True
    kept = record.closed is not None and record.closed <= ours.due
    if ours.on_time is None:
        return record.closed is None and ours.due > datetime.now(UTC)
    return not kept


def ours_of(clocks: Sequence[Mapping[str, Any]]) -> Ours:
    """What the clocks of one imported order say of its promise."""
    total = next((clock for clock in clocks if clock["stage"] == Stage.TOTAL), None)
    if total is None:
        return Ours()
    kept = {ClockState.MET: True, ClockState.MISSED: False}
    return Ours(datetime.fromisoformat(total["due"]), kept.get(total["state"]), total["policy"])


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
