"""A database of supervision's own with as many orders as a run wants: each a complaint, days old, at work."""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import asyncpg

from deploy.stack.lifecycle import Stack
from schemas.city import City
from schemas.ids import assignment_id_of, order_id_of, report_id_of
from schemas.vocabulary import AssignmentRole, Source, TicketType, Tier, Urgency
from services.chassis.city import load
from services.chassis.settings import ServiceSettings
from services.supervision.rules.stages import Promises, clocks
from services.supervision.rules.timeline import Part, Round, Timeline, Voice
from services.supervision.rules.timers import arm
from services.supervision.store import orders
from tests.bench.supervision.deadlines import CITIES
from tests.harness.servers import running

PAGE = 5000
NOW = datetime(2026, 9, 17, 2, tzinfo=UTC)  # a Thursday before a make-up Sunday and two weeks of holidays
DAYS_OLD = 10


@contextmanager
def database(*, kafka: bool = False) -> Iterator[Stack]:
    """Servers with every schema, and nothing in them."""
    only = ["kafka", "postgres"] if kafka else ["postgres"]
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as home, running(Path(home), only=only) as stack:
        yield stack


def settings_of(stack: Stack) -> ServiceSettings:
    """How a service would reach them."""
    return ServiceSettings(
        database_url=stack.database_url("paidan_supervision"), kafka_bootstrap=stack.kafka_bootstrap, pool_size=8
    )


def pack() -> City:
    """The city that the orders are of."""
    return load(CITIES / "shanghai")


def timeline(number: int, keys: list[str], units: list[str], dice: random.Random) -> Timeline:
    """An order that a unit was asked to handle some days ago; most were accepted."""
    report = report_id_of("bench", str(number))
    order_id = order_id_of(report)
    opened = NOW - timedelta(seconds=dice.randrange(DAYS_OLD * 86_400))
    unit, key = dice.choice(units), keys[number % len(keys)]
    part = Part(
        assignment_id_of(order_id, unit, 0),
        unit,
        AssignmentRole.LEAD,
        Tier.STREET,
        1,
        key,
        opened,
        accepted_at=opened + timedelta(minutes=dice.randrange(1, 200)) if dice.random() < 0.8 else None,
        led=True,
    )
    return Timeline(
        order_id=order_id,
        source=Source.HOTLINE,
        class_key=key,
        urgency=Urgency.NORMAL,
        division="310106012",
        tier=Tier.STREET,
        lead=unit,
        top="310000-centre",
        centre="310106-centre",
        opened_at=opened,
        parts=(part,),
        voices=(Voice(report, Source.HOTLINE, TicketType.COMPLAINT, opened, None, 1),),
        rounds=(Round(1, opened),),
    )


def fill(stack: Stack, count: int) -> int:
    """Open orders with their clocks, by two processes; how many clocks."""
    url = stack.database_url("paidan_supervision")
    half = count // 2
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(_fill, url, first, last) for first, last in ((0, half), (half, count))]
        made = sum(part.result() for part in parts)
    asyncio.run(_settle(url))
    return made


def _fill(url: str, first: int, last: int) -> int:
    return asyncio.run(_copy(url, first, last))


async def _copy(url: str, first: int, last: int) -> int:
    city, dice, made = pack(), random.Random(first), 0
    promises = Promises.of(city)
    keys = [item.key for item in city.classes][:40]
    units = [unit.unit_id for unit in city.units if unit.function == "street_office"]
    connection = await asyncpg.connect(url, server_settings={"search_path": "supervision"})
    for start in range(first, last, PAGE):
        page = [timeline(number, keys, units, dice) for number in range(start, min(last, start + PAGE))]
        rows = [(each.order_id, *arm(clock, None, imported=False)) for each in page for clock in clocks(each, promises)]
        async with connection.transaction():
            await orders.save_orders(connection, [(2, each) for each in page], [])
            await orders.insert_clocks(connection, rows)
        made += len(rows)
    await connection.close()
    return made


async def _settle(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": "supervision"})
    await connection.execute("ANALYZE orders")
    await connection.execute("ANALYZE clocks")
    await connection.close()
