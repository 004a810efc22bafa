"""How many reports a second come to orders with clocks: sent as quickly as the pipeline takes them, for a while.

The sender is held back when the pipeline lags by more than a few thousand messages over all hops, so what is measured
is a rate that could go on. The rate is reports with a committed clock, over the time from the first send to the last
ClocksSet, which is written in the clocks' transaction and published after its commit. Before a run some thousand
reports warm the stack up: a Java server compiles itself for a while.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import islice

import msgspec
from msgspec import Struct

from deploy.stack.lifecycle import Stack
from schemas.envelope import Outgoing
from schemas.vocabulary import Role
from services.chassis.clock import monotonic
from services.chassis.publisher import Publisher
from tests.bench.afterwards import clocks_set_at, counts
from tests.bench.backlog import HOPS, Backlog
from tests.bench.cpu import batches, each, mean_batch, spent
from tests.bench.fresh import Audited, audited, rested, token
from tests.bench.material import Item, direct, without_end
from tests.bench.wire import drive, percentile, post

LIMIT = 12_000
WARM = 8_000
BULK = 200
_PAGE = 250
_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode
Make = Callable[[Item, datetime], Outgoing]


class Throughput(Struct, kw_only=True):
    """One run: reports sent and clocked, seconds from first send to last clock, reports a second. `slowest` is the
    slowest ten seconds in the middle, `merged` the share of reports that joined an order, `clocks` an order's mean."""

    sent: int
    clocked: int
    seconds: float
    rate: float
    slowest: float
    merged: float
    clocks: float
    assignments: float
    triage: float
    audit: Audited
    micros: dict[str, int]
    batch: dict[str, int]
    answered: dict[int, int] = {}
    answer_p99_ms: float = 0.0


@asynccontextmanager
async def watched(stack: Stack, limit: int, hops: dict[str, str] = HOPS) -> AsyncIterator[Backlog]:
    """A backlog that is looked at while the body runs."""
    backlog = Backlog(stack.kafka_bootstrap, limit, hops)
    looking = asyncio.create_task(backlog.watch())
    try:
        yield backlog
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking


class Start(Struct):
    """What a stack had done before a run: when that was, processor seconds, batches, reports with clocks."""

    at: datetime
    spent: dict[str, float]
    batches: dict[str, tuple[float, float]]
    clocked: int


async def start_of(stack: Stack) -> Start:
    """The start of a run, now."""
    found = await counts(stack.database_url("paidan_audit"))
    return Start(datetime.now(UTC), spent(stack), batches(stack), found["clocked"])


async def fed(
    stack: Stack,
    items: Iterator[Item],
    seconds: float,
    *,
    limit: int = LIMIT,
    make: Make = direct,
    hops: dict[str, str] = HOPS,
) -> int:
    """Write reports to Kafka as gateways do, for so many seconds or until there are no more; how many."""
    publisher = Publisher(stack.kafka_bootstrap, linger_ms=5, client_id="bench")
    await publisher.start()
    sent, until = 0, monotonic() + seconds
    async with watched(stack, limit, hops) as backlog:
        while monotonic() < until:
            await backlog.gate()
            now = datetime.now(UTC)
            page = [make(item, now) for item in islice(items, min(_PAGE, limit))]
            if not page:
                break
            await publisher.send_all(page)
            sent += len(page)
    await publisher.stop()
    return sent


async def from_kafka(
    stack: Stack,
    items: list[Item],
    seconds: float,
    *,
    limit: int = LIMIT,
    make: Make = direct,
    hops: dict[str, str] = HOPS,
    warm: int = WARM,
) -> Throughput:
    """From Kafka for so many seconds; before that, `warm` reports so that Java and PostgreSQL are awake."""
    await fed(stack, iter(items[-warm:]), 600, limit=limit, make=make, hops=hops)
    await rested(stack)
    start = await start_of(stack)
    sent = await fed(stack, without_end(items[:-warm]), seconds, limit=limit, make=make, hops=hops)
    return await summed(stack, start, sent)


async def over_rest(stack: Stack, items: list[Item], seconds: float, *, bulk: bool, connections: int) -> Throughput:
    """Posted to intake, one at a time or 200 in a request, for so many seconds; before that, warmed up from Kafka."""
    await fed(stack, iter(items[-WARM:]), 600)
    await rested(stack)
    accepted, start = 0, await start_of(stack)

    def heard(body: bytes) -> None:
        nonlocal accepted
        accepted += msgspec.json.decode(body, type=_Bulk).accepted if bulk else 1

    carrier = token(stack, Role.GATEWAY)
    source = without_end(items[:-WARM])
    async with watched(stack, LIMIT) as backlog:
        tally = await drive(
            stack.ports.of("intake-api"),
            _bulks(source, carrier) if bulk else _singles(source, carrier),
            connections=connections,
            until=monotonic() + seconds,
            gate=backlog.gate,
            heard=heard,
        )
    found = await summed(stack, start, accepted)
    found.answered = tally.statuses
    found.answer_p99_ms = round(percentile(tally.seconds, 0.99) * 1000, 1)
    return found


class _Bulk(Struct):
    accepted: int


def _singles(items: Iterator[Item], carrier: str) -> Iterator[bytes]:
    for item in items:
        yield post(item.path, item.body, carrier)


def _bulks(items: Iterator[Item], carrier: str) -> Iterator[bytes]:
    waiting: dict[str, list[bytes]] = {}
    for item in items:
        group = waiting.setdefault(item.path, [])
        group.append(item.body)
        if len(group) == BULK:
            yield post(f"{item.path}/bulk", b"[" + b",".join(group) + b"]", carrier)
            group.clear()


async def summed(stack: Stack, start: Start, sent: int) -> Throughput:
    """What came of the reports sent since `start`, once everything has come to rest."""
    await rested(stack)
    micros, batch = each(start.spent, spent(stack), sent), mean_batch(start.batches, batches(stack))
    checked = await audited(stack)
    began = start.at.timestamp()
    moments = [at for at in await clocks_set_at(stack.kafka_bootstrap) if at >= began]
    found = await counts(stack.database_url("paidan_audit"))
    span = max(0.001, moments[-1] - began) if moments else 0.001
    orders, clocked = max(1, found["orders"]), found["clocked"] - start.clocked
    return Throughput(
        sent=sent,
        clocked=clocked,
        seconds=round(span, 1),
        rate=round(clocked / span, 1),
        slowest=round(_slowest(moments, began), 1),
        merged=round(1 - orders / max(1, found["clocked"]), 4),
        clocks=round(found["clocks"] / orders, 2),
        assignments=round(found["assignments"] / orders, 2),
        triage=round(found["triage"] / orders, 4),
        audit=checked,
        micros=micros,
        batch=batch,
    )


def _slowest(moments: list[float], began: float) -> float:
    """Orders with clocks a second in the slowest whole ten seconds but the first and the last."""
    if not moments:
        return 0.0
    slots = [0] * (int((moments[-1] - began) / 10) + 1)
    for at in moments:
        slots[max(0, int((at - began) / 10))] += 1
    inner = slots[1:-1] or slots
    return min(inner) / 10
