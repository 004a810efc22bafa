"""Puts dispatch together: `python -m services.dispatch.main api|urgent|normal`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count

import asyncpg

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import Tick
from schemas.ids import NAMESPACE, fact_id
from schemas.topics import ORDERS_EVENTS, ROUTING, SUPERVISION_EVENTS
from schemas.vocabulary import Lane
from services.chassis.city import load
from services.chassis.database import open_pool, patiently
from services.chassis.delivery import Seam
from services.chassis.engines.loop import LoopEngine
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.chassis.pruning import prune_for_ever
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.runner import Engine, run_api, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.chassis.turning import day_turns
from services.chassis.webhooks.office import Letter
from services.chassis.webhooks.platforms import Platforms, open_platforms
from services.dispatch.api import dispatch_app
from services.dispatch.handlers import DeadlineHandler, Pulse, RoutingHandler
from services.dispatch.handlers.channels import Digests
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.letters import letter
from services.dispatch.settings import DispatchSettings
from services.dispatch.store import search

SERVICE = "dispatch"
log = logger(__name__)


def ticks(t: datetime) -> list[Outgoing]:
    """One Tick for every partition of orders.events."""
    return [
        message(
            ORDERS_EVENTS,
            Tick(t=t, partition=partition),
            id=fact_id(NAMESPACE, f"Tick\x1f{t.isoformat()}", partition),
            key="tick",
            source=SERVICE,
            time=t,
            partition=partition,
        )
        for partition in range(ORDERS_EVENTS.partitions)
    ]


def api() -> None:
    """The process that people and intake ask."""
    settings = read_settings(DispatchSettings)
    platforms = open_platforms(settings.platforms_file)
    city = load(settings.city_dir)
    directory = Directory(city, platforms.told(), frozenset(platforms.now()), settings.link)
    for channel in city.policy.channels:
        if channel not in directory.channels:
            log.warning("the platforms' file has no address for a channel of the policy", channel=channel.name)

    @asynccontextmanager
    async def pool() -> AsyncIterator[asyncpg.Pool]:
        opened = await open_pool(settings, SERVICE)
        works = [search.follow(opened, timedelta(seconds=settings.transaction_timeout))]
        if directory.told or directory.channels:
            works.append(bring(opened, platforms, directory))
        if directory.channels:
            works.append(Digests(opened).run())
        beside = [asyncio.create_task(work) for work in works]
        try:
            yield opened
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await opened.close()

    app = dispatch_app(settings, directory, pool, share=settings.desk_share, stream_every=settings.stream_every)
    run_api(app, settings, lambda: day_turns(city))


async def bring(pool: asyncpg.Pool, platforms: Platforms, directory: Directory) -> None:
    """Bring webhooks and letters for ever."""
    from services.chassis.webhooks.courier import Courier  # an HTTP client's memory, for cities that need one

    await Courier(pool, platforms, write=lambda body: Letter(*letter(body, directory.zone))).run()


async def worker(lane: Lane, settings: DispatchSettings) -> None:
    """One lane; the normal one also lands what supervision says. Either relays when it leads."""
    city = load(settings.city_dir)
    platforms = open_platforms(settings.platforms_file)
    directory = Directory(city, platforms.told(), frozenset(platforms.now()), settings.link)
    pool = await open_pool(settings, SERVICE)
    publisher = Publisher(settings.kafka_bootstrap, client_id=f"dispatch-{lane}", partitioner=by_crc32)
    await publisher.start()
    relay = Relay(SERVICE, pool, publisher, transaction_timeout=settings.transaction_timeout, ticks=ticks)
    batch = settings.batch_urgent if lane is Lane.URGENT else settings.batch_normal
    feeds = [(Seam(RoutingHandler(directory, lane), pool, settings, relay=relay), ROUTING[lane].name, False)]
    if lane is Lane.NORMAL:
        feeds.append((Seam(DeadlineHandler(directory), pool, settings, relay=relay), SUPERVISION_EVENTS.name, True))
    engines = [
        LoopEngine(
            seam,
            bootstrap=settings.kafka_bootstrap,
            group=seam.handler.consumer,
            topics=[topic],
            batch=batch,
            patient=patient,
        )
        for seam, topic, patient in feeds
    ]

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    pulse = Pulse(directory)

    async def measure() -> None:
        for turn in count():
            await patiently(lambda: pulse.measure(pool))
            if lane is Lane.NORMAL and turn % 30 == 0:  # every open order is looked at: by one process, and seldom
                await patiently(lambda: pulse.invariants(pool))
            await asyncio.sleep(10)

    await run_worker(
        [Engine(engine.run, engine.stop) for engine in engines],
        settings,
        pulses=[seam.progress for seam, *_ in feeds],
        background=[
            relay.run,
            measure,
            lambda: prune_for_ever(pool, ["inbox", "idempotency_keys"]),
            lambda: day_turns(city),
        ],
        close=close,
    )


def lane_process(lane: Lane) -> None:
    """The worker process of a lane."""
    run_async(lambda: worker(lane, read_settings(DispatchSettings)))


if __name__ == "__main__":
    run_process(
        SERVICE,
        {"api": api, "urgent": lambda: lane_process(Lane.URGENT), "normal": lambda: lane_process(Lane.NORMAL)},
    )
