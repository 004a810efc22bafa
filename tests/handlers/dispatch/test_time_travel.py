"""Whatever people, clocks and reports do in whatever order: each order, each list and each queue shown as of a moment
equals what was seen at that moment."""

import random
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from schemas.vocabulary import Light
from tests.handlers.dispatch.client import Desk, Person
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.looks import indexed, lit, now_settled
from tests.rules.dispatch.town import a_plan, a_report, in_triage, linked, minutes, proposed

UNITS = ("s1-road", "s1-clean", "k1")
STEPS = 30
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v1/orders", {}),
    ("/v1/orders", {"status": ["handling", "verifying", "callback"]}),
    ("/v1/orders", {"unit": "s1-clean"}),
    ("/v1/orders", {"light": ["yellow", "red"]}),
    ("/v1/orders", {"joined": True}),
    ("/v1/orders", {"q": "路灯"}),
    ("/v1/me/queue", {}),
    ("/v1/me/queue", {"by": "light"}),
    ("/v1/me/queue", {"whose": "mine"}),
    ("/v1/me/queue", {"whose": "all"}),
)
BODIES: dict[str, dict[str, Any]] = {
    "contact": {"reached": True},
    "progress": {"note": "在路上"},
    "finish": {"result": "solved", "answer": "已修好"},
    "withdraw": {"reason": "不需要"},
    "verify": {"passed": False, "note": "没修好"},
    "reopen": {"reason": "又坏了"},
    "reject": {"reason": "不受理"},
    "void": {"reason": "重复录入"},
}


class Walk:
    """One random walk: somebody does something that he may do, and everybody looks."""

    def __init__(self, seed: int, pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk) -> None:
        self.random = random.Random(seed)
        self.pool, self.send, self.notice = pool, send, notice
        self.people = [desk.person("responder", unit) for unit in UNITS]
        self.centre, self.agent = desk.person("dispatcher", "s1"), desk.person("agent")
        self.inspector = desk.person("inspector")
        self.orders: list[str] = []
        self.seen: list[tuple[datetime, Person, str, dict[str, Any], Any]] = []

    async def step(self) -> None:
        """One thing happens."""
        await self.random.choice((self.opens, self.joins, self.ticks, *[self.acts] * 7))()

    async def opens(self) -> None:
        units = self.random.sample(UNITS, self.random.randint(1, 3))
        text = self.random.choice(("路灯不亮", "井盖破损"))
        fact: Any = proposed(a_report(text=text), a_plan(*units, together=self.random.random() < 0.3))
        if self.random.random() < 0.2:
            fact = in_triage(a_report(text=text))
        await self.send(fact)
        self.orders.append(str(fact.order_id))

    async def joins(self) -> None:
        if self.orders:
            text = self.random.choice(("路灯也坏了", "还没修"))
            await self.send(linked(self._one(), a_report(text=text)))

    async def ticks(self) -> None:
        if self.orders:
            order = self._one()
            seq = (await self.agent.order(order))["seq"]
            light = self.random.choice(list(Light))
            await self.notice(lit(order, seq, light, minutes(self.random.randint(1, 500))))

    async def acts(self) -> None:
        if not self.orders:
            return
        order = self._one()
        person = self.random.choice([*self.people * 3, self.centre, self.agent, self.inspector])
        status, shown = await person.get(f"/v1/orders/{order}")
        if status != 200:
            return
        may = [("orders", shown, action) for action in shown["actions"] if action in BODIES or action == "urge"]
        may += [
            ("assignments", part, action)
            for part in shown["assignments"]
            for action in part["actions"]
            if action in BODIES or action in ("accept", "arrive", "confirm")
        ] * 3
        if not may:
            return
        kind, target, action = self.random.choice(may)
        id_ = target["order_id" if kind == "orders" else "assignment_id"]
        await person.post(f"/v1/{kind}/{id_}/actions/{action}", target["version"], BODIES.get(action, {}))

    async def look(self) -> None:
        """Everybody looks, and what is seen is written down with the moment."""
        await indexed(self.pool)
        moment = await self.pool.fetchval("SELECT clock_timestamp()")
        for path, said in LOOKS:
            people = self.people[:2] if "queue" in path else [self.agent, self.people[1], self.centre]
            for person in people:
                asked = said | {"limit": 200}
                self.seen.append((moment, person, path, asked, (await person.get(path, **asked))[1]))
        for order in self.orders:
            path = f"/v1/orders/{order}"
            shown = (await self.agent.get(path))[1]
            shown.pop("duty", None)
            self.seen.append((moment, self.agent, path, {}, shown))

    def _one(self) -> Any:
        return UUID(self.random.choice(self.orders))


@pytest.mark.parametrize("seed", range(2))
async def test_what_was_seen_then_is_seen_as_of_then(
    seed: int, pool: asyncpg.Pool, send: Send, notice: Send, desk: Desk
) -> None:
    walk = Walk(seed, pool, send, notice, desk)
    await walk.opens()
    for _ in range(STEPS):
        await walk.step()
        if walk.random.random() < 0.5:
            await walk.look()
    await walk.look()
    await now_settled(pool)
    statuses = {o["status"] for _, _, path, _, body in walk.seen if path == "/v1/orders" for o in body["items"]}
    assert len(statuses) >= 3, "the walk went somewhere"
    for moment, person, path, said, body in walk.random.sample(walk.seen, min(300, len(walk.seen))):
        status, then = await person.get(path, **said, as_of=moment.isoformat())
        assert status == 200, then
        assert then == body, (path, said, moment)
