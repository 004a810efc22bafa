"""An order is opened: its clocks are stored, announced, and answered over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx

from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from schemas.city import City
from schemas.facts import ClocksSet
from services.supervision.api import supervision_app
from services.supervision.handlers import MarkingSeam, OrdersHandler
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings
from tests.handlers.supervision.conftest import START
from tests.handlers.supervision.said import said
from tests.rules.supervision_timeline.story import Story, minutes, records


async def test_an_opened_order_has_clocks(
    pool: asyncpg.Pool, settings: SupervisionSettings, city: City, promises: Promises, servers: Stack
) -> None:
    story = Story("walk").opened(START)
    await MarkingSeam(OrdersHandler(promises), pool, settings).handle(records(*story.outgoing()))
    (announced,) = await said(pool, ClocksSet)
    assert announced.order_id == story.order_id and announced.seq == 1
    due = {clock.stage: clock.due for clock in announced.clocks}
    assert due == {
        "accept": START + minutes(30),
        "contact": START + minutes(60),
        "handle": START + minutes(120),
        "total": START + minutes(480),
    }

    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = supervision_app(settings, city, opened)
    token = issue_token("supervisor", subject="s1", home=servers.home)
    async with app.router.lifespan_context(app):
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        reply = await client.get(f"/v1/clocks/{story.order_id}", headers={"authorization": f"Bearer {token}"})
    assert reply.status_code == 200
    clocks = reply.json()["clocks"]
    assert [clock["stage"] for clock in clocks] == ["accept", "contact", "handle", "total"]
    assert clocks[0]["owner"] == {"unit_id": "street-a", "name": "甲街道办", "tier": "street"}
    assert clocks[0]["due"] == "2026-03-02T10:30:00+08:00" and clocks[0]["state"] == "running"
