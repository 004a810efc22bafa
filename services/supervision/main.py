"""Puts supervision together: `python -m services.supervision.main api|worker|rebuild`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from schemas.city import City
from schemas.topics import ORDERS_EVENTS
from services.chassis.backlog import watch_backlog
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.chassis.engines.loop import LoopEngine
from services.chassis.outbox import Relay
from services.chassis.pruning import prune_for_ever
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.rebuild import rebuild as rebuild_view
from services.chassis.runner import Engine, run_api, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.chassis.turning import day_turns
from services.supervision.api import supervision_app
from services.supervision.handlers import ClocksView, OrdersHandler, Sweep
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings

SERVICE = "supervision"


def api() -> None:
    """The process that answers questions."""
    settings = read_settings(SupervisionSettings)
    city = load(settings.city_dir)

    @asynccontextmanager
    async def pool() -> AsyncIterator[asyncpg.Pool]:
        opened = await open_pool(settings, SERVICE)
        try:
            yield opened
        finally:
            await opened.close()

    async def until() -> None:
        watching = asyncio.ensure_future(watch_backlog(settings.kafka_bootstrap))
        try:
            await day_turns(city)
        finally:
            watching.cancel()

    run_api(supervision_app(settings, city, pool), settings, until)


@dataclass(frozen=True)
class Worker:
    """The parts of the worker process: what reads facts, what gives notices, what publishes both's news."""

    seam: Seam
    engine: LoopEngine
    sweep: Sweep
    relay: Relay
    prune: Callable[[], Coroutine[Any, Any, None]]
    close: Callable[[], Coroutine[Any, Any, None]]


async def build(settings: SupervisionSettings, city: City) -> Worker:
    """The worker, connected and not yet running."""
    pool = await open_pool(settings, SERVICE)
    publisher = Publisher(settings.kafka_bootstrap, client_id=SERVICE, partitioner=by_crc32)
    await publisher.start()
    relay = Relay(SERVICE, pool, publisher, transaction_timeout=settings.transaction_timeout)
    promises = Promises.of(city)
    handler = OrdersHandler(promises)
    seam = Seam(handler, pool, settings, relay=relay, on_dead=handler.mark)
    engine = LoopEngine(
        seam,
        bootstrap=settings.kafka_bootstrap,
        group=handler.consumer,
        topics=[ORDERS_EVENTS.name],
        batch=settings.batch_normal,
        patient=True,
    )
    sweep = Sweep(
        pool,
        Ladder(promises.newest.terms),
        relay=relay,
        every=settings.sweep_every,
        page=settings.sweep_page,
        held=settings.tick_held,
        late_after=settings.late_after,
    )

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    return Worker(seam, engine, sweep, relay, lambda: prune_for_ever(pool, ["inbox"]), close)


async def worker() -> None:
    """The process that folds facts, sets clocks and gives notices."""
    settings = read_settings(SupervisionSettings)
    city = load(settings.city_dir)
    built = await build(settings, city)
    await run_worker(
        [Engine(built.engine.run, built.engine.stop)],
        settings,
        pulses=[built.seam.progress],
        background=[built.relay.run, built.sweep.run, built.prune, lambda: day_turns(city)],
        close=built.close,
    )


async def rebuild() -> None:
    """The process that makes timelines and clocks anew, beside the running worker or without it."""
    settings = read_settings(SupervisionSettings)
    await rebuild_view(ClocksView(Promises.of(load(settings.city_dir))), SERVICE, settings)


if __name__ == "__main__":
    run_process(SERVICE, {"api": api, "worker": lambda: run_async(worker), "rebuild": lambda: run_async(rebuild)})
