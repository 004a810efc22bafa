"""No GET takes what it does not know, nor a moment that cannot be reckoned with: every endpoint of every API, before
anything is looked up."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from tests.contracts.openapi import apps
from tests.rules.dispatch.town import DIRECTORY

ODD = (
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("1900-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-01-01T00:00:00", "yesterday"),
)
MOMENTS = {
    *("as_of /v1/orders", "as_of /v1/orders/{order}", "as_of /v1/orders.csv", "as_of /v1/me/queue"),
    *("as_of /v1/special-cases/{case}", "at /v1/units/{unit}/duty", "since /v1/breaches"),
    "since /v1/catch-ups",
    *("as_of /v1/kpis", "as_of /v1/kpis.csv", "as_of /v1/kpis/items", "as_of /v1/kpis/league", "since /v1/findings"),
    *(
        f"{milestone}_{end} {path}"
        for milestone in ("opened", "closed")
        for end in ("from", "to")
        for path in ("/v1/orders", "/v1/orders.csv")
    ),
}
APPS = apps()
APPS["dispatch"].state.rooms = SimpleNamespace(directory=DIRECTORY)  # filters are checked by what the city knows


def gets() -> Iterator[tuple[FastAPI, str, dict[str, Any]]]:
    """Every GET under /v1."""
    for app in APPS.values():
        for path, methods in app.openapi()["paths"].items():
            if "get" in methods and path.startswith("/v1/"):
                yield app, path, methods["get"]


def moments() -> Iterator[tuple[FastAPI, str, str]]:
    """Every parameter of a GET that is a moment."""
    for app, path, operation in gets():
        for one in operation.get("parameters", ()):
            if one["in"] == "query" and "date-time" in str(one["schema"]):
                yield app, path, one["name"]


async def asked(app: FastAPI, path: str, **params: Any) -> tuple[int, str]:
    """The refusal; nothing is connected to, nobody is signed in."""
    for part in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{part}}}", str(UUID(int=7)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        reply = await client.get(path, params=params)
    return reply.status_code, reply.json()["code"]


def test_these_are_the_moments_that_are_asked_for() -> None:
    assert {f"{name} {path}" for _, path, name in moments()} == MOMENTS


@pytest.mark.parametrize("odd", ODD)
async def test_a_moment_that_cannot_be_reckoned_with_is_refused(odd: str) -> None:
    for app, path, name in moments():
        assert await asked(app, path, **{name: odd}) == (422, "invalid"), f"{name} {path}"


async def test_no_endpoint_takes_a_parameter_that_it_does_not_know() -> None:
    for app, path, operation in gets():
        needed = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]]
        assert await asked(app, path, surprise="1", **dict.fromkeys(needed, "x")) == (422, "invalid"), path


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("dispatch", "/v1/triage"),
        ("dispatch", "/v1/special-cases"),
        ("dispatch", "/v1/history"),
        ("dispatch", "/v1/orders/x/history"),
        ("supervision", "/v1/breaches"),
        ("supervision", "/v1/due"),
        ("supervision", "/v1/board"),
        ("supervision", "/v1/rungs"),
    ],
)
async def test_a_list_of_today_alone_does_not_pretend_to_be_of_the_past(service: str, path: str) -> None:
    assert await asked(APPS[service], path, as_of="2026-01-01T00:00:00Z") == (422, "invalid")
