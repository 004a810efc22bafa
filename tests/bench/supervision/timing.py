"""Timers: a hundred thousand deadlines at once among a million open clocks, an idle city, an empty sweep."""

import asyncio
import statistics
import time
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

from deploy.stack.lifecycle import Stack
from schemas.topics import ORDERS_EVENTS, SUPERVISION_EVENTS
from services.chassis.database import open_pool
from services.chassis.outbox import Relay
from services.chassis.publisher import Publisher, by_crc32
from services.supervision.handlers import Sweep
from services.supervision.rules.ladder import Ladder
from services.supervision.rules.limits import Terms
from tests.bench.seams import database_seconds
from tests.bench.supervision.filled import database, pack, settings_of

LADDER = Ladder(Terms.of(pack().policy, pack().calendars))
TRAIL = timedelta(seconds=5)  # Ticks trail the present by a transaction's time-out

_ORDERS = (
    "INSERT INTO orders (order_id, seq, division, urgency, imported, open, timeline, ledger, status, opened_at)"
    " SELECT gen_random_uuid(), 1, 'D', 'normal', false, true, '\\x80', '\\x80', 'dispatched', now()"
    " FROM generate_series(1, $1)"
)
# Four clocks an order; the first `ripe` of all are past their deadline by up to five minutes, the rest are days ahead.
_CLOCKS = (
    "INSERT INTO clocks (order_id, clock_id, stage, round, owner, start, due, warn_at, state, policy, warned_due,"
    " next_notice, next_at) SELECT order_id, gen_random_uuid(), s, 1, 'unit-' || (n % 500), now() - interval '3 days',"
    " d, d - interval '1 day', 'running', 'p', d, 'miss', d FROM (SELECT order_id, s, row_number() OVER () AS n,"
    " now() + CASE WHEN row_number() OVER () <= $1 THEN -random() * interval '5 minutes'"
    " ELSE interval '1 day' + random() * interval '10 days' END AS d"
    " FROM orders, unnest(ARRAY['accept', 'contact', 'handle', 'total']) AS s) AS r"
)


def at_once(count: int, profile: bool) -> dict[str, Any]:
    """Everything that fell due, noticed and on Kafka; each once."""
    ripe = (count or 1_000_000) // 10
    with database(kafka=True) as stack:
        return uvloop.run(_at_once(stack, count or 1_000_000, ripe))


async def _at_once(stack: Stack, open_clocks: int, ripe: int) -> dict[str, Any]:
    settings = settings_of(stack)
    pool = await open_pool(settings, "supervision")
    await _fill(pool, open_clocks, ripe)
    empty = await _empty_sweeps(pool)
    publisher = Publisher(settings.kafka_bootstrap, client_id="bench", partitioner=by_crc32)
    await publisher.start()
    relay = Relay("supervision", pool, publisher, transaction_timeout=settings.transaction_timeout)
    relaying = asyncio.create_task(relay.run())
    await _tick(pool, "now()")
    began, cpu, database_cpu = time.perf_counter(), time.process_time(), database_seconds(stack)
    sweeps = [Sweep(pool, LADDER, relay=relay) for _ in range(2)]
    given = 0
    while more := sum(await asyncio.gather(*(sweep.drain() for sweep in sweeps))):
        given += more
    swept = time.perf_counter() - began
    while await pool.fetchval("SELECT count(*) FROM outbox"):
        await asyncio.sleep(0.01)
    out, spent = time.perf_counter() - began, time.process_time() - cpu
    database_cpu = database_seconds(stack) - database_cpu
    relaying.cancel()
    await publisher.stop()
    notices = await pool.fetchrow("SELECT count(*) AS n, max(times) AS times FROM notices")
    rungs = await pool.fetchrow("SELECT count(*) AS n, count(*) FILTER (WHERE state = 'raised') AS up FROM rungs")
    said = await _said(settings.kafka_bootstrap, ripe + rungs["up"])
    await pool.close()
    return {
        "open_clocks": open_clocks,
        "due_at_once": ripe,
        "given": given,
        "noticed_s": round(swept, 2),
        "on_kafka_s": round(out, 2),
        "python_cpu_s": round(spent, 2),
        "postgres_cpu_s": round(database_cpu, 2),
        "rows_of_notices": notices["n"],
        "most_times": notices["times"],
        "rungs_raised": rungs["up"],
        "rungs_waiting": rungs["n"] - rungs["up"],
        "messages": said[0],
        "different_messages": said[1],
        **empty,
    }


async def _fill(pool: asyncpg.Pool, count: int, ripe: int) -> None:
    async with pool.acquire() as connection:
        await connection.execute("SET transaction_timeout = 0")
        await connection.execute(_ORDERS, count // 4, timeout=300)
        await connection.execute(_CLOCKS, ripe, timeout=300)
        await connection.execute("ANALYZE clocks", timeout=300)
        await connection.execute("ANALYZE orders", timeout=300)
        await connection.execute("CHECKPOINT", timeout=300) if await _may_checkpoint(connection) else None


async def _may_checkpoint(connection: Any) -> bool:
    return bool(await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


async def _tick(pool: asyncpg.Pool, moment: str) -> None:
    await pool.execute(
        f"INSERT INTO ticks (part, t) SELECT p, {moment} FROM generate_series(0, {ORDERS_EVENTS.partitions - 1}) AS p"
        " ON CONFLICT (part) DO UPDATE SET t = excluded.t"
    )


async def _empty_sweeps(pool: asyncpg.Pool) -> dict[str, Any]:
    """A look with nothing ripe, a million clocks ahead."""
    await _tick(pool, "now() - interval '1 hour'")
    sweep, took, cpu = Sweep(pool, LADDER), [], time.process_time()
    for _ in range(500):
        began = time.perf_counter()
        assert await sweep.drain() == 0
        took.append((time.perf_counter() - began) * 1000)
    return {
        "empty_sweep_ms_p50": round(statistics.median(took), 3),
        "empty_sweep_ms_p99": round(sorted(took)[494], 3),
        "empty_sweep_python_cpu_ms": round((time.process_time() - cpu) * 1000 / 500, 3),
    }


async def _said(bootstrap: str, count: int) -> tuple[int, int]:
    consumer = AIOKafkaConsumer(SUPERVISION_EVENTS.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    ids: list[bytes] = []
    try:
        while len(ids) < count:
            found = await consumer.getmany(timeout_ms=5000)
            if not found:
                break
            ids += [dict(message.headers)["ce_id"] for batch in found.values() for message in batch]
    finally:
        await consumer.stop()
    return len(ids), len(set(ids))


def idle(count: int, profile: bool) -> dict[str, Any]:
    """Deadlines that fall due one by one in a city at rest: how long after its moment, and after the Tick that passed
    it, each is told."""
    with database() as stack:
        return uvloop.run(_idle(stack, count or 300))


async def _idle(stack: Stack, count: int, seconds: float = 30.0) -> dict[str, Any]:
    pool = await open_pool(settings_of(stack), "supervision")
    await _fill(pool, 100_000, 0)
    await pool.execute(
        "UPDATE clocks SET due = d, warned_due = d, next_at = d FROM (SELECT clock_id AS c, now() +"
        " interval '2 seconds' + random() * $2 * interval '1 second' AS d FROM clocks LIMIT $1) AS r"
        " WHERE clock_id = c",
        count,
        seconds,
    )
    passed: list[Any] = []
    sweeping = asyncio.create_task(Sweep(pool, LADDER).run())
    began = time.perf_counter()
    while time.perf_counter() - began < seconds + 2 + TRAIL.total_seconds() + 2:
        now = await pool.fetchval("SELECT clock_timestamp()")
        await _tick(pool, f"'{(now - TRAIL).isoformat()}'::timestamptz")
        passed.append((now - TRAIL, await pool.fetchval("SELECT clock_timestamp()")))
        await asyncio.sleep(1.0)
    sweeping.cancel()
    rows = await pool.fetch("SELECT due, at FROM notices WHERE notice = 'miss'")
    await pool.close()
    whole = sorted((row["at"] - row["due"]).total_seconds() for row in rows)
    known = [next(at for tick, at in passed if tick > row["due"]) for row in rows]
    after = sorted((row["at"] - at).total_seconds() for row, at in zip(rows, known, strict=True))

    def share(found: list[float], part: float) -> float:
        return round(found[min(len(found) - 1, int(len(found) * part))], 3)

    return {
        "deadlines": len(rows),
        "after_the_tick_s_p50": share(after, 0.5),
        "after_the_tick_s_p99": share(after, 0.99),
        "after_the_deadline_s_p50": share(whole, 0.5),
        "after_the_deadline_s_p99": share(whole, 0.99),
    }
