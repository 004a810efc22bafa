"""Facts a second through clock keeping alone: lives of orders, fed to the seam by hand, no Kafka; and where it goes."""

import cProfile
import pstats
import time
from datetime import timedelta
from typing import Any

import uvloop

from deploy.stack.lifecycle import Stack
from schemas.envelope import Record
from services.chassis.database import open_pool
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler
from services.supervision.rules.stages import Promises
from tests.bench.seams import database_seconds
from tests.bench.supervision.filled import NOW, database, pack, settings_of
from tests.rules.supervision_timeline.story import Story, records

BATCH = 500
FACTS = 8  # of one life


def facts(count: int, profile: bool) -> dict[str, Any]:
    """Opened, accepted, contacted, arrived, done, checked, called back, closed; all orders side by side."""
    with database() as stack:
        return uvloop.run(_facts(stack, count or 80_000, profile))


def lives(count: int) -> list[Record]:
    """So many facts, the first of every order before the second of any."""
    told = []
    for number in range(count // FACTS):
        at = NOW + timedelta(seconds=number)
        story = (
            Story(f"life-{number}").opened(at).accepted(at + timedelta(minutes=9)).contacted(at + timedelta(hours=1))
        )
        story.arrived(at + timedelta(hours=2)).done(at + timedelta(hours=5)).verified(at + timedelta(hours=6))
        story.called_back(at + timedelta(hours=7)).closed(at + timedelta(hours=8))
        told.append(story.outgoing())
    return records(*(life[step] for step in range(FACTS) for life in told))


async def _facts(stack: Stack, count: int, profile: bool) -> dict[str, Any]:
    settings = settings_of(stack)
    pool = await open_pool(settings, "supervision")
    seam = Seam(OrdersHandler(Promises.of(pack())), pool, settings)
    everything = lives(count)
    profiler = cProfile.Profile(time.process_time)
    wall, cpu, database_cpu = time.perf_counter(), time.process_time(), database_seconds(stack)
    if profile:
        profiler.enable()
    for first in range(0, len(everything), BATCH):
        await seam.handle(everything[first : first + BATCH])
    profiler.disable()
    wall = time.perf_counter() - wall
    python, postgres = time.process_time() - cpu, database_seconds(stack) - database_cpu
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
    kept = await pool.fetchval("SELECT count(*) FROM clocks")
    said = await pool.fetchval("SELECT count(*) FROM outbox")
    await pool.close()
    return {
        "facts": len(everything),
        "clocks": kept,
        "outbox_rows": said,
        "facts_per_s": round(len(everything) / wall),
        "python_us_a_fact": round(python / len(everything) * 1e6, 1),
        "postgres_us_a_fact": round(postgres / len(everything) * 1e6, 1),
        "facts_per_s_two_cores_at_most": round(2 * len(everything) / (python + postgres)),
    }
