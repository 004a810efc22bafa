"""The runs, one after the other, each on a fresh stack, those with a year of orders on one; and what they come to
beside each other."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process
from schemas.topics import REPORTS_NORMAL
from services.chassis.city import load
from services.chassis.clock import monotonic
from tests.bench import lists, results
from tests.bench.backlog import HOPS
from tests.bench.bare import templates
from tests.bench.fresh import fresh, rested, say
from tests.bench.idle import woken_and_asleep
from tests.bench.latency import evenly, urgently
from tests.bench.life import lifecycles, lived
from tests.bench.machine import described
from tests.bench.material import CITY, Item, compose, direct, named
from tests.bench.million import seed
from tests.bench.profile import profiling
from tests.bench.raw import raw_loop
from tests.bench.throughput import LIMIT, WARM, fed, from_kafka, over_rest

_BARE = (
    Process("router", "normal", "tests.bench.bare.router"),
    Process("dispatch", "normal", "tests.bench.bare.dispatch"),
    Process("supervision", "worker", "tests.bench.bare.supervision"),
)
_ONE_BY_ONE = {"PAIDAN_BATCH_NORMAL": "1", "PAIDAN_BATCH_URGENT": "1", "PAIDAN_DESK_SHARE": "1"}
_TEMPLATES = "PAIDAN_BENCH_TEMPLATES"
_SAMPLE = 1000
_MOST_A_SECOND = 5000  # reports to compose for each second of load
_RAW = 100_000
_BACKLOG = 100_000
_URGENT_RATE = 40.0
_FOR_LIVES = 15_000  # reports for half a minute; a quarter of them make orders that fit
_CONNECTIONS = 64
_NAIVE_WARM = 300


@dataclass
class Bench:
    """What the runs share. `found` holds each run's result by its name; `ends` what goes down after the last run."""

    items: list[Item]
    seconds: float
    profile: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    ends: AsyncExitStack = field(default_factory=AsyncExitStack)
    _year: tuple[Stack, list[str]] | None = field(default=None, init=False)

    async def year(self) -> tuple[Stack, list[str]]:
        """The stack with a year of orders, made by the run that asks first, and the units that hold them."""
        if self._year is None:
            stack = await self.ends.enter_async_context(fresh(processes=lists.DISPATCH))
            self._year = stack, await seed(stack, lists.ORDERS)
        return self._year


async def raw(bench: Bench) -> Any:
    """The physical limit: one aiokafka loop that copies the reports' bytes into one table."""
    now = datetime.now(UTC)
    messages = [
        message
        for message in (direct(item, now) for item in bench.items[:_RAW])
        if message.topic == REPORTS_NORMAL.name
    ]
    async with fresh(processes=()) as stack:
        rate = await raw_loop(stack.kafka_bootstrap, stack.database_url("postgres"), REPORTS_NORMAL.name, messages)
    return {"rate": round(rate, 1), "messages": len(messages)}


async def bare(bench: Bench) -> Any:
    """The same hops, rows and transactions without logic."""
    made = templates.made(load(CITY), bench.items[:_SAMPLE])
    hops = {group: topic for group, topic in HOPS.items() if "urgent" not in group}
    with tempfile.TemporaryDirectory(prefix="paidan-bench-templates-") as folder:
        place = Path(folder) / "templates"
        templates.save(place, made)
        async with fresh(processes=_BARE, environment={_TEMPLATES: str(place)}) as stack, profiling(stack, bench):
            return await from_kafka(stack, bench.items, bench.seconds, make=named, hops=hops)


async def kafka(bench: Bench) -> Any:
    """Ours, reports written to Kafka by gateways."""
    async with fresh() as stack, profiling(stack, bench):
        return await from_kafka(stack, bench.items, bench.seconds)


async def bulk(bench: Bench) -> Any:
    """Ours, 200 reports in a request."""
    async with fresh() as stack, profiling(stack, bench):
        return await over_rest(stack, bench.items, bench.seconds, bulk=True, connections=8)


async def single(bench: Bench) -> Any:
    """Ours, one report in a request, 64 connections."""
    async with fresh() as stack, profiling(stack, bench):
        return await over_rest(stack, bench.items, bench.seconds, bulk=False, connections=_CONNECTIONS)


async def naive(bench: Bench) -> Any:
    """Ours with batches of one."""
    async with fresh(environment=_ONE_BY_ONE) as stack:
        return await from_kafka(stack, bench.items, bench.seconds / 2, limit=LIMIT // 40, warm=_NAIVE_WARM)


async def latency(bench: Bench) -> Any:
    """From Kafka to the assignment at half the load of `kafka` (500/s when that was not measured)."""
    before = bench.found.get("kafka")
    rate = before.rate / 2 if before is not None else 500.0
    async with fresh() as stack:
        await fed(stack, iter(bench.items[-WARM:]), 600)  # a cold stack lags behind for its first ten seconds
        await rested(stack)
        return await evenly(stack, bench.items, rate, bench.seconds / 2)


async def urgent(bench: Bench) -> Any:
    """The same on the urgent lane, the normal one being 100,000 reports behind."""
    async with fresh() as stack:
        return await urgently(stack, bench.items, _URGENT_RATE, bench.seconds / 2, _BACKLOG)


async def lives(bench: Bench) -> Any:
    """Six calls an order over REST, on orders that were opened before."""
    async with fresh() as stack, profiling(stack, bench):
        await fed(stack, iter(bench.items[: int(_FOR_LIVES * bench.seconds / 30)]), 600)
        await rested(stack)
        return await lifecycles(stack, bench.seconds / 2)


async def idle(bench: Bench) -> Any:
    """Waking up, and memory at rest."""
    async with fresh() as stack:
        return await woken_and_asleep(stack, bench.items, min(30.0, bench.seconds))


async def tasks(bench: Bench) -> Any:
    """A list of 100,000 rows pushed down, and pushed again."""
    async with fresh(processes=lists.DISPATCH) as stack:
        return await lists.pushed(stack, lists.ROWS)


async def queue(bench: Bench) -> Any:
    """A unit's queue with a year of orders in the tables."""
    return await lists.queues(*await bench.year())


async def search(bench: Bench) -> Any:
    """Full text with a year of orders in the tables."""
    return await lists.searches(*await bench.year())


async def asof(bench: Bench) -> Any:
    """Past moments with a year of orders in the tables."""
    return await lists.pasts(*await bench.year())


async def million(bench: Bench) -> Any:
    """Six calls an order with few orders in the tables, and with a year of them."""
    async with fresh(processes=lists.DISPATCH) as stack:
        await seed(stack, lists.FEW)
        few = await lived(stack, bench.seconds / 2)
    stack, _ = await bench.year()
    many = await lived(stack, bench.seconds / 2)
    share = round(many.rate / few.rate, 2)
    return lists.Lives(few=few.rate, many=many.rate, share=share, refused=few.refused | many.refused)


RUNS: dict[str, Callable[[Bench], Awaitable[Any]]] = {
    run.__name__: run
    for run in (
        raw,
        bare,
        kafka,
        bulk,
        single,
        naive,
        latency,
        urgent,
        lives,
        idle,
        tasks,
        queue,
        search,
        asof,
        million,
    )
}


# Which runs stand on which page of the results. A page is written when all of its runs were done.
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "bench": (
        "Speed and memory",
        ("raw", "bare", "kafka", "bulk", "single", "naive", "latency", "urgent", "lives", "idle"),
    ),
    "bench-orders": ("With a year of orders", ("tasks", "queue", "search", "asof", "million")),
}


async def measure(names: list[str], seconds: float, *, profile: str, write: bool) -> bool:
    """Do these runs and print them; write each page of docs/results whose runs were all asked for. Whether each ended
    with everything in its place."""
    machine = described()
    began = monotonic()
    wanted = int(seconds * _MOST_A_SECOND)
    say(f"composing {wanted:,} reports")
    bench = Bench(await asyncio.to_thread(compose, wanted), seconds, profile)
    say(f"composed in {monotonic() - began:.0f} s; load of this machine before: {os.getloadavg()[0]:.1f}")
    async with bench.ends:
        for name in names:
            started = monotonic()
            say(f"{name}: {(RUNS[name].__doc__ or '').strip()}")
            bench.found[name] = await RUNS[name](bench)
            say(f"{name}: {results.line_of(bench.found[name])} ({monotonic() - started:.0f} s in all)")
    machine["minutes"] = round((monotonic() - began) / 60, 1)
    print("\n" + results.page("Speed", machine, seconds, bench.found))
    for file, (title, runs) in PAGES.items():
        if write and set(runs) <= set(names):
            results.write(file, title, machine, seconds, {run: bench.found[run] for run in runs})
    return all(results.audit_of(found) in (None, True) for found in bench.found.values())
