"""A schema of its own for every test, on the real PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from services.chassis.database import open_pool
from services.chassis.settings import ServiceSettings
from tests.chassis.ledger import ddl


@pytest.fixture
def settings(servers: Stack, tmp_path: Path) -> ServiceSettings:
    """Settings of a toy service on the test servers."""
    return ServiceSettings(
        database_url=servers.database_url("postgres"),
        kafka_bootstrap=servers.kafka_bootstrap,
        state_dir=tmp_path,
        pool_size=8,
    )


@pytest.fixture
async def schema(settings: ServiceSettings) -> AsyncIterator[str]:
    """A fresh schema with the toy's tables."""
    name = f"toy_{uuid4().hex[:10]}"
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(f"CREATE SCHEMA {name}")
    await connection.execute(f"SET search_path TO {name}")
    for statement in ddl():
        await connection.execute(statement)
    yield name
    await connection.execute(f"DROP SCHEMA {name} CASCADE")
    await connection.close()


@pytest.fixture
async def pool(settings: ServiceSettings, schema: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool as services have it."""
    opened = await open_pool(settings, schema)
    yield opened
    await opened.close()
