"""Lists at a year of orders: a unit's queue, full text, any past moment, lists pushed down, and lives beside them."""

import asyncio
import random
from collections import deque
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import msgspec
from msgspec import Struct

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import API, Process
from schemas.vocabulary import Role
from services.chassis.city import load
from services.chassis.clock import monotonic
from services.dispatch.rules.directory import Directory
from tests.bench.afterwards import looking
from tests.bench.fresh import say, token
from tests.bench.material import CITY
from tests.bench.wire import Wire, percentile, post

ORDERS = 1_000_000
FEW = 80_000
LOOKS = 300
DISPATCH = (Process("dispatch", API),)
ROWS = 100_000
PORTION = 1_000
WORDS = ("路灯不亮", "井盖 破损", "垃圾", "噪声 扰民", "护照", "田林路", "电梯", "水", "积水 出行", "不可能找到的词")


class Looks(Struct, kw_only=True):
    """How long looks took, in milliseconds, by what was looked at."""

    orders: int
    p50_ms: float
    p99_ms: float
    of: dict[str, str]

    @property
    def one_ms(self) -> float:
        """The p99 of looks at one order."""
        return float(self.of["one order"].split("/")[1])


class Tasks(Struct, kw_only=True):
    """Rows a second of a list that was pushed down, and of the same pushed again."""

    rows: int
    rate: float
    again: float


class Lives(Struct, kw_only=True):
    """Six-call lives a second with few orders in the tables and with a year of them."""

    few: float
    many: float
    share: float
    refused: dict[str, int]


def get(path: str, carrier: str) -> bytes:
    """A whole GET request as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {carrier}\r\n\r\n".encode()


async def timed(stack: Stack, name: str, requests: list[bytes]) -> tuple[str, list[float]]:
    """Look one after the other on one connection; the first few, which warm up, do not count."""
    wire = Wire(stack.ports.of("dispatch-api"))
    took: list[float] = []
    for request in (*requests[:10], *requests):
        began = monotonic()
        status, body = await wire.ask(request)
        took.append((monotonic() - began) * 1000)
        assert status == 200, body[:300]
    wire.close()
    took = took[10:]
    say(f"{name}: p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms")
    return name, took


def looked(found: list[tuple[str, list[float]]]) -> Looks:
    """What looks of several kinds come to."""
    every = [each for _, took in found for each in took]
    return Looks(
        orders=ORDERS,
        p50_ms=round(percentile(every, 0.5), 1),
        p99_ms=round(max(percentile(took, 0.99) for _, took in found), 1),
        of={n: f"{percentile(took, 0.5):.1f}/{percentile(took, 0.99):.1f}" for n, took in found},
    )


async def queues(stack: Stack, units: list[str]) -> Looks:
    """Queues of the busiest unit and of others, in each order, first pages."""
    rand = random.Random(1)
    busy = token(stack, Role.RESPONDER, unit=units[0])
    others = [token(stack, Role.RESPONDER, unit=unit) for unit in rand.sample(units[1:], 50)]
    found = []
    for name, said in (("due", ""), ("light", "&by=light"), ("distance", "&by=distance&lon=121.4&lat=31.2")):
        path = f"/v1/me/queue?limit=50{said}"
        found.append(await timed(stack, f"busy, by {name}", [get(path, busy)] * (LOOKS // 3)))
        found.append(await timed(stack, f"others, by {name}", [get(path, rand.choice(others)) for _ in range(LOOKS)]))
    return looked(found)


async def searches(stack: Stack, units: list[str]) -> Looks:
    """Words that are rare, common and nowhere, in the whole city, in a district and in one street."""
    district = Directory(load(CITY)).centre_above(units[0])
    who = {
        "city": token(stack, Role.AGENT),
        "district": token(stack, Role.DISPATCHER, unit=district),
        "street": token(stack, Role.DISPATCHER, unit=units[0]),
    }
    found = []
    for word in WORDS:
        path = f"/v1/orders?limit=50&q={quote(word)}"
        for where, carrier in who.items():
            found.append(await timed(stack, f"{where}, {word}", [get(path, carrier)] * (LOOKS // 10)))
    return looked(found)


async def pasts(stack: Stack, units: list[str]) -> Looks:
    """One order, a list, a narrowed list and a queue at moments spread over the year."""
    rand = random.Random(2)
    agent, unit = token(stack, Role.AGENT), token(stack, Role.RESPONDER, unit=units[0])
    async with looking(stack.database_url("paidan_audit")) as connection:
        ids = [r["id"] for r in await connection.fetch("SELECT order_id::text AS id FROM dispatch.orders LIMIT 500")]

    def then() -> str:
        return quote((datetime.now(UTC) - timedelta(days=rand.random() * 200, minutes=5)).isoformat())

    recent = quote((datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    found = [
        await timed(
            stack, "one order", [get(f"/v1/orders/{rand.choice(ids)}?as_of={recent}", agent) for _ in range(LOOKS)]
        ),
        await timed(stack, "list", [get(f"/v1/orders?as_of={then()}", agent) for _ in range(LOOKS // 3)]),
        await timed(
            stack,
            "list, open",
            [get(f"/v1/orders?status=dispatched&as_of={then()}", agent) for _ in range(LOOKS // 10)],
        ),
        await timed(stack, "queue", [get(f"/v1/me/queue?as_of={then()}", unit) for _ in range(LOOKS // 3)]),
    ]
    return looked(found)


async def pushed(stack: Stack, rows: int) -> Tasks:
    """A list from the city's centre down to every committee, a thousand rows a request, two at a time."""
    city = load(CITY)
    centre = next(u.unit_id for u in city.units if u.function == "centre" and u.division == city.root)
    below = [u.unit_id for u in city.units if u.function == "committee"]
    carrier = token(stack, Role.DISPATCHER, unit=centre)
    wire = Wire(stack.ports.of("dispatch-api"))
    about = {"title": "消防通道排查", "class": city.classes[0].key, "due": "2030-01-01T00:00:00+08:00"}
    _, said = await wire.ask(post("/v1/tasks", msgspec.json.encode(about), carrier))
    path = f"/v1/tasks/{msgspec.json.decode(said)['list_id']}/rows"
    portions = [
        post(
            path,
            b"\n".join(
                msgspec.json.encode({"key": str(n), "unit": below[n % len(below)], "text": "查楼道与消防通道是否畅通"})
                for n in range(start, start + PORTION)
            ),
            carrier,
        )
        for start in range(0, rows, PORTION)
    ]

    async def once() -> float:
        left, began = deque(portions), monotonic()

        async def work() -> None:
            own = Wire(stack.ports.of("dispatch-api"))
            while left:
                status, body = await own.ask(left.popleft())
                assert status == 200 and msgspec.json.decode(body)["refused"] == 0, body[:300]
            own.close()

        await asyncio.gather(work(), work())
        return round(rows / (monotonic() - began), 1)

    wire.close()
    rate = await once()
    return Tasks(rows=rows, rate=rate, again=await once())
