"""What a city costs that sleeps, and how long it takes to wake."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime

import psutil
from msgspec import Struct

from deploy.stack.home import CHECKOUT
from deploy.stack.lifecycle import Stack
from services.chassis.clock import monotonic
from services.chassis.publisher import Publisher
from tests.bench.afterwards import looking
from tests.bench.cpu import family, spent
from tests.bench.fresh import Audited, audited
from tests.bench.material import Item, direct


class Idle(Struct, kw_only=True):
    """Megabytes (10⁶ bytes) of all processes together: `pss` counts a page that several use once among them, `rss`
    counts it for each. `busy_percent` is what each takes of one core while nothing happens. Seconds from `paidan
    up` to every process ready, and to the first order's row."""

    rss_mb: float
    pss_mb: float
    each_pss_mb: dict[str, float]
    busy_percent: dict[str, float]
    ready_s: float
    first_order_s: float
    audit: Audited


async def woken_and_asleep(stack: Stack, items: list[Item], seconds: float) -> Idle:
    """Stop a stack, start it again with `paidan up`, send one report, wait for its order; then let it idle and look at
    its memory."""
    await asyncio.to_thread(stack.down)
    began = monotonic()
    environment = os.environ | {"PAIDAN_HOME": str(stack.home.root), "PAIDAN_PORT_BASE": str(stack.ports.base)}
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "deploy.cli", "up"],
        cwd=CHECKOUT,
        env=environment,
        check=True,
        capture_output=True,
    )
    ready = monotonic() - began
    first = await _first_order(stack, next(item for item in items if not item.urgent))
    order = monotonic() - began if first else float("nan")
    checked = await audited(stack)
    before = spent(stack)
    await asyncio.sleep(seconds)
    busy = {name: round(100 * (used - before[name]) / seconds, 1) for name, used in spent(stack).items()}
    shares, resident = _memory(stack)
    return Idle(
        rss_mb=round(resident, 1),
        pss_mb=round(sum(shares.values()), 1),
        each_pss_mb=shares,
        busy_percent=busy,
        ready_s=round(ready, 1),
        first_order_s=round(order, 1),
        audit=checked,
    )


async def _first_order(stack: Stack, item: Item) -> bool:
    publisher = Publisher(stack.kafka_bootstrap)
    await publisher.start()
    await publisher.send_all([direct(item, datetime.now(UTC))])
    await publisher.stop()
    async with looking(stack.database_url("paidan_audit")) as connection, asyncio.timeout(60):
        while not await connection.fetchval("SELECT EXISTS (SELECT FROM dispatch.orders)"):
            await asyncio.sleep(0.02)
    return True


def _memory(stack: Stack) -> tuple[dict[str, float], float]:
    """Megabytes by process (PSS, children with it), and resident megabytes of all."""
    shares: dict[str, float] = {}
    resident = 0.0
    for status in stack.status():
        if status.pid is None:
            continue
        members = [psutil.Process(status.pid)] if status.process == "supervisord" else family(status.pid)
        for member in members:
            info = member.memory_full_info()
            shares[status.process] = shares.get(status.process, 0.0) + info.pss / 1e6
            resident += info.rss / 1e6
    return {name: round(mb, 1) for name, mb in sorted(shares.items(), key=lambda pair: -pair[1])}, resident
