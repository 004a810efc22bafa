"""Dispatch on the real PostgreSQL, its tables empty before every test; and its API without a socket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec import Struct

from deploy.stack import keys
from deploy.stack.lifecycle import Stack
from schemas.vocabulary import Lane
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.dispatch.api import dispatch_app
from services.dispatch.handlers import DeadlineHandler, RoutingHandler
from services.dispatch.settings import DispatchSettings
from tests.handlers.dispatch.client import Desk
from tests.rules.dispatch.town import DIRECTORY, record

TABLES = (
    "merge_proposals, special_cases, special_case_orders, special_case_history, commitments, webhook_deliveries,"
    " webhook_pauses,"
    " handovers, orders, assignments, queue_past, requests, supervisions, told_later, reports, reporters,"
    " report_words, task_lists, task_rows,"
    " history, clocks, idempotency_keys, pending_links, reveals, duty_changes, attachments, inbox, outbox,"
    " outbox_refused, stops"
)
Send = Callable[..., Awaitable[None]]


@pytest.fixture
def settings(servers: Stack, tmp_path: Path) -> DispatchSettings:
    """Settings of dispatch on the test servers; transactions settle quickly, so that the past is soon the past."""
    return DispatchSettings(
        database_url=servers.database_url("paidan_dispatch"),
        kafka_bootstrap=servers.kafka_bootstrap,
        state_dir=tmp_path,
        jwks_file=keys.jwks_file(servers.home),
        city_secret_file=keys.city_secret_file(servers.home),
        platforms_file=tmp_path / "platforms.toml",
        pool_size=8,
        transaction_timeout=1.0,
        stream_every=0.05,
    )


@pytest.fixture
async def pool(settings: DispatchSettings) -> AsyncIterator[asyncpg.Pool]:
    """The pool of the service, on empty tables."""
    opened = await open_pool(settings, "dispatch")
    await opened.execute(f"TRUNCATE {TABLES}")
    yield opened
    await opened.close()


@pytest.fixture
def send(pool: asyncpg.Pool, settings: DispatchSettings) -> Send:
    """Brings facts through the seam of a lane, as one batch."""

    async def bring(*facts: Struct, lane: Lane = Lane.NORMAL) -> None:
        await Seam(RoutingHandler(DIRECTORY, lane), pool, settings).handle([record(fact) for fact in facts])

    return bring


@pytest.fixture
def notice(pool: asyncpg.Pool, settings: DispatchSettings) -> Send:
    """Brings what supervision says through its seam, as one batch."""

    async def bring(*facts: Struct) -> None:
        await Seam(DeadlineHandler(DIRECTORY), pool, settings).handle(
            [record(fact, topic="supervision.events") for fact in facts]
        )

    return bring


@pytest.fixture
async def desk(pool: asyncpg.Pool, settings: DispatchSettings, servers: Stack) -> AsyncIterator[Desk]:
    """The API, and tokens to call it with."""

    @asynccontextmanager
    async def the_pool() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = dispatch_app(settings, DIRECTORY, the_pool, share=64, stream_every=settings.stream_every)

    def token(role: str, unit: str, subject: str) -> str:
        return keys.issue_token(role, subject=subject, unit=unit or None, home=servers.home)

    async with app.router.lifespan_context(app):
        transport: Any = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dispatch") as client:
            yield Desk(client, token)
