"""What came out: every accepted report asked for by id at dispatch, every order's clocks at supervision."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx

from deploy.simulator.stream import Meant
from schemas.vocabulary import ReportState

__all__ = ["Outcome", "Reconciler"]

_ASKERS = 16
_CLOCKS = 500
_PAGE = 200
_PAUSE = 0.5
# Where a report may rest without an order.
_WITHOUT_ORDER = {ReportState.ANSWERED.value, ReportState.TRANSFERRED.value, ReportState.REJECTED.value}
T = TypeVar("T")


@dataclass
class Outcome:
    """What came of the accepted reports. `missing` have no trace in dispatch, `without_clock` are orders that
    supervision does not know; both empty is a clean run. `agreement` compares with what was meant: (right, of)."""

    accepted: int
    states: Counter[str] = field(default_factory=Counter)
    orders: set[UUID] = field(default_factory=set)
    missing: list[UUID] = field(default_factory=list)
    without_clock: list[UUID] = field(default_factory=list)
    order_states: Counter[str] = field(default_factory=Counter)
    alarms: int = 0
    breaches: int = 0
    agreement: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether every accepted report is in its place."""
        return not self.missing and not self.without_clock


class Reconciler:
    """Asks the services. `patience` is how many seconds nothing may move before the rest counts as missing."""

    def __init__(self, client: httpx.AsyncClient, dispatch: str, supervision: str, patience: float) -> None:
        self._client = client
        self._dispatch = dispatch
        self._supervision = supervision
        self._patience = patience

    async def reconcile(
        self, accepted: Mapping[UUID, Meant | None], since: datetime, step: Callable[[int], None]
    ) -> Outcome:
        """Every report of `accepted`; orders opened `since` for the comparison. `step` is told how many more reports
        are found."""
        outcome = Outcome(len(accepted))
        order_of = await self._reports(accepted, outcome, step)
        outcome.orders = set(order_of.values())
        outcome.without_clock = await self._without_clock(outcome.orders)
        listed = await self._orders(since)
        outcome.order_states = Counter(order["status"] for order in listed.values())
        outcome.alarms = sum(order["source"] == "sensor" for order in listed.values())
        outcome.breaches = await self._breaches(since)
        outcome.agreement = _agreement(accepted, order_of, listed)
        return outcome

    async def _reports(
        self, accepted: Collection[UUID], outcome: Outcome, step: Callable[[int], None]
    ) -> dict[UUID, UUID]:
        """Ask until every report is found or nothing has moved for the patience. Answers report → order."""
        order_of: dict[UUID, UUID] = {}
        waiting, waited = list(accepted), 0.0
        while waiting:
            found = await _each(waiting, self._report)
            left = []
            for report_id, said in zip(waiting, found, strict=True):
                if said is None or ("order_id" not in said and said["state"] not in _WITHOUT_ORDER):
                    left.append(report_id)
                    continue
                outcome.states[said["state"]] += 1
                if "order_id" in said:
                    order_of[report_id] = UUID(said["order_id"])
            step(len(waiting) - len(left))
            waited = waited + _PAUSE if len(left) == len(waiting) else 0.0
            waiting = left
            if waited >= self._patience:
                break
            if waiting:
                await asyncio.sleep(_PAUSE)
        outcome.missing = waiting
        return order_of

    async def _report(self, report_id: UUID) -> dict[str, Any] | None:
        return await self._get(f"{self._dispatch}/v1/reports/{report_id}", {})

    async def _without_clock(self, orders: Iterable[UUID]) -> list[UUID]:
        """Orders that have no clocks, asked for again until the patience ends."""
        left, waited = sorted(orders), 0.0
        while left:
            before = len(left)
            for start in range(0, len(left), _CLOCKS):
                left[start : start + _CLOCKS] = await self._unclocked(left[start : start + _CLOCKS])
            waited = waited + _PAUSE if len(left) == before else 0.0
            if not left or waited >= self._patience:
                break
            await asyncio.sleep(_PAUSE)
        return left

    async def _unclocked(self, part: Sequence[UUID]) -> list[UUID]:
        if not part:
            return []
        try:
            answer = await self._client.post(
                f"{self._supervision}/v1/clocks", json={"order_ids": [str(order) for order in part]}
            )
        except httpx.TransportError:
            return list(part)
        if not answer.is_success:
            return list(part)
        known = {UUID(item["order_id"]) for item in answer.json()["items"] if item["clocks"]}
        return [order for order in part if order not in known]

    async def _orders(self, since: datetime) -> dict[UUID, dict[str, Any]]:
        """Every order opened since a moment, as lists show it."""
        found: dict[UUID, dict[str, Any]] = {}
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": _PAGE, "opened_from": since.isoformat()} | ({"cursor": cursor} if cursor else {})
            page = await self._get(f"{self._dispatch}/v1/orders", query) or {"items": [], "next": None}
            found |= {UUID(order["order_id"]): order for order in page["items"]}
            cursor = page["next"]
        return found

    async def _breaches(self, since: datetime) -> int:
        count, cursor = 0, ""
        while True:
            query = {"limit": _PAGE, "since": since.isoformat()} | ({"cursor": cursor} if cursor else {})
            page = await self._get(f"{self._supervision}/v1/breaches", query) or {"items": [], "next": None}
            count += len(page["items"])
            if page["next"] is None:
                return count
            cursor = page["next"]

    async def _get(self, url: str, query: dict[str, Any]) -> dict[str, Any] | None:
        try:
            answer = await self._client.get(url, params=query)
        except httpx.TransportError:
            return None
        return dict(answer.json()) if answer.is_success else None


async def _each(items: Sequence[T], ask: Callable[[T], Any]) -> list[Any]:
    """The answers for all items, a few at a time."""
    answers: list[Any] = [None] * len(items)
    numbered = iter(enumerate(items))

    async def asker() -> None:
        for n, item in numbered:
            answers[n] = await ask(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_ASKERS, len(items))):
            group.create_task(asker())
    return answers


def _agreement(
    accepted: Mapping[UUID, Meant | None], order_of: Mapping[UUID, UUID], listed: Mapping[UUID, dict[str, Any]]
) -> dict[str, tuple[int, int]]:
    """How often the order's place and class are what the reporter meant: of those who named the street-town, and of
    those with a class. Merged reports are left out: their order is another's."""
    counts: dict[str, list[int]] = {"place": [0, 0], "class": [0, 0]}
    for report_id, meant in accepted.items():
        order = listed.get(order_of.get(report_id, report_id))
        if meant is None or order is None or meant.repeat or meant.danger:
            continue
        if meant.told == "street":
            counts["place"][0] += order["place"]["division"].startswith(meant.division)
            counts["place"][1] += 1
        if meant.class_key:
            said = order["class"]
            counts["class"][0] += f"{said['standard']}/{said['kind']}/{said['code']}" == meant.class_key
            counts["class"][1] += 1
    return {name: (right, of) for name, (right, of) in counts.items()}
