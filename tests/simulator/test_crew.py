"""Responders at a small dispatch of our own that checks what it is asked as strictly as the real one."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from deploy.simulator.crew import Crew
from deploy.simulator.habits import Habit, habit_of

NOW = datetime(2026, 10, 8, tzinfo=UTC)
CENTRE = "310000-centre"
UNITS = ("310105009-sanitation", "310105009-police")
Shape = dict[str, Any]
ORDER_ACTIONS = {
    "route": ("dispatcher", "triage"),
    "verify": ("inspector", "verifying"),
    "callback": ("agent", "callback"),
    "dismiss": ("supervisor", "callback"),
    "close": ("agent", "callback"),
}
NEXT = {"accept": ("offered", "accepted"), "finish": ("accepted", "done")}


class Dispatch:
    """Orders in memory: one lead and one assist each; a few wait in triage."""

    def __init__(self, orders: int, triage: int = 0) -> None:
        self.orders: dict[str, Shape] = {}
        self.log: list[tuple[str, str, str]] = []  # action, role, id
        self.wrong: list[str] = []
        self.outage = 0
        for n in range(orders):
            self.orders[f"order-{n}"] = self._order(n, "dispatched")
        for n in range(orders, orders + triage):
            self.orders[f"order-{n}"] = self._order(n, "triage") | {"assignments": []}

    def _order(self, n: int, status: str) -> Shape:
        parts = [
            {
                "assignment_id": f"part-{n}-{role}",
                "unit": {"unit_id": unit},
                "role": role,
                "status": "offered",
                "version": 1,
            }
            for role, unit in zip(("lead", "assist"), UNITS, strict=True)
        ]
        return {
            "order_id": f"order-{n}",
            "status": status,
            "version": 1,
            "round": 1,
            "assignments": parts,
            "reports": [{"report_id": f"report-{n}"}],
            "candidates": [{"unit_id": UNITS[0]}],
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.outage:
            self.outage -= 1
            raise httpx.ConnectError("away", request=request)
        role, unit = request.headers["authorization"].removeprefix("Bearer ").split("/")
        path = request.url.path.split("/")[2:]
        if request.method == "GET":
            return self._get(path, role, unit)
        found, part = self._target(path)
        target = part or found
        if request.headers["if-match"] != f'"{target["version"]}"':
            return httpx.Response(412, json={"code": "version_stale"})
        code = self._do(found, part, path[3], role, unit, json.loads(request.content))
        if code:
            self.wrong.append(f"{path[3]} {code}")
            return httpx.Response(409, json={"code": code})
        target["version"] += 1
        self.log.append((path[3], role, path[1]))
        return httpx.Response(200, json=found)

    def _get(self, path: list[str], role: str, unit: str) -> httpx.Response:
        if path == ["me", "queue"]:
            mine = [
                {"order_id": order["order_id"], "round": order["round"], "assignment": part}
                for order in self.orders.values()
                for part in order["assignments"]
                if part["unit"]["unit_id"] == unit and part["status"] in ("offered", "accepted")
            ]
            return httpx.Response(200, json={"items": mine, "next": None})
        if path == ["triage"]:
            assert (role, unit) == ("dispatcher", CENTRE)
            waiting = [order for order in self.orders.values() if order["status"] == "triage"]
            return httpx.Response(200, json={"items": waiting, "next": None})
        if path == ["orders"]:
            return httpx.Response(200, json={"items": list(self.orders.values()), "next": None})
        return httpx.Response(200, json=self.orders[path[1]])

    def _target(self, path: list[str]) -> tuple[Shape, Shape | None]:
        if path[0] == "orders":
            return self.orders[path[1]], None
        for order in self.orders.values():
            for part in order["assignments"]:
                if part["assignment_id"] == path[1]:
                    return order, part
        raise AssertionError(path)

    def _do(
        self,
        order: Shape,
        part: Shape | None,
        action: str,
        role: str,
        unit: str,
        body: Shape,
    ) -> str:
        if part is not None:
            return self._on_part(order, part, action, role, unit, body)
        wanted = {
            "verify": ("inspector", "verifying"),
            "callback": ("agent", "callback"),
            "dismiss": ("supervisor", "callback"),
            "close": ("agent", "callback"),
        }
        wanted |= {"route": ("dispatcher", "triage")}
        if wanted[action] != (role, order["status"]):
            return "action_not_allowed"
        if action == "route":
            parts = self._order(int(order["order_id"].split("-")[1]), "")["assignments"]
            order |= {"status": "dispatched", "assignments": parts[:1]}
        elif action == "verify":
            order["status"] = "callback" if body["passed"] else "handling"
            if not body["passed"]:
                order["round"] += 1
                order["assignments"][0] |= {"status": "offered", "version": order["assignments"][0]["version"] + 1}
        elif action == "close":
            order["status"] = "closed"
        return ""

    def _on_part(self, order: Shape, part: Shape, action: str, role: str, unit: str, body: Shape) -> str:
        if (role, unit) != ("responder", part["unit"]["unit_id"]):
            return "other_unit"
        if action in NEXT:
            before, after = NEXT[action]
            if part["status"] != before:
                return "action_not_allowed"
            if action == "finish" and part["role"] == "lead":
                assert body["answer"] and body["result"] in ("solved", "explained", "not_possible")
                if any(p["status"] != "done" for p in order["assignments"] if p["role"] == "assist"):
                    return "assists_open"
                order["status"] = "verifying"
                order["version"] += 1
            part["status"] = after
        elif part["status"] != "accepted":
            return "action_not_allowed"
        else:
            part[{"contact": "contacted_at", "arrive": "arrived_at"}[action]] = NOW.isoformat()
        return ""


async def work(dispatch: Dispatch, seconds: float, monkeypatch: pytest.MonkeyPatch, size: int = 4) -> Crew:
    """Let a crew work until nothing has been done for `seconds`, or all orders are closed."""
    monkeypatch.setattr("deploy.simulator.crew._LOOK_EVERY", 0.01)
    async with httpx.AsyncClient(transport=httpx.MockTransport(dispatch)) as client:
        crew = Crew(
            client,
            "http://dispatch.test",
            lambda role, unit: f"{role}/{unit}",
            seed=5,
            size=size,
            minute=0.0005,
            centre=CENTRE,
            since=NOW,
        )
        working = asyncio.create_task(crew.work())
        done, quiet = -1, 0.0
        while quiet < seconds and any(order["status"] != "closed" for order in dispatch.orders.values()):
            quiet = 0.0 if len(dispatch.log) != done or dispatch.outage else quiet + 0.05
            done = len(dispatch.log)
            await asyncio.sleep(0.05)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        return crew


def forgetful(orders: int) -> set[str]:
    """Orders with an assignment that its responder forgets."""
    parts = {f"order-{n}": (f"part-{n}-lead", f"part-{n}-assist") for n in range(orders)}
    return {order for order, two in parts.items() if any(habit_of(5, f"{part}/1").kind == "forgets" for part in two)}


async def test_orders_are_worked_to_their_end_step_by_step_and_only_the_forgotten_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dispatch = Dispatch(30, triage=3)
    crew = await work(dispatch, 1.5, monkeypatch)
    stay = {order["order_id"] for order in dispatch.orders.values() if order["status"] != "closed"}
    assert forgetful(30) and forgetful(30) <= stay
    again = {order["order_id"] for order in dispatch.orders.values() if order["round"] > 1}
    assert again and stay - forgetful(33) <= again, "only in a new round may somebody else forget"
    assert again - stay, "a check that failed is not the end"
    assert set(dispatch.wrong) <= {"finish assists_open"}, "nothing is asked that is not allowed"
    done = Counter(action for action, _, _ in dispatch.log)
    assert done["route"] == 3 and done["close"] == 33 - len(stay) >= 25
    assert crew.steps["accept"] == done["accept"] > 50
    assert crew.steps["forgot"] >= 1 and crew.steps["late"] >= 1
    for part in (f"part-{n}-lead" for n in range(30)):
        steps = [action for action, _, target in dispatch.log if target == part]
        if "finish" in steps:
            assert steps.index("accept") < steps.index("arrive") < steps.index("finish")


async def test_an_outage_of_dispatch_is_sat_out(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = Dispatch(2)
    dispatch.outage = 25
    await work(dispatch, 1.0, monkeypatch, size=2)
    assert dispatch.outage == 0
    assert any(action == "finish" for action, _, _ in dispatch.log)


def test_a_habit_is_one_persons_and_stays() -> None:
    habit: Habit = habit_of(5, "part-1-lead")
    assert habit == habit_of(5, "part-1-lead") != habit_of(6, "part-1-lead")
