"""Puts supervision together: `python -m services.supervision.main api|worker|rebuild|recompute|preview|audit`.

The last three are started by an operator beside the running worker. Each tells its steps in its log and ends with one
line that says everything; with 2 and a line on standard error when it cannot be done.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

import asyncpg
import msgspec

from schemas.city import City
from schemas.topics import ORDERS_EVENTS
from services.chassis.backlog import watch_backlog
from services.chassis.city import CityFaults, load
from services.chassis.database import connect, open_pool
from services.chassis.delivery import Seam
from services.chassis.engines.loop import LoopEngine
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.chassis.pruning import prune_for_ever
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.rebuild import rebuild as rebuild_view
from services.chassis.runner import Engine, run_api, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.chassis.turning import day_turns
from services.supervision.api import supervision_app
from services.supervision.handlers import (
    Auditor,
    ClocksView,
    Exporter,
    NumberKeeper,
    Numbers,
    OrdersHandler,
    Pulse,
    Recompute,
    Sweep,
)
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.recompute import Report, changes
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings
from services.supervision.store import opened

log = logger(__name__)
SERVICE = "supervision"
PAGE = 500
DIFFERENCES = 1000  # of an audit are told one by one, the rest is counted


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
        watching = asyncio.ensure_future(watch_backlog(settings.kafka_bootstrap, SERVICE))
        try:
            await day_turns(city)
        finally:
            watching.cancel()

    run_api(supervision_app(settings, city, pool), settings, until)


@dataclass(frozen=True)
class Worker:
    """The parts of the worker process: what reads facts, what gives notices, what keeps numbers, what publishes their
    news."""

    seam: Seam
    engine: LoopEngine
    sweep: Sweep
    auditor: Auditor
    keeper: NumberKeeper
    pulse: Pulse
    relay: Relay
    prune: Callable[[], Coroutine[Any, Any, None]]
    close: Callable[[], Coroutine[Any, Any, None]]


async def build(settings: SupervisionSettings, city: City) -> Worker:
    """The worker, connected and not yet running."""
    pool = await open_pool(settings, SERVICE)
    publisher = Publisher(settings.kafka_bootstrap, client_id=SERVICE, partitioner=by_crc32)
    await publisher.start()
    relay = Relay(SERVICE, pool, publisher, transaction_timeout=settings.transaction_timeout)
    promises, numbers = Promises.of(city), Numbers.of(city)
    async with pool.acquire() as connection:
        await opened.remember_terms(connection, promises.data)
    handler = OrdersHandler(promises, numbers)
    seam = Seam(handler, pool, settings, relay=relay, on_dead=handler.mark)
    engine = LoopEngine(
        seam,
        bootstrap=settings.kafka_bootstrap,
        group=handler.consumer,
        topics=[ORDERS_EVENTS.name],
        batch=settings.batch_normal,
        patient=True,
    )
    keeper = NumberKeeper(pool, promises, numbers, relay=relay, exporter=Exporter.of(pool, city))
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

    auditor = Auditor(pool, promises, page=settings.audit_page, every=settings.audit_every)
    prune = partial(prune_for_ever, pool, ["inbox"])
    return Worker(seam, engine, sweep, auditor, keeper, Pulse(pool, city), relay, prune, close)


async def worker() -> None:
    """The process that folds facts, sets clocks and gives notices."""
    settings = read_settings(SupervisionSettings)
    city = load(settings.city_dir)
    built = await build(settings, city)
    await run_worker(
        [Engine(built.engine.run, built.engine.stop)],
        settings,
        pulses=[built.seam.progress],
        background=[
            built.relay.run,
            built.sweep.run,
            built.auditor.run,
            built.keeper.run,
            built.pulse.run,
            built.prune,
            lambda: day_turns(city),
        ],
        close=built.close,
    )


async def rebuild() -> None:
    """The process that makes timelines and clocks anew, beside the running worker or without it."""
    settings = read_settings(SupervisionSettings)
    city = load(settings.city_dir)
    await rebuild_view(ClocksView(Promises.of(city), Numbers.of(city)), SERVICE, settings)


async def recompute() -> None:
    """Bring the clocks of all open orders under the terms that the worker runs by."""
    settings = read_settings(SupervisionSettings)
    new = _promises(settings)
    async with _pool(settings) as pool:
        digest = opened.digest_of(new.data)
        async with pool.acquire() as connection:
            newest = await opened.newest_terms(connection)
            in_use = None if settings.everything else await opened.terms_in_use(connection, digest)
        if newest is None or newest.digest != digest:
            _refuse(f"the worker runs by other terms than {new.data.version}: put the pack in place, start it anew")
        old = None if in_use is None else [Promises(each.data) for each in in_use]
        report = await Recompute(pool, new, old, write=True, say=_step).run()
        async with pool.acquire() as connection:
            await opened.terms_applied(connection, digest)
    log.info("recomputed", terms=new.data.version, **_plain(report))


async def preview() -> None:
    """What a pack would move if it took the place of the one that the worker runs by. Writes nothing."""
    settings = read_settings(SupervisionSettings)
    new = _promises(settings)
    async with _pool(settings) as pool:
        async with pool.acquire() as connection:
            newest = await opened.newest_terms(connection)
        if newest is None:
            _refuse("no worker has ever run here, so there is nothing that could move")
        old = Promises(newest.data)
        report = await Recompute(pool, new, None if settings.everything else [old], write=False, say=_step).run()
    told = [msgspec.to_builtins(each) for each in changes(old.data, new.data)]
    log.info("previewed", before=old.data.version, after=new.data.version, changes=told, **_plain(report))


async def audit() -> None:
    """What should have fired, over everything that may still move. Writes nothing."""
    settings = read_settings(SupervisionSettings)
    counted = {"orders": 0, "cases": 0, "clocks": 0}
    wrong = []
    async with _pool(settings) as pool:
        auditor = Auditor(pool, _promises(settings), page=PAGE)
        for kind in ("orders", "cases"):
            last: UUID | None = UUID(int=0)
            while last is not None:
                page = await auditor.page(last, of_cases=kind == "cases")
                last = page.last
                counted[kind] += page.orders
                counted["clocks"] += page.clocks
                wrong += page.differences
                if last is not None and kind == "orders":
                    log.info("auditing", share=round(last.int / (1 << 128), 4), differences=len(wrong))
        wrong += await auditor.ended()
    told = [msgspec.to_builtins(each) for each in wrong[:DIFFERENCES]]
    log.info("audited", **counted, differences=len(wrong), told=told)


def _promises(settings: SupervisionSettings) -> Promises:
    try:
        return Promises.of(load(settings.city_dir))
    except CityFaults as faults:
        _refuse(f"{settings.city_dir} is no sound pack, see `paidan city check`: {faults.faults[0]}")


@asynccontextmanager
async def _pool(settings: SupervisionSettings) -> AsyncIterator[asyncpg.Pool]:
    pool = await connect(settings, SERVICE, name=f"{SERVICE}-beside", transaction_timeout=0, timeout=None)
    try:
        yield pool
    finally:
        await pool.close()


def _step(share: float, report: Report) -> None:
    log.info("recomputing", share=round(share, 4), orders=report.orders, moved=report.moved_orders)


def _plain(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(report.told())
    return told


def _refuse(cause: str) -> NoReturn:
    print(f"{SERVICE}: {cause}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    beside = {"worker": worker, "rebuild": rebuild, "recompute": recompute, "preview": preview, "audit": audit}
    run_process(SERVICE, {"api": api} | {name: partial(run_async, main) for name, main in beside.items()})
