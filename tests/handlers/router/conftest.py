"""The router's handlers on the real PostgreSQL, each test with empty tables."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.settings import ServiceSettings
from services.router.rules.atlas import Atlas

TABLES = "proposals, sweep_place, decisions, labels, matters, matter_keys, devices, inbox, outbox, stops"


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    return Atlas.of(load(city_folder("shanghai")))


@pytest.fixture
def settings(servers: Stack) -> ServiceSettings:
    return ServiceSettings(database_url=servers.database_url("paidan_router"), kafka_bootstrap=servers.kafka_bootstrap)


@pytest.fixture
async def pool(settings: ServiceSettings) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(settings, "router")
    await opened.execute(f"TRUNCATE {TABLES}")
    yield opened
    await opened.close()
