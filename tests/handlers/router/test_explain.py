"""Who may read why a report went where it went."""

from uuid import uuid4

import asyncpg
import pytest

from deploy.stack.lifecycle import Stack
from schemas.vocabulary import Role
from services.chassis.settings import ServiceSettings
from services.router.handlers.force import InForce
from tests.handlers.router.conftest import asking_of

READ = {Role.AGENT, Role.DISPATCHER, Role.INSPECTOR, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR}


@pytest.mark.parametrize("role", list(Role))
async def test_a_decision_is_told_to_those_who_send_work_out_or_look_after_it(
    force: InForce, pool: asyncpg.Pool, settings: ServiceSettings, servers: Stack, role: Role
) -> None:
    async with asking_of(force, pool, settings, servers) as asking:
        status, body = await asking("GET", f"/v1/explain/{uuid4()}", role=role, unit="310106021-centre")
    assert (status, body["code"]) == ((404, "not_found") if role in READ else (403, "forbidden"))
