"""How people ask the router: why a report went where it went, which rulebook is in force, what devices last said."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import FastAPI, Query, Request, Response

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.database import ready
from services.chassis.settings import ServiceSettings
from services.chassis.web import answer, principal, web_app
from services.router import store
from services.router.rules.atlas import Atlas

STAFF = (
    Role.AGENT,
    Role.DISPATCHER,
    Role.RESPONDER,
    Role.INSPECTOR,
    Role.SUPERVISOR,
    Role.AUDITOR,
    Role.OPERATOR,
    Role.IMPORT,
)
# Not a responder: who holds the order of a report is not the router's to know, and a decision tells what was reported
# about whom.
DECIDED = (Role.AGENT, Role.DISPATCHER, Role.INSPECTOR, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR)
OpenPool = Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]


def router_app(settings: ServiceSettings, atlas: Atlas, open_pool: OpenPool) -> FastAPI:
    """The router's API on a pool that lives as long as the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool() as pool:
            app.state.pool = pool
            yield

    async def dependencies() -> dict[str, bool]:
        return {"database": await ready(app.state.pool)}

    app = web_app("router", "Paidan 派单 · router 研判", settings, lifespan=lifespan, ready=dependencies)
    app.state.atlas = atlas
    app.add_api_route("/v1/explain/{report_id}", explain, tags=["explain"], summary="Why a report went where it went")
    app.add_api_route("/v1/rulebook", rulebook, tags=["explain"], summary="The rulebook in force")
    app.add_api_route("/v1/devices", devices, tags=["devices"], summary="What each device last said")
    app.add_api_route("/v1/devices/{device_id}", device, tags=["devices"], summary="What one device last said")
    return app


async def explain(request: Request, report_id: UUID) -> Response:
    """Every step of the decision, with its answer, confidence, reason and candidates. For those who take reports in,
    send work out or look after it: never for a unit that may be what the report is about."""
    principal(request, *DECIDED)
    text = await store.explanation_of(request.app.state.pool, report_id)
    if text is None:
        raise Refused("not_found", "no decision on this report (yet)")
    return Response(text, media_type="application/json")


async def rulebook(request: Request) -> Response:
    """The rows of the rulebook in the order of the file, with its version."""
    principal(request, *STAFF)
    city = request.app.state.atlas.city
    return answer({"city": city.name, "version": city.rulebook_version, "rules": city.rules})


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
