"""The pool, and the waiting for a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from tenacity import AsyncRetrying, retry_if_exception, wait_exponential_jitter

from services.chassis.errors import is_wait
from services.chassis.settings import ServiceSettings

Connection = asyncpg.Connection | PoolConnectionProxy
T = TypeVar("T")


async def open_pool(settings: ServiceSettings, schema: str) -> asyncpg.Pool:
    """A pool whose connections see `schema` first and whose transactions end after `transaction_timeout` (Ticks rest
    on it). Waits for ever, with back-off up to 5 s, while the database is away."""
    return await connect(settings, schema, name=schema, transaction_timeout=settings.transaction_timeout, timeout=30)


async def connect(
    settings: ServiceSettings, path: str, *, name: str, transaction_timeout: float, timeout: float | None
) -> asyncpg.Pool:
    """A pool with a search path, for which a transaction may take `transaction_timeout` seconds (0: as long as it
    takes) and a statement `timeout`; `name` is how the database's own views show it."""

    async def try_it() -> asyncpg.Pool:
        return await asyncpg.create_pool(
            settings.database_url,
            min_size=1,
            max_size=settings.pool_size,
            command_timeout=timeout,
            timeout=5,
            server_settings={
                "search_path": path,
                "application_name": f"paidan-{name}",
                "transaction_timeout": str(int(transaction_timeout * 1000)),
                "jit": "off",
                "timezone": "UTC",
            },
        )

    return await patiently(try_it)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, and do it again for ever while a dependency is away (back-off up to 5 s); other errors are raised."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(is_wait),
        wait=wait_exponential_jitter(multiplier=0.05, max=5, jitter=0.1),
        reraise=True,
    ):
        with attempt:
            return await work()
    raise AssertionError("unreachable")


async def ready(pool: asyncpg.Pool) -> bool:
    """Whether the database answers within a second."""
    try:
        async with asyncio.timeout(1):
            return bool(await pool.fetchval("SELECT true"))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
