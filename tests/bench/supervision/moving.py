"""Other terms over a million open orders, a tenth of which move; and the auditor over all of them."""

import cProfile
import pstats
import time
from datetime import date
from typing import Any
from uuid import UUID

import uvloop
from msgspec.structs import replace

from deploy.stack.lifecycle import Stack
from schemas.city import City
from schemas.vocabulary import Stage
from services.chassis.database import connect
from services.supervision.handlers import Auditor, Recompute
from services.supervision.rules.stages import Promises
from tests.bench.seams import database_seconds
from tests.bench.supervision.filled import database, fill, pack, settings_of

ORDERS = 1_000_000


def longer(city: City) -> City:
    """The same city, in which a tenth of the classes is given six days instead of four."""
    tenth = tuple(item.key for item in city.classes[:4])
    default = next(row for row in city.policy.limits if row.limit_id == "handle")
    row = replace(default, limit_id="handle-longer", amount=6.0, classes=tenth)
    first = next(place for place, limit in enumerate(city.policy.limits) if limit.stage is Stage.HANDLE)
    rows = city.policy.limits
    return replace(city, policy=replace(city.policy, version="bench", limits=(*rows[:first], row, *rows[first:])))


def holiday(city: City, day: date) -> City:
    """The same city, with one more day off."""
    calendars = tuple(replace(each, holidays=each.holidays | {day}) for each in city.calendars)
    return replace(city, calendars=calendars)


def recompute(count: int, profile: bool) -> dict[str, Any]:
    """A changed limit: seen before (`preview`), then moved; then a holiday nobody's clocks lie in."""
    with database() as stack:
        began = time.perf_counter()
        clocks = fill(stack, count or ORDERS)
        filled = time.perf_counter() - began
        found = uvloop.run(_recompute(stack, profile))
        return {"orders": count or ORDERS, "clocks": clocks, "filled_s": round(filled), **found}


async def _recompute(stack: Stack, profile: bool) -> dict[str, Any]:
    pool = await connect(settings_of(stack), "supervision", name="bench", transaction_timeout=0, timeout=None)
    city = pack()
    old, new = Promises.of(city), Promises.of(longer(city))
    found: dict[str, Any] = {}
    profiler = cProfile.Profile(time.process_time)
    for name, before, after, write in (
        ("preview", old, new, False),
        ("recompute", old, new, True),
        ("far holiday", new, Promises.of(holiday(longer(city), date(2026, 12, 25))), True),
    ):
        if profile and write:
            profiler.enable()
        wall, cpu, of_database = time.perf_counter(), time.process_time(), database_seconds(stack)
        report = await Recompute(pool, after, [before], write=write).run()
        profiler.disable()
        told = report.told()
        found[name] = {
            "wall_s": round(time.perf_counter() - wall, 1),
            "python_cpu_s": round(time.process_time() - cpu, 1),
            "postgres_cpu_s": round(database_seconds(stack) - of_database, 1),
            "orders": report.orders,
            "looked_into": report.looked_into,
            "moved_orders": report.moved_orders,
            "clocks": told["clocks"],
            "groups": len(told["groups"]),
        }
    await pool.close()
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    return found


def audit(count: int, profile: bool) -> dict[str, Any]:
    """Every clock of so many open orders computed anew and compared."""
    with database() as stack:
        clocks = fill(stack, count or 100_000)
        return {"clocks": clocks, **uvloop.run(_audit(stack))}


async def _audit(stack: Stack) -> dict[str, Any]:
    pool = await connect(settings_of(stack), "supervision", name="bench", transaction_timeout=0, timeout=None)
    auditor = Auditor(pool, Promises.of(pack()), page=500)
    wall, last, orders, wrong = time.perf_counter(), UUID(int=0), 0, 0
    while True:
        page = await auditor.page(last)
        orders, wrong = orders + page.orders, wrong + len(page.differences)
        if page.last is None:
            break
        last = page.last
    wall = time.perf_counter() - wall
    await pool.close()
    return {"orders": orders, "differences": wrong, "wall_s": round(wall, 1), "orders_per_s": round(orders / wall)}
