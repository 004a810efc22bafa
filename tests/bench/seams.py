"""What each hop's transaction costs in processor time, ours beside the bare one: seams fed by hand with batches of 500,
without Kafka and engines. Processor time stays put where others use the machine, so this is where to look for gains.

`python -m tests.bench.seams [--profile router|dispatch|supervision] [--reports N]`
"""

import argparse
import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import psutil
import uvloop

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from schemas.envelope import Outgoing, Record
from schemas.topics import REPORTS_NORMAL
from schemas.vocabulary import Lane
from services.chassis.city import load
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from services.dispatch.handlers import RoutingHandler
from services.dispatch.rules.directory import Directory
from services.router.handlers import ReportsHandler, report_identity
from services.router.handlers.force import InForce
from services.router.rules.atlas import Atlas
from services.supervision.handlers import Numbers, OrdersHandler
from services.supervision.rules.stages import Promises
from tests.bench.bare import dispatch as bare_dispatch
from tests.bench.bare import router as bare_router
from tests.bench.bare import supervision as bare_supervision
from tests.bench.bare import templates
from tests.bench.cpu import family
from tests.bench.fresh import fresh
from tests.bench.material import CITY, Item, compose, direct, named

HOPS = ("router", "dispatch", "supervision")
_BATCH = 500
_WARM = 2000
_unpack = msgspec.msgpack.Decoder(tuple[Outgoing, ...]).decode
Make = Callable[[asyncpg.Pool, ServiceSettings], Seam]


def records_of(messages: Sequence[Outgoing]) -> list[Record]:
    """Messages as they would be read, spread over eight partitions."""
    return [Record(m.topic, n % 8, n, m.key, m.value, m.headers, 1) for n, m in enumerate(messages)]


def _ours() -> dict[str, Make]:
    city = load(CITY)
    atlas, directory, promises, numbers = Atlas.of(city), Directory(city), Promises.of(city), Numbers.of(city)
    return {
        "router": lambda pool, settings: Seam(
            ReportsHandler(InForce(atlas, city_folder("shanghai")), lane=Lane.NORMAL, per_key=20),
            pool,
            settings,
            identity=report_identity,
        ),
        "dispatch": lambda pool, settings: Seam(RoutingHandler(directory, Lane.NORMAL), pool, settings),
        "supervision": lambda pool, settings: Seam(OrdersHandler(promises, numbers), pool, settings),
    }


def _bare(items: list[Item]) -> dict[str, Make]:
    made = templates.made(load(CITY), items[:1000])
    return {
        "router": lambda pool, settings: Seam(
            bare_router.BareReports(made), pool, settings, identity=bare_router.identity
        ),
        "dispatch": lambda pool, settings: Seam(bare_dispatch.BareRouting(made), pool, settings),
        "supervision": lambda pool, settings: Seam(bare_supervision.BareTimelines(made), pool, settings),
    }


async def _through(
    stack: Stack, makers: dict[str, Make], messages: list[Outgoing], profile: str
) -> dict[str, dict[str, float]]:
    """Bring messages through the three seams, one after the other; microseconds a report of each by Python and by
    PostgreSQL, and those of the wall."""
    costs: dict[str, dict[str, float]] = {}
    for hop in HOPS:
        settings = ServiceSettings(database_url=stack.database_url(f"paidan_{hop}"))
        pool = await open_pool(settings, hop)
        await pool.execute("TRUNCATE outbox")
        seam = makers[hop](pool, settings)
        records = records_of(messages)
        gc.collect()
        gc.freeze()
        await _feed(seam, records[:_WARM])
        costs[hop] = await _costed(stack, seam, records[_WARM:], profile == hop)
        rows = await pool.fetch("SELECT payload FROM outbox ORDER BY n")
        messages = [message for row in rows for message in _unpack(row["payload"])]
        await pool.close()
    return costs


async def _feed(seam: Seam, records: list[Record]) -> None:
    for start in range(0, len(records), _BATCH):
        await seam.handle(records[start : start + _BATCH])


async def _costed(stack: Stack, seam: Seam, records: list[Record], profiled: bool) -> dict[str, float]:
    profiler = cProfile.Profile(time.process_time)
    wall, python, database = time.perf_counter(), time.process_time(), database_seconds(stack)
    if profiled:
        profiler.enable()
    await _feed(seam, records)
    profiler.disable()
    count = len(records) / 1e6
    found = {
        "python": round((time.process_time() - python) / count, 1),
        "postgres": round((database_seconds(stack) - database) / count, 1),
        "wall": round((time.perf_counter() - wall) / count, 1),
    }
    if profiled:
        print(f"\n{len(records)} messages; tottime in s, so {1e6 / len(records):.1f} µs a message for each second")
        pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
    return found


def database_seconds(stack: Stack) -> float:
    """Processor time that PostgreSQL has used so far, its ended processes included."""
    pid = stack.pid("postgres")
    assert pid is not None
    times = [member.cpu_times() for member in family(pid)]
    ended = psutil.Process(pid).cpu_times()
    return sum(t.user + t.system for t in times) + ended.children_user + ended.children_system


async def costs(items: list[Item], *, profile: str = "", bare: bool = True) -> dict[str, Any]:
    """Both pipelines' costs, on a stack each."""
    now = datetime.now(UTC)
    found: dict[str, Any] = {}
    plain = [message for item in items if (message := direct(item, now)).topic == REPORTS_NORMAL.name]
    async with fresh(processes=()) as stack:
        found["ours"] = await _through(stack, _ours(), plain, profile)
    if bare:
        async with fresh(processes=()) as stack:
            found["bare"] = await _through(stack, _bare(items), [named(item, now) for item in items], "")
    return found


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.seams")
    parser.add_argument("--profile", default="", choices=("", *HOPS))
    parser.add_argument("--reports", type=int, default=20_000)
    said = parser.parse_args()
    items = compose(said.reports)
    found = uvloop.run(costs(items, profile=said.profile, bare=not said.profile))
    for kind, hops in found.items():
        for hop, cost in hops.items():
            print(f"{kind:6}{hop:14}" + "  ".join(f"{name} {micros:7.1f} µs" for name, micros in cost.items()))
        total = sum(cost["python"] + cost["postgres"] for cost in hops.values())
        print(
            f"{kind:6}all           {total:.0f} µs of processor a report: {2e6 / total:,.0f}/s on two cores at most\n"
        )


if __name__ == "__main__":
    main()
