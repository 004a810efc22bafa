"""Responders who work off their queues over dispatch's REST: accept, contact, arrive, finish; then somebody checks and
the call-back is made. Scouts tell which units have something to do, as a phone that rings would.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from deploy.simulator.habits import Habit, habit_of

__all__ = ["Crew", "TokenFor"]

TokenFor = Callable[[str, str], str]  # role, unit ("" for none) → token
_LOOK_EVERY = 0.5
_PAGE = 200
_ATTEMPTS = 3
_CALLERS = ("hotline", "police", "one_stop", "platform")
_TRANSIENT = (httpx.TransportError, asyncio.TimeoutError)


class Crew:
    """`size` responders at work. `minute` is how many seconds a simulated minute takes, `centre` the unit of the
    dispatcher who decides triage; `steps` counts what they did and what they were refused."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        token: TokenFor,
        *,
        seed: int,
        size: int,
        minute: float,
        centre: str,
        since: datetime,
    ) -> None:
        self._client = client
        self._url = url
        self._token = token
        self._seed = seed
        self._size = size
        self._minute = minute
        self._centre = centre
        self._since = since.isoformat()
        self._tokens: dict[tuple[str, str], str] = {}
        self._known: set[str] = set()
        self._units: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._due: dict[tuple[str, str], float] = {}
        self._after: set[asyncio.Task[None]] = set()
        self.steps: Counter[str] = Counter()

    async def work(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._scout())
                group.create_task(self._dispatcher())
                for _ in range(self._size):
                    group.create_task(self._responder())
        finally:
            for task in self._after:
                task.cancel()

    async def _scout(self) -> None:
        """Look for new orders and put their units on the list of those with something to do."""
        while True:
            with contextlib.suppress(*_TRANSIENT):
                cursor: str | None = ""
                while cursor is not None:
                    query = {"limit": _PAGE, "opened_from": self._since} | ({"cursor": cursor} if cursor else {})
                    page = await self._get("/v1/orders", "supervisor", "", query)
                    new = [order for order in page.get("items", ()) if order["order_id"] not in self._known]
                    for order in new:
                        await self._meet(order["order_id"])
                    cursor = page.get("next") if new else None
            await asyncio.sleep(_LOOK_EVERY)

    async def _dispatcher(self) -> None:
        """Somebody at the city centre who decides what the router was not sure about, by its first candidate."""
        while True:
            await asyncio.sleep(max(5 * self._minute, _LOOK_EVERY))
            with contextlib.suppress(*_TRANSIENT):
                page = await self._get("/v1/triage", "dispatcher", self._centre, {"limit": _PAGE})
                for order in page.get("items", ()):
                    if order["candidates"]:
                        body = {"lead": order["candidates"][0]["unit_id"], "reason": "按候选单位派遣"}
                        path = f"/v1/orders/{order['order_id']}"
                        if await self._act(path, "route", "dispatcher", self._centre, order["version"], body):
                            await self._meet(order["order_id"])

    async def _meet(self, order_id: str) -> None:
        order = await self._get(f"/v1/orders/{order_id}", "supervisor", "")
        if "assignments" not in order:
            return
        self._known.add(order_id)
        for part in order["assignments"]:
            self._ring(part["unit"]["unit_id"])

    def _ring(self, unit: str) -> None:
        if unit not in self._queued:
            self._queued.add(unit)
            self._units.put_nowait(unit)

    async def _responder(self) -> None:
        """Take a unit, do what is due in its queue, come back to it while something is open."""
        while True:
            unit = await self._units.get()
            wait: float | None = _LOOK_EVERY
            with contextlib.suppress(*_TRANSIENT):
                wait = await self._visit(unit)
            if wait is None:
                self._queued.discard(unit)
            else:
                self._later(self._again(unit, wait))

    async def _again(self, unit: str, wait: float) -> None:
        await asyncio.sleep(wait)
        self._units.put_nowait(unit)

    async def _visit(self, unit: str) -> float | None:
        """Do what is due for a unit. Answers in how many seconds the next step is; None when nothing is left that
        anybody will ever do."""
        page = await self._get("/v1/me/queue", "responder", unit, {"limit": _PAGE})
        now = time.monotonic()
        waits = []
        for item in page.get("items", ()):
            step = await self._next_step(unit, item, now)
            if step is not None:
                waits.append(max(step - now, 0.05))
        return min(min(waits), 30 * self._minute + _LOOK_EVERY) if waits else None

    async def _next_step(self, unit: str, item: dict[str, Any], now: float) -> float | None:
        """Do the step of an assignment that is due. Answers when the next one is, None for never."""
        part = item["assignment"]
        assignment = f"{part['assignment_id']}/{item['round']}"  # a new round is a new try
        habit = habit_of(self._seed, assignment)
        action, delay, body = _step(part, habit)
        if delay is None:
            self._count_once(assignment, "forgot")
            return None
        due = self._due.setdefault((assignment, action), now + delay * self._minute)
        if now < due:
            return due
        path = f"/v1/assignments/{part['assignment_id']}"
        if action == "finish" and item.get("photos") and habit.result == "solved":
            body |= {"photos": await self._show(unit, item["order_id"])}
        if action == "contact":
            answer = await self._contact(unit, item["order_id"], path, part["version"])
        else:
            answer = await self._act(path, action, "responder", unit, part["version"], body)
        if answer is None:  # somebody was faster, or an assist is still at it: look again later
            self._due[assignment, action] = now + max(10 * self._minute, 2.0)
            return self._due[assignment, action]
        if action == "accept" and habit.kind == "late":
            self._count_once(assignment, "late")
        if action == "finish":
            self._later(self._finish(item["order_id"], habit, answer))
        return now

    async def _show(self, unit: str, order_id: str) -> list[str]:
        """Photos before and after the work, as the class wants them."""
        found = []
        for kind, colour in (("before", 40), ("after", 200)):
            answer = await self._client.post(
                f"{self._url}/v1/orders/{order_id}/attachments",
                params={"kind": kind},
                content=a_photo(order_id, colour),
                headers=self._bearer("responder", unit),
            )
            if answer.is_success:
                self.steps["photo"] += 1
                found.append(answer.json()["attachment_id"])
        return found

    async def _contact(self, unit: str, order_id: str, path: str, version: int) -> dict[str, Any] | None:
        """Ring every reporter, each for himself; an order that nobody reported by telephone is looked at."""
        order = await self._get(f"/v1/orders/{order_id}", "responder", unit)
        waiting = [r["report_id"] for r in order.get("reports", ()) if r.get("source") in _CALLERS]
        answer = None
        for report_id in waiting or [None]:
            body = {"reached": True} | ({"report_id": report_id} if report_id else {})
            answer = await self._act(path, "contact", "responder", unit, version, body)
            version += 1
        return answer

    async def _finish(self, order_id: str, habit: Habit, order: dict[str, Any]) -> None:
        """What follows when a lead is done: the check, then the call-back."""
        with contextlib.suppress(*_TRANSIENT):
            await asyncio.sleep(15 * self._minute)
            if order["status"] == "verifying":
                body = {"passed": habit.passes, "note": "现场复核" + ("通过" if habit.passes else "不合格，退回返工")}
                checked = await self._act(f"/v1/orders/{order_id}", "verify", "inspector", "", order["version"], body)
                if checked is None:
                    return
                order = checked
                if not habit.passes:
                    self._known.discard(order_id)
                    return
                await asyncio.sleep(10 * self._minute)
            if order["status"] == "callback":
                await self._call_back(order_id, habit, order["version"])

    async def _call_back(self, order_id: str, habit: Habit, version: int) -> None:
        found = await self._get(f"/v1/orders/{order_id}", "agent", "")
        for report in found.get("reports", ()):
            body: dict[str, Any] = {"report_id": report["report_id"], "reached": habit.satisfied is not None}
            if habit.satisfied is not None:
                body |= {"satisfied": habit.satisfied, "solved": habit.solved}
            for attempt in range(1 if body["reached"] else _ATTEMPTS):  # then he is 未评价
                called = await self._act(
                    f"/v1/orders/{order_id}",
                    "callback",
                    "agent",
                    "",
                    version,
                    body,
                    again=f"{report['report_id']}{attempt}",
                )
                if called is None:
                    return
                version = called["version"]
        if habit.satisfied == "dissatisfied":  # somebody looks at it, and leaves it at that
            said = {"reason": "已向诉求人再次说明"}
            dismissed = await self._act(f"/v1/orders/{order_id}", "dismiss", "supervisor", "", version, said)
            version = version if dismissed is None else dismissed["version"]
        await self._act(f"/v1/orders/{order_id}", "close", "agent", "", version, {})

    async def _act(
        self, path: str, action: str, role: str, unit: str, version: int, body: dict[str, Any], again: str = ""
    ) -> dict[str, Any] | None:
        """Do one thing. Answers what it is now; None when it was refused. `again` tells apart what moves no version."""
        answer = await self._client.post(
            f"{self._url}{path}/actions/{action}",
            json=body,
            headers={
                **self._bearer(role, unit),
                "If-Match": f'"{version}"',
                "Idempotency-Key": f"sim-{self._seed}-{path[-36:]}-{action}-{version}{again}"[:200],
            },
        )
        if answer.is_success:
            self.steps[action] += 1
            return dict(answer.json())
        self.steps[f"refused: {action} {answer.json().get('code', answer.status_code)}"] += 1
        return None

    async def _get(self, path: str, role: str, unit: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._client.get(self._url + path, params=query, headers=self._bearer(role, unit))
        if answer.status_code in (401, 403):
            self.steps[f"refused: {path.split('/')[2]} {answer.json().get('code')}"] += 1
        return dict(answer.json()) if answer.is_success else {}

    def _bearer(self, role: str, unit: str) -> dict[str, str]:
        token = self._tokens.get((role, unit))
        if token is None:
            token = self._tokens[role, unit] = self._token(role, unit)
        return {"Authorization": f"Bearer {token}"}

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    def _count_once(self, assignment: str, what: str) -> None:
        if (assignment, what) not in self._due:
            self._due[assignment, what] = 0.0
            self.steps[what] += 1


def _step(part: dict[str, Any], habit: Habit) -> tuple[str, float | None, dict[str, Any]]:
    """The next action on an assignment, its delay in simulated minutes (None: never), and its body."""
    if part["status"] == "offered":
        return "accept", habit.accept, {}
    if part["status"] != "accepted":
        return "wait", None, {}
    if "contacted_at" not in part and habit.reached:
        return "contact", habit.contact, {"reached": True}
    if "arrived_at" not in part:
        return "arrive", habit.arrive, {}
    said = {"result": habit.result, "answer": habit.answer}
    if habit.result == "not_possible":
        said["hard_case_owner"] = "值班班长"
    return "finish", habit.finish, said


def a_photo(order_id: str, colour: int) -> bytes:
    """A small picture of nothing, different for every order."""
    out = BytesIO()
    Image.new("RGB", (96, 72), (colour, int(order_id[:2], 16), 90)).save(out, "JPEG")
    return out.getvalue()
