"""How people ask the router: why a report went where it went, which rulebook is in force, what devices last said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Query, Request, Response

from schemas.refusals import Refused
from services.chassis.database import patiently, ready
from services.chassis.settings import ServiceSettings
from services.chassis.web import answer, principal, web_app
from services.router import store
from services.router.api import rulebooks, topics
from services.router.api.day import add_day
from services.router.api.dry_run import dry_run
from services.router.api.explain import explain
from services.router.api.rulebooks import STAFF
from services.router.handlers.force import InForce

OpenPool = Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]


def router_app(settings: ServiceSettings, force: InForce, open_pool: OpenPool) -> FastAPI:
    """The router's API on a pool that lives as long as the app; it follows what comes into force."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool() as pool:
            app.state.pool = pool
            await patiently(lambda: force.look(pool))
            following = asyncio.ensure_future(force.follow(pool))
            yield
            following.cancel()

    async def dependencies() -> dict[str, bool]:
        return {"database": await ready(app.state.pool)}

    app = web_app("router", "Paidan 派单 · router 研判", settings, lifespan=lifespan, ready=dependencies)
    app.state.force = force
    explaining: list[str | Enum] = ["explain"]
    rules: list[str | Enum] = ["rulebook"]
    route = app.add_api_route
    route("/v1/explain/{report_id}", explain, tags=explaining, summary="Why a report went where it went")
    route("/v1/rulebook", rulebooks.rulebook, tags=rules, summary="The rulebook in force")
    route("/v1/rulebook", rulebooks.post, methods=["POST"], tags=rules, summary="Take a rulebook, or let it run beside")
    route("/v1/rulebook/history", rulebooks.history, tags=rules, summary="What was ever taken")
    route("/v1/rulebook/history/{n}", rulebooks.text, tags=rules, summary="The text of one that was taken")
    route("/v1/rulebook/back", rulebooks.back, methods=["POST"], tags=rules, summary="Take an earlier one again")
    route("/v1/rulebook/shadow", rulebooks.end_shadow, methods=["DELETE"], tags=rules, summary="Nothing runs beside it")
    route("/v1/shadow", rulebooks.shadow, tags=rules, summary="Where what runs beside would differ, counted")
    route("/v1/shadow/reports", rulebooks.shadow_reports, tags=rules, summary="The reports that would go elsewhere")
    route("/v1/rules/dry-run", dry_run, methods=["POST"], tags=rules, summary="A rulebook tried on the past")
    add_day(app)
    app.add_api_route("/v1/devices", devices, tags=["devices"], summary="What each device last said")
    app.add_api_route("/v1/devices/{device_id}", device, tags=["devices"], summary="What one device last said")
    topics.add_to(app)
    return app


async def devices(
    request: Request,
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Devices in the order of their ids."""
    principal(request, *STAFF)
    items = await store.devices_page(request.app.state.pool, cursor, limit)
    return answer({"items": items, "next": items[-1].device_id if len(items) == limit else None})


async def device(request: Request, device_id: str) -> Response:
    """What is remembered of one device."""
    principal(request, *STAFF)
    found = await store.device_states(request.app.state.pool, [device_id])
    if device_id not in found:
        raise Refused("not_found", "nothing was heard of this device yet")
    return answer(found[device_id])
