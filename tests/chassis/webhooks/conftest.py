"""Deliveries on the real PostgreSQL, in a schema of their own for every test."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from services.chassis.settings import ServiceSettings
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.courier import Courier
from services.chassis.webhooks.deliveries import Notice
from services.chassis.webhooks.platforms import Platforms
from services.chassis.webhooks.tables import with_webhooks

SECRET = b"a secret of thirty-two bytes here"
KEY = "whsec_" + base64.b64encode(SECRET).decode()


def row(name: str, port: int, *keys: str) -> str:
    """A platform on this machine, as the file names it."""
    return f'[[platform]]\nname = "{name}"\nurl = "http://127.0.0.1:{port}/in"\nsign_with = {list(keys or (KEY,))}\n'


def quick(attempt: int, draw: float, asked: float) -> float:
    """Pauses for tests."""
    return 0.05


class Post:
    """A pool with the tables of webhooks, a platforms' file, and couriers on both."""

    def __init__(self, pool: asyncpg.Pool, file: Path) -> None:
        self.pool = pool
        self.file = file

    def courier(self, **tuned: Any) -> Courier:
        """A worker that does not wait long."""
        tuned = {"pause": quick, "total": 1.0, "lease": timedelta(seconds=2)} | tuned
        return Courier(self.pool, Platforms(self.file), **tuned)

    @asynccontextmanager
    async def bringing(self, *couriers: Courier) -> AsyncIterator[None]:
        """Couriers at work."""
        tasks = [asyncio.create_task(courier.run()) for courier in couriers or (self.courier(),)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def put(self, destination: str, stream: UUID | None = None, said: str = "") -> str:
        """A notice in a transaction of its own; its id."""
        notice = Notice(uuid4(), destination, stream or uuid4(), "test", f'{{"said": "{said}"}}'.encode())
        async with self.pool.acquire() as connection, connection.transaction():
            await deliveries.put(connection, [notice])
        return str(notice.id)

    async def until(self, query: str, wanted: Any, *args: Any) -> None:
        """Wait until the database answers so."""
        async with asyncio.timeout(20):
            while await self.pool.fetchval(query, *args) != wanted:
                await asyncio.sleep(0.02)

    async def all_in(self, state: str) -> None:
        """Wait until every delivery is in this state."""
        await self.until("SELECT count(*) FROM webhook_deliveries WHERE state <> $1", 0, state)


@pytest.fixture
async def schema(settings: ServiceSettings) -> AsyncIterator[str]:
    """A fresh schema with nothing but the tables of webhooks."""
    name = f"hooks_{uuid4().hex[:10]}"
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute(f"CREATE SCHEMA {name}")
    await connection.execute(f"SET search_path TO {name}")
    dialect: Any = postgresql.dialect()
    for table in with_webhooks(MetaData()).sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    yield name
    await connection.execute(f"DROP SCHEMA {name} CASCADE")
    await connection.close()


@pytest.fixture
def post(pool: asyncpg.Pool, tmp_path: Path) -> Post:
    """Everything that sends."""
    return Post(pool, tmp_path / "platforms.toml")
