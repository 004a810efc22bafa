"""The edge of every API: problems with stable codes, request ids, limits on body and time, tokens, security headers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from deploy.stack.home import Home
from deploy.stack.keys import ensure_keys, issue_token, jwks_file
from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.settings import ServiceSettings
from services.chassis.web import answer, principal, web_app


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("keys"))
    made.prepare(1)
    ensure_keys(made)
    return made


def toy(home: Home, **tuned: object) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def ready() -> dict[str, bool]:
        return {"database": True, "kafka": False}

    settings = ServiceSettings(database_url="postgresql://nobody", jwks_file=jwks_file(home), **tuned)  # type: ignore[arg-type]
    app = web_app("toy", "Toy", settings, lifespan=lifespan, ready=ready)

    @app.get("/who")
    async def who(request: Request) -> Response:
        return answer(principal(request, Role.AGENT))

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return answer({"bytes": len(await request.body())})

    @app.get("/slow")
    async def slow() -> Response:
        await asyncio.sleep(5)
        return answer({})

    @app.get("/broken")
    async def broken() -> Response:
        raise ZeroDivisionError("secret 13800000000")

    @app.get("/refused")
    async def refused() -> Response:
        raise Refused("spool_full", "for a test", retry_after=7)

    @app.get("/typed")
    async def typed(n: int) -> Response:
        return answer(n)

    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://toy")


def code(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:paidan:refusal:{body['code']}" and body["title"] and body["title_zh"]
    return response.status_code, body["code"]


async def test_refusals_are_problems_with_a_request_id_and_security_headers(home: Home) -> None:
    async with client(toy(home)) as http:
        response = await http.get("/refused", headers={"x-request-id": "abc"})
        assert code(response) == (503, "spool_full")
        assert response.headers["retry-after"] == "7" and response.headers["x-request-id"] == "abc"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert code(await http.get("/nowhere")) == (404, "not_found")
        assert code(await http.post("/who")) == (405, "method_not_allowed")
        assert code(await http.get("/typed?n=x")) == (422, "invalid")


async def test_a_broken_handler_answers_with_the_request_id_and_says_nothing_else(home: Home) -> None:
    async with client(toy(home)) as http:
        response = await http.get("/broken")
        assert code(response) == (500, "internal")
        assert response.headers["x-request-id"] in response.text and "13800000000" not in response.text


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused_however_it_is_sent(home: Home, chunked: bool) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    async with client(toy(home, body_limit=1000)) as http:
        body = stream() if chunked else b"x" * 2000
        assert code(await http.post("/echo", content=body)) == (413, "body_too_large")
        assert (await http.post("/echo", content=b"x" * 1000)).json() == {"bytes": 1000}


async def test_what_takes_too_long_is_told_so(home: Home) -> None:
    async with client(toy(home, request_timeout=0.05)) as http:
        assert code(await http.get("/slow")) == (504, "timeout")


async def test_health_is_not_readiness(home: Home) -> None:
    async with client(toy(home)) as http:
        assert (await http.get("/healthz")).status_code == 200
        ready = await http.get("/readyz")
        assert ready.status_code == 503 and ready.json() == {"database": True, "kafka": False}
        metrics = await http.get("/metrics")
        assert metrics.status_code == 200 and "paidan_requests_total" in metrics.text


def tokens(home: Home) -> list[tuple[str, str | None, tuple[int, str]]]:
    good = issue_token("agent", subject="a", home=home)
    header, payload, signature = good.split(".")
    old = issue_token("agent", subject="a", home=home, ttl=timedelta(hours=1), now=datetime(2020, 1, 1, tzinfo=UTC))
    return [
        ("none", None, (401, "unauthenticated")),
        ("not a bearer", "Basic abc", (401, "unauthenticated")),
        ("not a token", "Bearer abc", (401, "unauthenticated")),
        ("expired", f"Bearer {old}", (401, "token_expired")),
        ("tampered", f"Bearer {header}.{payload[:-2]}xx.{signature}", (401, "unauthenticated")),
        ("unsigned", f"Bearer eyJhbGciOiJub25lIn0.{payload}.", (401, "unauthenticated")),
        ("another role", f"Bearer {issue_token('responder', subject='r', home=home)}", (403, "forbidden")),
        ("unknown role", f"Bearer {issue_token('king', subject='r', home=home)}", (401, "unauthenticated")),
    ]


async def test_who_may_come_in(home: Home) -> None:
    async with client(toy(home)) as http:
        for name, header, expected in tokens(home):
            response = await http.get("/who", headers={"authorization": header} if header else {})
            assert code(response) == expected, name
        token = issue_token("agent", subject="a7", unit="310106-centre", home=home)
        response = await http.get("/who", headers={"authorization": f"Bearer {token}"})
        assert json.loads(response.text)["unit"] == "310106-centre"


def test_a_missing_setting_ends_the_process_with_every_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from services.chassis.settings import read_settings

    monkeypatch.delenv("PAIDAN_DATABASE_URL", raising=False)
    monkeypatch.setenv("PAIDAN_POOL_SIZE", "0")
    with pytest.raises(SystemExit) as ended:
        read_settings(ServiceSettings)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "PAIDAN_DATABASE_URL" in told and "PAIDAN_POOL_SIZE" in told
