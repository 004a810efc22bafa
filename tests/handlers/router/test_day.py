"""The day on the real PostgreSQL: what is called is called once, loads follow the orders, warnings send out once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from deploy.stack.keys import issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from schemas.codec import decode, message
from schemas.envelope import Outgoing, Record
from schemas.facts import (
    Alarm,
    AssignmentDone,
    AssignmentOffer,
    AssignmentOffered,
    OrderClosed,
    OrderProposed,
    ReportReceived,
)
from schemas.ids import successor_id
from schemas.topics import ORDERS_EVENTS, REPORTS
from schemas.vocabulary import AssignmentRole, Lane, OrderStatus, Result, Role, Source, Tier
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.router import store
from services.router.api import router_app
from services.router.handlers import OrdersHandler, ReportsHandler, limits_of, report_identity
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas

unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode
NOW = datetime.now(UTC)
POINT = "WL-310105-0042"
TRUCKS = "SELECT resource_id, order_id FROM resources WHERE state = 'busy' ORDER BY resource_id"


def water(device: str) -> Record:
    report = ReportReceived(
        source=Source.SENSOR,
        report_id=uuid4(),
        received_at=NOW,
        text="下立交水位23.5cm",
        device_id=device,
        alarm=Alarm(rule="water_level:high", device_id=device, value=23.5, unit="cm", scene="underpass_water"),
    )
    return about(REPORTS[Lane.URGENT], report, report.report_id)


def about(topic: Any, fact: Any, id_: UUID | None) -> Record:
    sent = message(topic, fact, id=id_ or uuid4(), key="k", source="test", time=NOW)
    return Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers)


def seam(atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings, lane: Lane = Lane.URGENT) -> Seam:
    handler = ReportsHandler(InForce(atlas, city_folder("shanghai")), lane=lane, per_key=20)
    return Seam(handler, pool, settings, identity=report_identity)


async def said(pool: asyncpg.Pool) -> list[Any]:
    rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
    return [decode(Record(m.topic, 0, 0, m.key, m.value, m.headers)) for row in rows for m in unpack(row["payload"])]


def points(atlas: Atlas, district: str) -> list[str]:
    return [d.device_id for d in atlas.city.devices if d.device_id.startswith(f"WL-{district}-")]


async def test_two_lanes_at_once_never_call_one_truck_twice(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    lanes = [seam(atlas, pool, settings), seam(atlas, pool, settings, Lane.NORMAL)]
    wet = points(atlas, "310105")
    await asyncio.gather(*(lanes[n % 2].handle([water(device)]) for n, device in enumerate(wet)))
    facts = [fact for fact in await said(pool) if isinstance(fact, OrderProposed)]
    called = [one.resource_id for fact in facts for one in fact.plan.resources]
    assert len(facts) == len(wet) == 5 and len(called) == len(set(called)) == 5
    assert {row["resource_id"]: row["order_id"] for row in await pool.fetch(TRUCKS)} == {
        one.resource_id: fact.order_id for fact in facts for one in fact.plan.resources
    }


async def test_the_same_alarm_again_calls_nothing_more_and_a_batch_calls_each_once(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    router, records = seam(atlas, pool, settings), [water(device) for device in points(atlas, "310105")[:3]]
    await router.handle(records)
    await router.handle(records)
    assert len(await pool.fetch(TRUCKS)) == 3


async def test_a_truck_is_free_again_when_its_order_has_ended(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    await seam(atlas, pool, settings).handle([water(POINT)])
    (row,) = await pool.fetch(TRUCKS)
    ended = OrderClosed(**head(row["order_id"], 9, OrderStatus.CLOSED), result=Result.SOLVED)
    orders = Seam(OrdersHandler(limits_of(atlas)), pool, settings)
    await orders.handle([about(ORDERS_EVENTS, ended, None)])
    assert await pool.fetch(TRUCKS) == []
    await seam(atlas, pool, settings).handle([water(POINT)])
    (again,) = await pool.fetch(TRUCKS)
    assert dict(again) == {"resource_id": row["resource_id"], "order_id": successor_id(row["order_id"])}


def head(order_id: UUID, seq: int, status: OrderStatus = OrderStatus.HANDLING) -> dict[str, Any]:
    return {"order_id": order_id, "seq": seq, "status": status, "occurred_at": NOW, "recorded_at": NOW}


async def test_open_parts_of_units_with_a_limit_follow_the_orders_however_often_facts_come(
    atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    unit, order_id, part = "310106021-volunteer", uuid4(), uuid4()

    def offered(who: str, part_id: UUID, seq: int) -> Record:
        offer = AssignmentOffer(assignment_id=part_id, unit=who, role=AssignmentRole.ASSIST, tier=Tier.STREET)
        fact = AssignmentOffered(**head(order_id, seq), assignment_id=uuid4(), offer=offer)
        return about(ORDERS_EVENTS, fact, None)

    first, other = offered(unit, part, 2), offered("310106021-police", uuid4(), 3)
    said_done = AssignmentDone(
        **head(order_id, 5), assignment_id=part, role=AssignmentRole.ASSIST, result=Result.SOLVED
    )
    done = about(ORDERS_EVENTS, said_done, None)
    orders = Seam(OrdersHandler(limits_of(atlas)), pool, settings)

    async def load() -> dict[str, int]:
        async with pool.acquire() as connection:
            return await store.open_parts(connection, [unit, "310106021-police"])

    await orders.handle([first, other])
    assert await load() == {unit: 1}
    await orders.handle([first])
    assert await load() == {unit: 1}
    await orders.handle([done, first])
    assert await load() == {}
    await orders.handle([offered(unit, uuid4(), 6)])
    closed = OrderClosed(**head(order_id, 7, OrderStatus.CLOSED), result=Result.SOLVED)
    await orders.handle([about(ORDERS_EVENTS, closed, None), first])
    assert await load() == {}


@pytest.fixture
async def client(
    force: InForce, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack
) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = router_app(settings.model_copy(update={"jwks_file": jwks_file(servers.home)}), force, opened)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as asking,
    ):
        yield asking


def signed(servers: Stack, role: Role, unit: str = "310105-water") -> dict[str, str]:
    return {"authorization": f"Bearer {issue_token(role.value, subject='someone', unit=unit, home=servers.home)}"}


TRUCK = "/v1/resources/PT-310105-01"
GOOD = {"at": (NOW - timedelta(minutes=5)).isoformat(), "lon": 121.40, "lat": 31.20, "state": "off"}


@pytest.mark.parametrize(
    ("role", "unit", "path", "body", "expected"),
    [
        (Role.RESPONDER, "310105-water", TRUCK, GOOD, (200, "off")),
        (Role.DISPATCHER, "310105-centre", TRUCK, GOOD, (200, "off")),
        (Role.GATEWAY, "", TRUCK, GOOD, (200, "off")),
        (Role.RESPONDER, "310104-water", TRUCK, GOOD, (403, "other_unit")),
        (Role.DISPATCHER, "310104-centre", TRUCK, GOOD, (403, "other_unit")),
        (Role.AGENT, "310105-water", TRUCK, GOOD, (403, "forbidden")),
        (Role.GATEWAY, "", "/v1/resources/none", GOOD, (404, "not_found")),
        (Role.GATEWAY, "", TRUCK, GOOD | {"lat": None}, (422, "coordinates_incomplete")),
        (Role.GATEWAY, "", TRUCK, GOOD | {"lon": 100.0}, (422, "coordinates_outside")),
        (Role.GATEWAY, "", TRUCK, GOOD | {"at": (NOW + timedelta(days=1)).isoformat()}, (422, "time_in_future")),
        (Role.GATEWAY, "", TRUCK, GOOD | {"state": "gone"}, (422, "invalid")),
        (Role.GATEWAY, "", TRUCK, {"state": "free"}, (422, "invalid")),
        (Role.GATEWAY, "", TRUCK, None, (400, "malformed")),
    ],
)
async def test_who_may_say_what_of_a_resource(
    client: httpx.AsyncClient, servers: Stack, role: Role, unit: str, path: str, body: Any, expected: tuple[int, str]
) -> None:
    sent = {"content": b"{"} if body is None else {"json": body}
    reply = await client.put(path, headers=signed(servers, role, unit), **sent)  # type: ignore[arg-type]
    told = reply.json()
    assert (reply.status_code, told.get("state") or told["code"]) == expected


async def test_a_late_position_changes_nothing_and_one_that_is_off_is_not_called(
    client: httpx.AsyncClient, servers: Stack, atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    by = signed(servers, Role.GATEWAY)
    await seam(atlas, pool, settings).handle([water(POINT)])
    (row,) = await pool.fetch(TRUCKS)
    nearest = f"/v1/resources/{row['resource_id']}"
    moved = {"at": datetime.now(UTC).isoformat(), "lon": 121.41, "lat": 31.21}
    told = (await client.put(nearest, headers=by, json=moved)).json()
    assert (told["state"], told["order_id"], told["lon"]) == ("busy", str(row["order_id"]), 121.41)
    late = moved | {"at": (NOW - timedelta(hours=1)).isoformat(), "lon": 121.50, "state": "free"}
    assert (await client.put(nearest, headers=by, json=late)).json()["lon"] == 121.41
    home = {"at": datetime.now(UTC).isoformat(), "state": "off"}
    assert (await client.put(nearest, headers=by, json=home)).json()["state"] == "off"
    await pool.execute("TRUNCATE matters, matter_keys")
    await seam(atlas, pool, settings).handle([water(POINT)])
    assert [one["resource_id"] for one in await pool.fetch(TRUCKS)] != [row["resource_id"]]
    items = (await client.get("/v1/resources", headers=signed(servers, Role.DISPATCHER))).json()["items"]
    assert {one["state"] for one in items} == {"free", "busy", "off"}


def rain(**more: Any) -> dict[str, Any]:
    spans = {"starts": NOW.isoformat(), "ends": (NOW + timedelta(hours=6)).isoformat()}
    return {"kind": "暴雨", "level": "橙色", "areas": ["310105"], **spans, **more}


async def test_a_warning_sends_the_pumps_out_once_each_to_the_nearest_point(
    client: httpx.AsyncClient, servers: Stack, atlas: Atlas, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    by = signed(servers, Role.GATEWAY)
    for _ in range(2):
        reply = await client.put("/v1/weather/w1", headers=by, json=rain())
        assert reply.status_code == 200
    reports = [fact for fact in await said(pool) if isinstance(fact, ReportReceived)]
    spots = {(d.lon, d.lat) for d in atlas.city.devices if d.device_id in points(atlas, "310105")}
    assert {(r.lon, r.lat) for r in reports} == spots and len(reports) == 5
    assert (await client.put("/v1/weather/w1", headers=by, json=rain(level="红色"))).json()["sent"] == 5
    await seam(atlas, pool, settings).handle([about(REPORTS[Lane.URGENT], r, r.report_id) for r in reports])
    orders = [fact for fact in await said(pool) if isinstance(fact, OrderProposed)]
    assert [fact.plan.rule for fact in orders] == ["forecast-pumps"] * 5
    trucks = {one.resource_id for fact in orders for one in fact.plan.resources}
    assert len(trucks) == 5 and all(fact.plan.lead == "310105-water" for fact in orders)
    held = (await client.get("/v1/weather", headers=signed(servers, Role.DISPATCHER))).json()["items"]
    assert [(one["warning_id"], one["level"]) for one in held] == [("w1", "红色")]


@pytest.mark.parametrize(
    ("role", "body", "expected"),
    [
        (Role.SUPERVISOR, rain(kind="高温"), (200, 0)),
        (Role.SUPERVISOR, rain(level="蓝色"), (200, 0)),
        (Role.SUPERVISOR, rain(ends=(NOW - timedelta(minutes=1)).isoformat()), (422, "time_backwards")),
        (Role.OPERATOR, rain(areas=["999999"]), (422, "division_unknown")),
        (Role.OPERATOR, rain(kind=""), (422, "invalid")),
        (Role.RESPONDER, rain(), (403, "forbidden")),
    ],
)
async def test_who_may_warn_of_what(
    client: httpx.AsyncClient, servers: Stack, role: Role, body: Any, expected: tuple[int, Any]
) -> None:
    reply = await client.put("/v1/weather/w2", headers=signed(servers, role), json=body)
    told = reply.json()
    assert (reply.status_code, told["sent"] if reply.status_code == 200 else told["code"]) == expected
