"""Puts the router together: `python -m services.router.main api|urgent|normal|rebuild`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from schemas.topics import ORDERS_EVENTS, REPORTS, SENSORS_READINGS
from schemas.vocabulary import Lane
from services.chassis.database import open_pool, patiently
from services.chassis.delivery import Seam
from services.chassis.engines.loop import LoopEngine
from services.chassis.engines.stream import StreamEngine
from services.chassis.outbox import Relay
from services.chassis.pruning import prune_for_ever
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.rebuild import rebuild as rebuild_view
from services.chassis.runner import Engine, Work, run_api, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.chassis.turning import day_turns
from services.router.api import router_app
from services.router.handlers import (
    MattersView,
    OrdersHandler,
    ReadingsHandler,
    ReportsHandler,
    limits_of,
    report_identity,
)
from services.router.handlers.force import start
from services.router.handlers.sweep import Sweep
from services.router.handlers.warnings import Watch
from services.router.settings import RouterSettings

SERVICE = "router"


def api() -> None:
    """The process that answers questions."""
    settings = read_settings(RouterSettings)
    force = asyncio.run(start(settings.city_dir, settings.database_url))

    @asynccontextmanager
    async def pool() -> AsyncIterator[asyncpg.Pool]:
        opened = await open_pool(settings, SERVICE)
        try:
            yield opened
        finally:
            await opened.close()

    run_api(router_app(settings, force, pool), settings, lambda: day_turns(force.atlas.city))


async def worker(lane: Lane, settings: RouterSettings) -> None:
    """One lane; the normal one also screens readings and lands what became of orders."""
    force = await start(settings.city_dir, settings.database_url)
    pool = await open_pool(settings, SERVICE)
    await patiently(lambda: force.look(pool))
    publisher = Publisher(settings.kafka_bootstrap, client_id=f"router-{lane}", partitioner=by_crc32)
    await publisher.start()
    relay = Relay(SERVICE, pool, publisher, transaction_timeout=settings.transaction_timeout)
    urgent = lane is Lane.URGENT
    handler = ReportsHandler(force, lane=lane, per_key=settings.candidates_per_key)
    reports = Seam(handler, pool, settings, relay=relay, urgent=urgent, identity=report_identity)
    feeds = [(reports, [REPORTS[lane].name])]
    batch = settings.batch_urgent if urgent else settings.batch_normal
    loops: list[LoopEngine] = []
    beside: list[Work] = []
    if not urgent:
        settling = timedelta(seconds=settings.transaction_timeout)
        per_key = settings.candidates_per_key
        sweep = Sweep(pool, force.atlas, settling=settling, every=settings.sweep_every, per_key=per_key, relay=relay)
        beside += [sweep.run, Watch(pool, force.atlas, every=settings.warn_every, relay=relay).run]
        readings = Seam(ReadingsHandler(force.atlas), pool, settings, relay=relay)
        feeds.append((readings, [SENSORS_READINGS.name]))
        orders = Seam(OrdersHandler(limits_of(force.atlas)), pool, settings)
        loops.append(
            LoopEngine(
                orders,
                bootstrap=settings.kafka_bootstrap,
                group="router-orders",
                topics=[ORDERS_EVENTS.name],
                batch=500,
                patient=True,
            )
        )
    stream = StreamEngine(feeds, bootstrap=settings.kafka_bootstrap, group=f"router-{lane}", batch=batch)

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    await run_worker(
        [Engine(stream.run, stream.stop), *(Engine(loop.run, loop.stop) for loop in loops)],
        settings,
        pulses=[seam.progress for seam, _ in feeds] + [loop.progress for loop in loops],
        background=[
            relay.run,
            lambda: prune_for_ever(pool, ["inbox", "shadow_differences"]),
            lambda: day_turns(force.atlas.city),
            lambda: force.follow(pool),
            *beside,
        ],
        close=close,
    )


def lane_process(lane: Lane) -> None:
    """The worker process of a lane."""
    run_async(lambda: worker(lane, read_settings(RouterSettings)))


async def rebuild() -> None:
    """The process that makes matters anew, beside the running workers or without them."""
    settings = read_settings(RouterSettings)
    settling = timedelta(seconds=settings.transaction_timeout)
    force = await start(settings.city_dir, settings.database_url)
    await rebuild_view(MattersView(force.atlas, settling), SERVICE, settings)


if __name__ == "__main__":
    run_process(
        SERVICE,
        {
            "api": api,
            "urgent": lambda: lane_process(Lane.URGENT),
            "normal": lambda: lane_process(Lane.NORMAL),
            "rebuild": lambda: run_async(rebuild),
        },
    )
