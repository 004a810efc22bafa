"""The router's handlers on the real PostgreSQL, each test with empty tables."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.stack.home import Home
from deploy.stack.keys import issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from schemas.vocabulary import Role
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.settings import ServiceSettings
from services.router.api import router_app
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas

TABLES = (
    "parts, resources, weather_warnings,"
    "warnings, topic_hours, proposals, sweep_place, decisions, labels, rulebooks, shadow_differences, matters,"
    " matter_keys, devices, inbox, outbox, stops"
)


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    return Atlas.of(load(city_folder("shanghai")))


@pytest.fixture
def force(atlas: Atlas) -> InForce:
    return InForce(atlas, city_folder("shanghai"))


@pytest.fixture
def settings(servers: Stack) -> ServiceSettings:
    return ServiceSettings(database_url=servers.database_url("paidan_router"), kafka_bootstrap=servers.kafka_bootstrap)


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(settings, "router")
    await opened.execute(f"TRUNCATE {TABLES}")
    yield opened
    await opened.close()


class Asking:
    """The router's API, asked as somebody."""

    def __init__(self, client: httpx.AsyncClient, home: Home) -> None:
        self._client, self._home = client, home

    async def __call__(
        self, method: str, path: str, body: object = None, role: Role = Role.OPERATOR, unit: str = ""
    ) -> tuple[int, Any]:
        token = issue_token(role.value, subject="someone", unit=unit, home=self._home)
        raw = None if body is None else json.dumps(body, ensure_ascii=False)
        reply = await self._client.request(method, path, content=raw, headers={"authorization": f"Bearer {token}"})
        is_json = "json" in reply.headers["content-type"]
        return reply.status_code, reply.json() if is_json else reply.text


@asynccontextmanager
async def asking_of(
    force: InForce, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack
) -> AsyncIterator[Asking]:
    """The API of a process with this rulebook in force."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = router_app(settings.model_copy(update={"jwks_file": jwks_file(servers.home)}), force, opened)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield Asking(client, servers.home)
