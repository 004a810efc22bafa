"""Puts intake together: `python -m services.intake.main api`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from schemas.city import City
from schemas.vocabulary import Lane
from services.chassis.city import load
from services.chassis.clock import SystemClock
from services.chassis.database import open_pool
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.runner import run_api, run_process
from services.chassis.settings import read_settings
from services.chassis.turning import day_turns
from services.chassis.web import web_app
from services.chassis.webhooks.platforms import open_platforms
from services.intake.api import add_routes
from services.intake.clients import Dispatch
from services.intake.handlers.canary import sing
from services.intake.handlers.door import Door
from services.intake.handlers.keys import KeyKeeper
from services.intake.handlers.outlet import Outlet
from services.intake.rules.lanes import DangerList
from services.intake.rules.register import Register
from services.intake.settings import IntakeSettings
from services.intake.store.spool import Spool

READINGS = "readings"


def build(settings: IntakeSettings, city: City) -> FastAPI:
    """The app. It waits for nothing: until Kafka answers reports go to the spool, until PostgreSQL does there are no
    key rows; `/readyz` says what is missing."""
    clock = SystemClock()
    register = Register(city)
    publisher = Publisher(settings.kafka_bootstrap, client_id="paidan-intake", partitioner=by_crc32)
    folder = settings.state_dir / "spool"
    outlets = {
        name: Outlet(
            publisher,
            Spool(folder, name, settings.spool_limit_bytes),
            send_timeout=settings.send_timeout,
            clock=clock,
        )
        for name in (*Lane, READINGS)
    }
    keeper = KeyKeeper(lambda: open_pool(settings, "intake"), settings.key_timeout)
    dispatch = Dispatch(settings.dispatch_url, settings.dispatch_timeout)
    reports = {lane: outlets[lane] for lane in Lane}
    door = Door(keeper, reports, outlets[READINGS], DangerList(city), settings.city_secret())

    async def drain() -> None:
        await publisher.start()
        await asyncio.gather(*(outlet.run() for outlet in outlets.values()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        beside = [asyncio.create_task(drain()), asyncio.create_task(keeper.run())]
        if settings.canary_every:
            beside.append(asyncio.create_task(sing(door, clock, settings.canary_every)))
        yield
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        for outlet in outlets.values():
            await outlet.close()
        with suppress(TimeoutError):  # what Kafka has not acknowledged was answered from the spool
            async with asyncio.timeout(2):
                await publisher.stop()
        await keeper.close()
        await dispatch.close()

    async def ready() -> dict[str, bool]:
        lanes = {f"direct_{name}": outlet.direct for name, outlet in outlets.items()}
        return {"kafka": publisher.connected, "keys": keeper.available, **lanes}

    app = web_app("intake", "Paidan intake 派单·受理", settings, lifespan=lifespan, ready=ready)
    add_routes(app, door, keeper, dispatch, register, clock, open_platforms(settings.platforms_file))
    return app


def api() -> None:
    """Serve the front door."""
    settings = read_settings(IntakeSettings)
    city = load(settings.city_dir)
    run_api(build(settings, city), settings, lambda: day_turns(city))


if __name__ == "__main__":
    run_process("intake", {"api": api})
