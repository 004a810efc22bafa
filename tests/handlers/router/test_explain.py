"""Who may read why a report went where it went."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from deploy.stack.keys import issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from schemas.vocabulary import Role
from services.chassis.settings import ServiceSettings
from services.router.api import router_app
from services.router.rules.atlas import Atlas

READ = {Role.AGENT, Role.DISPATCHER, Role.INSPECTOR, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR}


@pytest.fixture
async def client(
    pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack, atlas: Atlas, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = router_app(settings.model_copy(update={"jwks_file": jwks_file(servers.home)}), atlas, opened)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as asking,
    ):
        yield asking


@pytest.mark.parametrize("role", list(Role))
async def test_a_decision_is_told_to_those_who_send_work_out_or_look_after_it(
    client: httpx.AsyncClient, pool: asyncpg.Pool, servers: Stack, role: Role
) -> None:
    report = uuid4()
    token = issue_token(role.value, subject="someone", unit="310106021-centre", home=servers.home)
    reply = await client.get(f"/v1/explain/{report}", headers={"authorization": f"Bearer {token}"})
    expected = (404, "not_found") if role in READ else (403, "forbidden")
    assert (reply.status_code, reply.json()["code"]) == expected
