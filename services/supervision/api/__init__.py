"""How people ask supervision: `clocks` of orders and which were missed, `numbers` with the lists behind them, `appeals`
against a number, `findings` of detectors, the `board` that shows all of it in a browser (its files: `pages`)."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import msgspec
from fastapi import FastAPI

from schemas.city import City
from services.chassis.database import ready
from services.chassis.settings import ServiceSettings
from services.chassis.web import web_app
from services.supervision.api import appeals, board, clocks, findings, numbers, pages
from services.supervision.api.desk import STAFF, Desk

__all__ = ["STAFF", "Desk", "supervision_app"]
OpenPool = Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]


def supervision_app(settings: ServiceSettings, city: City, open_pool: OpenPool) -> FastAPI:
    """Supervision's API on a pool that lives as long as the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool() as pool:
            app.state.pool = pool
            yield

    async def dependencies() -> dict[str, bool]:
        return {"database": await ready(app.state.pool)}

    app = web_app("supervision", "Paidan 派单 · supervision 督办", settings, lifespan=lifespan, ready=dependencies)
    app.state.desk = Desk(city)
    app.state.board = board.Board(city, settings.dispatch_page)
    app.add_api_route("/v1/clocks", clocks.clocks_of_many, tags=["clocks"], summary="The clocks of up to 500 orders")
    app.add_api_route(
        "/v1/clocks",
        clocks.clocks_of_body,
        methods=["POST"],
        tags=["clocks"],
        summary="The same, with the orders in the body",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": msgspec.json.schema(clocks.Wanted)["$defs"]["Wanted"]}},
            }
        },
    )
    app.add_api_route("/v1/clocks/{order_id}", clocks.clocks_of_one, tags=["clocks"], summary="The clocks of one order")
    app.add_api_route(
        "/v1/breaches", clocks.breaches, tags=["breaches"], summary="Missed clocks, the latest deadline first"
    )
    app.add_api_route("/v1/due", clocks.falling_due, tags=["clocks"], summary="What falls due, the earliest first")
    app.add_api_route(
        "/v1/catch-ups", clocks.catch_ups, tags=["breaches"], summary="What was said late, in one word a unit"
    )
    app.include_router(numbers.router)
    app.include_router(appeals.router)
    app.include_router(findings.router)
    app.include_router(board.router)
    app.include_router(pages.router)
    return app
