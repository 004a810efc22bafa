"""Supervision on the real PostgreSQL, for the toy city."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from deploy.stack.keys import jwks_file
from deploy.stack.lifecycle import Stack
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler
from services.supervision.settings import SupervisionSettings
from tests.rules.supervision_timeline.toy import PROMISES

TABLES = (
    "orders, special_cases, clocks, notices, rungs, ticks, dead_facts, terms, pending, outbox, outbox_refused, inbox,"
    " stops"
)
NUMBERS = (
    "measures, recounts, frozen_days, kpi_days, kpi_corrections, kpi_stock, overdue, appeals, findings, unit_words"
)


@pytest.fixture
def settings(servers: Stack, tmp_path: Path) -> SupervisionSettings:
    """Settings as the one-machine stack would give them."""
    return SupervisionSettings(
        database_url=servers.database_url("paidan_supervision"),
        kafka_bootstrap=servers.kafka_bootstrap,
        jwks_file=jwks_file(servers.home),
        state_dir=tmp_path,
        pool_size=8,
        stop_after_dead=1000,
    )


@pytest.fixture
async def pool(settings: SupervisionSettings) -> AsyncIterator[asyncpg.Pool]:
    """The service's own schema, migrated and empty."""
    opened = await open_pool(settings, "supervision")
    await opened.execute(f"TRUNCATE {TABLES}, {NUMBERS}")
    yield opened
    await opened.close()


@pytest.fixture
def seam(pool: asyncpg.Pool, settings: SupervisionSettings) -> Seam:
    """What the worker feeds its batches into."""
    handler = OrdersHandler(PROMISES)
    return Seam(handler, pool, settings, on_dead=handler.mark)
