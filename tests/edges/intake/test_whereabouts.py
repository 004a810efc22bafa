"""Where is my report? Dispatch knows; until it does, intake says that it is safe."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from deploy.stack.keys import city_secret_file, jwks_file
from deploy.stack.lifecycle import Stack
from schemas.ids import number_of, report_id_of
from services.intake.settings import IntakeSettings
from tests.edges.intake.conftest import Tokens, opened
from tests.edges.intake.front import free_port

TICKETS = "/v1/hotline/tickets"


class Dispatch:
    """A dispatch that knows what a test tells it."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, dict[str, Any]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.app = Starlette(routes=[Route("/v1/reports/{report}", self._answer)])

    async def _answer(self, request: Request) -> JSONResponse:
        name = request.path_params["report"]
        self.asked.append((name, request.headers.get("authorization", "")))
        status, body = self.known.get(name, (404, {"code": "not_found"}))
        return JSONResponse(body, status)


@pytest.fixture
async def dispatch() -> AsyncIterator[tuple[Dispatch, str]]:
    port = free_port()
    pretend = Dispatch()
    server = uvicorn.Server(uvicorn.Config(pretend.app, port=port, log_level="error", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield pretend, f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


@pytest.fixture
async def asking(
    servers: Stack, tmp_path: Path, dispatch: tuple[Dispatch, str]
) -> AsyncIterator[tuple[httpx.AsyncClient, Dispatch]]:
    settings = IntakeSettings(
        database_url=servers.database_url("paidan_intake"),
        kafka_bootstrap=servers.kafka_bootstrap,
        state_dir=tmp_path,
        jwks_file=jwks_file(servers.home),
        city_secret_file=city_secret_file(servers.home),
        dispatch_url=dispatch[1],
        key_timeout=5.0,
    )
    async with opened(settings) as client:
        yield client, dispatch[0]


async def test_dispatch_is_asked_as_the_caller(asking: tuple[httpx.AsyncClient, Dispatch], signed: Tokens) -> None:
    client, dispatch = asking
    taken = (await client.post(TICKETS, headers=signed("agent"), json={"text": "井盖缺失"})).json()
    for name in (taken["report_id"], taken["number"], taken["number"].lower().replace("-", "")):
        reply = await client.get(f"/v1/reports/{name}", headers=signed("agent"))
        body = reply.json()
        assert reply.status_code == 200 and body["state"] == "accepted" and body["source"] == "hotline"
        assert (body["report_id"], body["number"]) == (taken["report_id"], taken["number"])
        assert "order_id" not in body
    assert dispatch.asked[0] == (taken["report_id"], signed("agent")["authorization"])
    there = {"report_id": taken["report_id"], "number": taken["number"], "state": "opened", "order_id": str(uuid4())}
    dispatch.known[taken["report_id"]] = (200, there)
    for name in (taken["report_id"], taken["number"]):
        assert (await client.get(f"/v1/reports/{name}", headers=signed("agent"))).json() == there


async def test_what_dispatch_refuses_is_refused(asking: tuple[httpx.AsyncClient, Dispatch], signed: Tokens) -> None:
    client, dispatch = asking
    name = str(uuid4())
    dispatch.known[name] = (403, {"code": "other_unit", "detail": "not yours"})
    reply = await client.get(f"/v1/reports/{name}", headers=signed("responder"))
    assert (reply.status_code, reply.json()["code"]) == (403, "other_unit")
    dispatch.known[name] = (500, {"code": "internal"})
    assert (await client.get(f"/v1/reports/{name}", headers=signed("responder"))).status_code == 404


async def test_a_key_row_answers_after_a_restart(client: httpx.AsyncClient, servers: Stack, signed: Tokens) -> None:
    """The shared client's dispatch is away; another process of intake took the report in, so only its row is known."""
    source_id = uuid4().hex
    report_id = report_id_of("patrol", source_id)
    connection = await asyncpg.connect(servers.database_url("paidan_intake"))
    await connection.execute(
        "INSERT INTO intake.keys (key_id, report_id, body_hash, source, received_at, acked)"
        " VALUES ($1, $1, 'x', 'patrol', now(), $2)",
        report_id,
        False,
    )
    for name in (str(report_id), number_of(report_id)):
        assert (await client.get(f"/v1/reports/{name}", headers=signed("agent"))).status_code == 404, "not yet safe"
    await connection.execute("UPDATE intake.keys SET acked = true WHERE key_id = $1", report_id)
    for name in (str(report_id), number_of(report_id)):
        reply = await client.get(f"/v1/reports/{name}", headers=signed("agent"))
        assert (reply.status_code, reply.json()["state"], reply.json()["source"]) == (200, "accepted", "patrol")
    await connection.close()


async def test_unknown_is_not_found(client: httpx.AsyncClient, signed: Tokens) -> None:
    for name in (str(uuid4()), number_of(uuid4()), "nonsense", "AAAAA-AAAAA-A"):
        reply = await client.get(f"/v1/reports/{name}", headers=signed("agent"))
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
    assert (await client.get(f"/v1/reports/{uuid4()}")).status_code == 401
