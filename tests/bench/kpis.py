"""How fast numbers are: a month of a million orders, each with what it counts, all days but today frozen.

`python -m tests.bench.kpis [--orders N]` makes the rows in SQL, freezes the days through the service's own code, then
asks the service's own API in this process, so that what is measured is the statement, the sums and the JSON.
"""

import argparse
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from statistics import median
from typing import Any

import asyncpg
import httpx
import uvloop

from deploy.stack.keys import issue_token, jwks_file
from deploy.stack.lifecycle import Stack
from schemas.city import City
from services.chassis.city import load
from services.chassis.database import open_pool
from services.supervision.api import supervision_app
from services.supervision.handlers import Exporter
from services.supervision.rules.kpi import BY_ID, Bearings
from services.supervision.settings import SupervisionSettings
from services.supervision.store import freezing
from tests.bench.fresh import fresh, say
from tests.bench.material import CITY

TIMES = 9
DAYS = 30
# what an order counts at its opening, on its way, at its end: three rows, as most orders have
_OPENED = ("repeat", "merged", "found_first", "recurred", "no_match")
_WAY = ("accept_in_time", "time_to_accept", "handle_in_time", "time_to_handle", "returned")
_END = ("contact_in_time", "time_to_contact", "answer_in_time", "close_in_time", "solved", "satisfied", "reopened")


async def fill(pool: asyncpg.Pool, city: City, orders: int, today: date) -> None:
    """A month of orders, their rows spread over the city's units, districts, classes and sources."""
    bearings = Bearings.of(city)
    committees = [unit for unit in city.units if unit.tier == "committee"]
    rand = random.Random(7)
    units = rand.sample(committees, min(3000, len(committees))) + [u for u in city.units if u.tier != "committee"]
    async with pool.acquire() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS bench_units (n int, unit text, tier text, district text)")
        await connection.execute("CREATE TABLE IF NOT EXISTS bench_majors (n int, major text)")
        await connection.copy_records_to_table(
            "bench_units",
            records=[(n, u.unit_id, u.tier.value, bearings.district(u.division)) for n, u in enumerate(units)],
        )
        majors = sorted({item.major for item in city.classes})
        await connection.copy_records_to_table("bench_majors", records=list(enumerate(majors)))
        key, index = await connection.fetchrow(
            "SELECT pg_get_constraintdef(c.oid), pg_get_indexdef('measures_day'::regclass) FROM pg_constraint c"
            " WHERE conname = 'measures_pkey' AND connamespace = 'supervision'::regnamespace"
        )
        await connection.execute("ALTER TABLE measures DROP CONSTRAINT measures_pkey; DROP INDEX measures_day")
        for day in range(DAYS):
            for names in (_OPENED, _WAY, _END):
                await connection.execute(*_rows(names, today - timedelta(days=day), day, orders // DAYS, len(units)))
        await connection.execute("SET transaction_timeout = 0")
        await connection.execute(f"ALTER TABLE measures ADD CONSTRAINT measures_pkey {key}", timeout=600)
        await connection.execute(index, timeout=600)
        await connection.execute("VACUUM ANALYZE measures", timeout=600)
        say("filled")


def _rows(names: tuple[str, ...], day: date, number: int, orders: int, units: int) -> tuple[Any, ...]:
    den = sum(1 << BY_ID[name].bit for name in names)
    way, end = names is _WAY, names is _END
    return (
        "INSERT INTO measures (order_id, subject, n, day, unit, tier, district, major, source, den, num, tenths,"
        " accept_s, contact_s, handle_s) SELECT o, s, 0, $1, u.unit, u.tier, u.district, m.major,"
        " (ARRAY['hotline', 'police', 'patrol', 'sensor'])[1 + g % 4], $2, ($2::bigint & (hashint8(g) | 1)), $7,"
        " $3, $4, $5 FROM (SELECT g, md5('o' || $6 || '/' || g)::uuid AS o, md5($8 || $6 || '/' || g)::uuid AS s"
        f" FROM generate_series(1, {orders}) AS g) AS t"
        f" JOIN bench_units u ON u.n = abs(hashint8(g)) % {units} JOIN bench_majors m ON m.n = g % 20",
        day,
        den,
        900 if way else None,
        1800 if end else None,
        7200 if way else None,
        str(number),
        8 if end else 0,
        "a" if way else "o" if names is _OPENED else "e",
    )


async def timed(times: int, work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    """Median and worst of some runs, in milliseconds; the first is not counted."""
    await work()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        found.append((time.perf_counter() - started) * 1000)
    return {"median_ms": round(median(found), 1), "worst_ms": round(max(found), 1)}


async def measure(stack: Stack, orders: int) -> dict[str, Any]:
    """Fill, freeze, ask."""
    city = load(CITY)
    settings = SupervisionSettings(
        database_url=stack.database_url("paidan_supervision"),
        jwks_file=jwks_file(stack.home),
        transaction_timeout=60,
    )
    pool = await open_pool(settings, "supervision")
    today = Bearings.of(city).day(await pool.fetchval("SELECT clock_timestamp()"))
    say(f"{orders:,} orders")
    await fill(pool, city, orders, today)
    found: dict[str, Any] = {"orders": orders, "rows": await pool.fetchval("SELECT count(*) FROM measures")}
    token = issue_token("supervisor", subject="bench", home=stack.home)

    @asynccontextmanager
    async def opened() -> AsyncIterator[asyncpg.Pool]:
        yield pool

    app = supervision_app(settings, city, opened)
    first = today - timedelta(days=DAYS - 1)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench", timeout=120) as client,
    ):

        async def ask(path: str) -> None:
            reply = await client.get(path, headers={"authorization": f"Bearer {token}"})
            assert reply.status_code == 200, reply.text

        month = f"period={first}..{today}"
        found["month_nothing_frozen"] = await timed(1, lambda: ask(f"/v1/kpis?{month}"))
        started = time.perf_counter()
        for day in range(DAYS - 1):
            async with pool.acquire() as connection, connection.transaction():
                await freezing.freeze(connection, first + timedelta(days=day))
        found["freeze_a_day_s"] = round((time.perf_counter() - started) / (DAYS - 1), 2)
        await pool.execute("VACUUM ANALYZE kpi_days", timeout=600)
        found["kpi_days_rows"] = await pool.fetchval("SELECT count(*) FROM kpi_days")
        found["month_city"] = await timed(TIMES, lambda: ask(f"/v1/kpis?{month}"))
        found["month_district"] = await timed(TIMES, lambda: ask(f"/v1/kpis?{month}&group=district"))
        found["month_unit_one_number"] = await timed(
            TIMES, lambda: ask(f"/v1/kpis?{month}&group=unit&kpi=answer_in_time")
        )
        found["league_committees"] = await timed(
            TIMES, lambda: ask(f"/v1/kpis/league?kpi=answer_in_time&kind=committee&{month}")
        )
        found["list_page"] = await timed(TIMES, lambda: ask(f"/v1/kpis/items?kpi=answer_in_time&{month}&hit=false"))
        exporter = Exporter.of(pool, city)
        found["export"] = await timed(3, exporter.export)
    await pool.close()
    return found


async def run(orders: int) -> dict[str, Any]:
    """On a stack of its own."""
    async with fresh(processes=()) as stack:
        return await measure(stack, orders)


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kpis")
    parser.add_argument("--orders", type=int, default=1_000_000)
    said = parser.parse_args()
    found = uvloop.run(run(said.orders))
    print(json.dumps(found | {"load": [round(value, 1) for value in os.getloadavg()]}, indent=2))


if __name__ == "__main__":
    main()
