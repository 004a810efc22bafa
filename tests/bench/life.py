"""Orders brought from their offer to their end over REST, six calls each, by those who may make them.

accept, contact, arrive, finish (the unit's token) → verify (an inspector) or callback (an agent) → close (an agent).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from deploy.stack.lifecycle import Stack
from schemas.vocabulary import Role
from services.chassis.clock import monotonic
from tests.bench.afterwards import looking
from tests.bench.cpu import each, spent
from tests.bench.fresh import Audited, audited, rested, token
from tests.bench.wire import Wire, percentile, post

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class Life(Struct, kw_only=True):
    """Orders a second that went through all six calls; milliseconds a call; `cost` is µs of processor an order by
    process, all that follows from its calls with it."""

    orders: int
    seconds: float
    rate: float
    p50_ms: float
    p99_ms: float
    refused: dict[str, int]
    closed: int
    cost: dict[str, int]
    audit: Audited


class Case(Struct):
    """One order with what its calls need."""

    order_id: str
    part: str
    unit: str
    report_id: str
    checked: bool


async def cases(stack: Stack) -> list[Case]:
    """Orders that a unit can take up and that somebody waits for, checked on the spot or by a call."""
    async with looking(stack.database_url("paidan_audit")) as connection:
        rows = await connection.fetch(
            "SELECT o.order_id::text, a.assignment_id::text, a.unit, o.verification = 'site' AS checked,"
            " (SELECT min(r.report_id::text) FROM dispatch.reports r WHERE r.order_id = o.order_id) AS report_id"
            " FROM dispatch.orders o JOIN dispatch.assignments a USING (order_id) WHERE o.status = 'dispatched'"
            " AND a.role = 'lead' AND a.status = 'offered' AND o.citizens AND o.verification IN ('site', 'call')"
            " AND (SELECT count(*) FROM dispatch.assignments b WHERE b.order_id = o.order_id) = 1 ORDER BY o.opened_at"
        )
    return [Case(r["order_id"], r["assignment_id"], r["unit"], r["report_id"], r["checked"]) for r in rows]


class Clerk:
    """Makes the calls of one order after another on one connection."""

    def __init__(self, port: int, tokens: Callable[[Role, str], str]) -> None:
        self._wire = Wire(port)
        self._tokens = tokens
        self.seconds: list[float] = []
        self.refused: dict[str, int] = {}

    async def live(self, case: Case) -> bool:
        """All six calls; False when one was refused."""
        unit = self._tokens(Role.RESPONDER, case.unit)
        said: dict[str, Any] | None = None
        part = 1
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("accept", {}),
            ("contact", {"reached": True, "report_id": case.report_id}),
            ("arrive", {}),
            ("finish", {"result": "explained", "answer": "已到现场处理完毕，来电人知悉。"}),
        )
        for action, body in steps:
            said = await self._call("assignments", case.part, action, body, unit, part)
            if said is None:
                return False
            part = next(a["version"] for a in said["assignments"] if a["assignment_id"] == case.part)
        assert said is not None
        return await self._end(case, said["version"])

    async def _end(self, case: Case, version: int) -> bool:
        """Have it checked or ask the reporter, and close it."""
        agent = self._tokens(Role.AGENT, "")
        if case.checked:
            inspector = self._tokens(Role.INSPECTOR, "")
            said = await self._call("orders", case.order_id, "verify", {"passed": True}, inspector, version)
        else:
            word = {"report_id": case.report_id, "reached": True, "satisfied": "satisfied", "solved": True}
            said = await self._call("orders", case.order_id, "callback", word, agent, version)
        if said is None:
            return False
        return await self._call("orders", case.order_id, "close", {}, agent, said["version"]) is not None

    async def _call(
        self, kind: str, id_: str, action: str, body: dict[str, Any], carrier: str, version: int
    ) -> dict[str, Any] | None:
        headers = (("Idempotency-Key", f"{id_}-{action}"), ("If-Match", f'"{version}"'))
        request = post(f"/v1/{kind}/{id_}/actions/{action}", _encode(body), carrier, headers=headers)
        began = monotonic()
        status, answer = await self._wire.ask(request)
        self.seconds.append(monotonic() - began)
        said = _decode(answer)
        if status != 200:
            code = f"{action} {said.get('code', status)}"
            self.refused[code] = self.refused.get(code, 0) + 1
            return None
        return said

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()


class Lived(Struct):
    """What so many connections came to: orders that went through, over how many seconds, seconds a call, refusals."""

    orders: int
    seconds: float
    took: list[float]
    refused: dict[str, int]

    @property
    def rate(self) -> float:
        """Orders a second."""
        return round(self.orders / self.seconds, 1)


async def lived(stack: Stack, seconds: float, connections: int = 64) -> Lived:
    """Bring the orders of a stack to their end for so many seconds, over so many connections."""
    known: dict[tuple[Role, str], str] = {}

    def tokens(role: Role, unit: str) -> str:
        if (role, unit) not in known:
            known[role, unit] = token(stack, role, unit=unit or None)
        return known[role, unit]

    queue = deque(await cases(stack))
    for case in queue:
        tokens(Role.RESPONDER, case.unit)
    clerks = [Clerk(stack.ports.of("dispatch-api"), tokens) for _ in range(connections)]
    until, done = monotonic() + seconds, 0

    async def work(clerk: Clerk) -> None:
        nonlocal done
        while queue and monotonic() < until:
            went = await clerk.live(queue.popleft())  # not in one line: `done` would be read before the wait
            done += went
        clerk.close()

    began = monotonic()
    await asyncio.gather(*(work(clerk) for clerk in clerks))
    span = monotonic() - began
    refused: Counter[str] = Counter()
    for clerk in clerks:
        refused.update(clerk.refused)
    return Lived(done, span, [took for clerk in clerks for took in clerk.seconds], dict(refused))


async def lifecycles(stack: Stack, seconds: float) -> Life:
    """The same with all that follows, and the audit."""
    before = spent(stack)
    found = await lived(stack, seconds)
    await rested(stack)
    cost = each(before, spent(stack), found.orders)
    async with looking(stack.database_url("paidan_audit")) as connection:
        closed = await connection.fetchval("SELECT count(*) FROM dispatch.orders WHERE status = 'closed'")
    return Life(
        orders=found.orders,
        seconds=round(found.seconds, 1),
        rate=found.rate,
        p50_ms=round(percentile(found.took, 0.5) * 1000, 1),
        p99_ms=round(percentile(found.took, 0.99) * 1000, 1),
        refused=found.refused,
        closed=closed,
        cost=cost,
        audit=await audited(stack),
    )
