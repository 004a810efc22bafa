"""How long a report takes from Kafka to its assignment: from its own time stamp to that of the fact that hands it out.

Both stamps are set by producers on this machine: the report's when it is sent, `OrderOpened`'s (or `ReportJoined`'s)
when dispatch's relay publishes it. Reports are sent at an even pace, whatever the pipeline does.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from deploy.stack.lifecycle import Stack
from schemas.envelope import Record
from schemas.ids import report_id_of
from schemas.topics import REPORTS_NORMAL, REPORTS_URGENT
from services.chassis.clock import monotonic
from services.chassis.publisher import Publisher
from tests.bench.afterwards import kind_of, read
from tests.bench.fresh import Audited, audited
from tests.bench.material import Item, direct, without_end
from tests.bench.throughput import watched
from tests.bench.wire import percentile

_STEP = 0.01
_WARM = 5.0
_NEVER = 10**9


class Latency(Struct, kw_only=True):
    """Milliseconds from report to assignment, of `count` reports sent at `rate` a second. `backlog` is the least that
    lay on the normal lane meanwhile."""

    rate: float
    count: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    backlog: int
    audit: Audited


async def paced(publisher: Publisher, source: Iterator[Item], rate: float, seconds: float) -> None:
    """Send so many a second, evenly; a sender that falls behind catches up, so the load is what was said."""
    began, sent = monotonic(), 0
    waiting: set[asyncio.Future[Any]] = set()
    while (passed := monotonic() - began) < seconds:
        due = int(passed * rate) - sent
        now = datetime.now(UTC)
        for item in islice(source, due):
            waiting.add(await publisher.send(direct(item, now)))
        sent += due
        waiting = {future for future in waiting if not future.done()}
        await asyncio.sleep(_STEP)
    await asyncio.gather(*waiting)


async def spans(stack: Stack, topic: str, since: float) -> list[float]:
    """Seconds from each report on `topic` that was sent after `since` to the fact that hands it out."""
    sent: dict[str, int] = {}
    out: dict[str, int] = {}

    def note_sent(record: Record) -> None:
        if record.timestamp >= since * 1000:
            said = msgspec.json.decode(record.value or b"")
            sent[str(report_id_of(said["source"], said["source_id"]))] = record.timestamp

    def note_out(record: Record) -> None:
        kind = kind_of(record)
        if kind.endswith((b".OrderOpened", b".ReportJoined")):
            said = msgspec.json.decode(record.value or b"")
            for stub in said.get("reports") or [said["report"]]:
                out.setdefault(stub["report_id"], record.timestamp)

    await read(stack.kafka_bootstrap, topic, note_sent)
    await read(stack.kafka_bootstrap, "orders.events", note_out)
    return [(out[id_] - at) / 1000 for id_, at in sent.items() if id_ in out]


async def evenly(stack: Stack, items: list[Item], rate: float, seconds: float) -> Latency:
    """The normal lane at an even rate; the first five seconds are warm-up."""
    publisher = Publisher(stack.kafka_bootstrap, client_id="bench")
    await publisher.start()
    normal = (item for item in without_end(items) if not item.urgent)
    began = datetime.now(UTC).timestamp()
    await paced(publisher, normal, rate, seconds + _WARM)
    await publisher.stop()
    checked = await audited(stack)
    found = await spans(stack, REPORTS_NORMAL.name, began + _WARM)
    return _summed(found, rate, 0, checked)


async def urgently(stack: Stack, items: list[Item], rate: float, seconds: float, backlog: int) -> Latency:
    """The urgent lane at an even rate, while `backlog` reports at least lie on the normal one."""
    publisher = Publisher(stack.kafka_bootstrap, linger_ms=5, client_id="bench")
    await publisher.start()
    normal = (item for item in without_end(items) if not item.urgent)
    urgent = (item for item in without_end([item for item in items if item.urgent]))
    async with watched(stack, _NEVER) as lag:
        await _pile(publisher, normal, backlog)
        filling = asyncio.create_task(_keep(publisher, normal, backlog, lag.behind))
        await asyncio.sleep(1)
        lag.restart_lowest()
        began = datetime.now(UTC).timestamp()
        await paced(publisher, urgent, rate, seconds)
        least = lag.lowest["router-normal"]
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
    await publisher.stop()
    found = await spans(stack, REPORTS_URGENT.name, began)
    return _summed(found, rate, least, await audited(stack))


async def _pile(publisher: Publisher, source: Iterator[Item], count: int) -> None:
    while count > 0:
        page = [direct(item, datetime.now(UTC)) for item in islice(source, min(count, 2000))]
        await publisher.send_all(page)
        count -= len(page)


async def _keep(publisher: Publisher, source: Iterator[Item], backlog: int, behind: dict[str, int]) -> None:
    """Keep the normal lane as far behind as it is, whatever is taken from it."""
    while True:
        await _pile(publisher, source, max(0, int(backlog * 1.05) - behind.get("router-normal", backlog)))
        await asyncio.sleep(0.5)


def _summed(found: list[float], rate: float, backlog: int, checked: Audited) -> Latency:
    return Latency(
        rate=round(rate, 1),
        count=len(found),
        p50_ms=round(percentile(found, 0.5) * 1000, 1),
        p99_ms=round(percentile(found, 0.99) * 1000, 1),
        most_ms=round(max(found, default=0.0) * 1000, 1),
        backlog=backlog,
        audit=checked,
    )
