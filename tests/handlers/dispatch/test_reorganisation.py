"""The city is reorganised between opening and closing: a unit is renamed, another merged into it. No past order
changes, names are those of their time, and what the merged unit had to do is done by the one it became part of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec

from deploy.stack import keys
from deploy.stack.lifecycle import Stack
from schemas.city import Unit
from schemas.vocabulary import Tier
from services.dispatch.api import dispatch_app
from services.dispatch.rules.directory import Directory
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk
from tests.handlers.dispatch.conftest import Send
from tests.handlers.dispatch.looks import everything, now_settled
from tests.rules.dispatch.town import CITY, UNITS, a_plan, a_report, proposed


def reorganised(day: date) -> Directory:
    """From that day on 桥头市政 is called 桥头城建, and 桥头环卫 is part of it."""
    before = day - timedelta(days=1)
    road, clean = (next(u for u in UNITS if u.unit_id == id_) for id_ in ("s1-road", "s1-clean"))
    new = Unit("s1-road", "桥头城建", Tier.STREET, "road", "S1", "s1", valid_from=day)
    ended = (
        msgspec.structs.replace(road, valid_to=before),
        msgspec.structs.replace(clean, valid_to=before, successor="s1-road"),
    )
    others = tuple(u for u in UNITS if u.unit_id not in ("s1-road", "s1-clean"))
    return Directory(msgspec.structs.replace(CITY, units=(*others, new), every_unit=(*others, *ended, new)))


@asynccontextmanager
async def the_day_after(
    pool: asyncpg.Pool, settings: DispatchSettings, servers: Stack, day: date
) -> AsyncIterator[Desk]:
    """The service started anew with the new pack, on the same tables."""

    @asynccontextmanager
    async def the_pool() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    def token(role: str, unit: str, subject: str) -> str:
        return keys.issue_token(role, subject=subject, unit=unit or None, home=servers.home)

    app = dispatch_app(settings, reorganised(day), the_pool, share=64, stream_every=settings.stream_every)
    async with app.router.lifespan_context(app):
        transport: Any = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dispatch") as client:
            yield Desk(client, token)


async def test_a_reorganisation_changes_no_past_order(
    pool: asyncpg.Pool, send: Send, desk: Desk, settings: DispatchSettings, servers: Stack
) -> None:
    ended, led, assisted = (proposed(a_report(n), a_plan("s1-road", "s1-clean")) for n in ("ended", "led", "assisted"))
    merged = proposed(a_report("merged"), a_plan("s1-clean"))
    await send(ended, led, assisted, merged)
    centre, clean = desk.person("dispatcher", "s1"), desk.person("responder", "s1-clean")
    await centre.on_order(ended.order_id, "void", reason="录入演练")
    await clean.on_part(assisted.order_id, "accept", "s1-clean")
    agent = desk.person("agent")
    orders = [f.order_id for f in (ended, led, assisted, merged)]
    seen = [await agent.order(order) for order in orders]
    queue = await everything(clean, "/v1/me/queue")
    then = (await now_settled(pool)).isoformat()
    today: date = await pool.fetchval("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date")
    # the new pack holds from tomorrow: until then nothing is called by another name
    async with the_day_after(pool, settings, servers, today + timedelta(days=1)) as new:
        person = new.person("agent")
        for order, shown in zip(orders, seen, strict=True):
            past = await person.order(order, as_of=then)
            assert past["lead"] == shown["lead"] and past["assignments"] == shown["assignments"]
        assert (await person.order(ended.order_id))["lead"]["name"] == "桥头市政", "it ended under its old name"
        assert (await person.order(led.order_id))["lead"]["name"] == "桥头城建"
        assert [h["fact"] for h in (await person.get(f"/v1/orders/{led.order_id}/history"))[1]["items"]] == [
            h["fact"] for h in (await agent.get(f"/v1/orders/{led.order_id}/history"))[1]["items"]
        ]
        road = new.person("responder", "s1-road")
        mine = {(o["order_id"], o["assignment"]["unit"]["unit_id"]) for o in await everything(road, "/v1/me/queue")}
        assert {(o["order_id"], "s1-clean") for o in queue} <= mine, "what the merged unit had to do is its own now"
        assert (await road.on_part(merged.order_id, "accept", "s1-clean"))[0] == 200
        assert (await road.on_part(merged.order_id, "finish", "s1-clean", result="solved", answer="清了"))[0] == 200
        assert merged.order_id is not None and str(merged.order_id) in {
            o["order_id"] for o in await everything(road, "/v1/orders")
        }
        status, refused = await new.person("dispatcher", "s1").on_order(led.order_id, "route", lead="s1-clean")
        assert (status, refused["code"]) == (422, "unit_unknown"), "nothing goes to a unit that there is no more"
        assert (await everything(person, "/v1/orders", unit="s1-clean")) != [], "its past can still be asked for"
