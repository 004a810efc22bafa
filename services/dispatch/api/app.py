"""The app of dispatch: its routes on a pool and a desk that live as long as it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import asyncpg
from fastapi import FastAPI

from services.chassis.commands import Desk
from services.chassis.database import ready
from services.chassis.settings import ServiceSettings
from services.chassis.web import web_app
from services.chassis.webhooks.platforms import Platforms
from services.dispatch.api import (
    actions,
    attachments,
    bulk,
    cases,
    duty,
    handovers,
    history,
    lists,
    me,
    orders,
    pages,
    platforms,
    proposals,
    queues,
    ratings,
    requests,
    stream,
    supervisions,
    tasks,
)
from services.dispatch.api.desk import Rooms
from services.dispatch.handlers import ActionHandler, Answered, Command, HandoverCommand, HandoverHandler
from services.dispatch.handlers.cases import CaseCommand, CaseHandler
from services.dispatch.handlers.proposals import ProposalCommand, ProposalHandler
from services.dispatch.handlers.tasks import Portion, Pushed, TaskHandler
from services.dispatch.rules.directory import Directory

OpenPool = Callable[[], AbstractAsyncContextManager[asyncpg.Pool]]


def dispatch_app(
    settings: ServiceSettings, directory: Directory, open_pool: OpenPool, *, share: int, stream_every: float
) -> FastAPI:
    """The API. `share` is how many writes one transaction may take, `stream_every` the seconds between two looks for
    the live stream."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_pool() as pool:
            settling = timedelta(seconds=settings.transaction_timeout)
            desk: Desk[Command, Answered] = Desk(ActionHandler(directory), pool, share=share)
            pushing: Desk[Portion, Pushed] = Desk(TaskHandler(directory), pool, share=1)
            said: Desk[HandoverCommand, Answered] = Desk(HandoverHandler(directory), pool, share=share)
            gathered: Desk[CaseCommand, Answered] = Desk(CaseHandler(directory), pool, share=share)
            asked: Desk[ProposalCommand, Answered] = Desk(ProposalHandler(directory), pool, share=share)
            app.state.rooms = Rooms(pool, desk, pushing, directory, settling, stream_every, said, gathered, asked)
            app.state.stream = stream.Stream(pool, directory, stream_every, settling)
            looking = asyncio.create_task(app.state.stream.run())
            yield
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    async def dependencies() -> dict[str, bool]:
        return {"database": await ready(app.state.rooms.pool)}

    app = web_app("dispatch", "Paidan 派单 · dispatch 派遣", settings, lifespan=lifespan, ready=dependencies)
    app.state.platforms = Platforms(settings.platforms_file)
    app.state.door = ratings.Door(settings.city_secret())
    for part in (
        bulk,
        actions,
        lists,
        orders,
        queues,
        stream,
        duty,
        attachments,
        handovers,
        platforms,
        ratings,
        me,
        pages,
        tasks,
        history,
        requests,
        supervisions,
        cases,
        proposals,
    ):  # the busiest first: routes are tried in order
        app.include_router(part.routes)
    return app
