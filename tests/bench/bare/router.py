"""The router without logic: `python -m tests.bench.bare.router normal`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from schemas.envelope import Outgoing, Record, headers_of
from schemas.facts import OrderFact, OrderOpened, ReportReceived
from schemas.topics import ORDERS_EVENTS, REPORTS_NORMAL, ROUTING_NORMAL
from services.chassis.database import Connection, open_pool
from services.chassis.delivery import Output, Seam, Work
from services.chassis.engines.loop import LoopEngine
from services.chassis.engines.stream import StreamEngine
from services.chassis.outbox import Relay
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.runner import Engine, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.router import store
from services.router.rules.merge import Matter
from tests.bench.bare.ids import derived, order_of, pick, renamed, renamed_text
from tests.bench.bare.settings import BareSettings
from tests.bench.bare.templates import Template, load

_HASH = bytes(16)


@dataclass(slots=True)
class _State:
    now: datetime
    rows: list[store.DecisionRow] = field(default_factory=list)
    matters: list[Matter] = field(default_factory=list)
    keys: list[store.Key] = field(default_factory=list)


def identity(record: Record, fact: Any) -> UUID:
    """The report's id."""
    found: UUID = fact.report_id
    return found


class BareReports:
    """A decision, a matter, its keys and a proposal for each report."""

    consumer = "router-normal"
    lock_space = 1

    def __init__(self, templates: list[Template]) -> None:
        self._templates = templates

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, ReportReceived)

    def inboxed(self, fact: Struct) -> bool:
        return True

    def prepare(self, works: Sequence[Work]) -> None:
        for work in works:
            work.prepared = pick(self._templates, order_of(work.fact.report_id))

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        for work in works:
            for n in range(work.prepared.locks + 1):
                yield (work.fact.report_id.int >> (12 * n)) & 0x7FFFFFFF

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        await store.decided(connection, [work.fact.report_id for work in works])
        return _State(now)

    def decide(self, state: _State, work: Work, output: Output) -> None:
        template, record, report_id = work.prepared, work.record, work.fact.report_id
        order_id = order_of(report_id)
        state.rows.append(
            store.DecisionRow(
                report_id=report_id,
                order_id=order_id,
                kind=template.kind,
                source=work.fact.source,
                body_hash=_HASH,
                topic=record.topic,
                part=record.partition,
                off=record.offset,
                received_at=work.fact.received_at,
                decided_at=state.now,
                explanation=renamed_text(template.explanation, order_id, report_id),
                ruling=template.ruling,
            )
        )
        if template.matter is not None:
            matter = replace(template.matter, order_id=order_id, last_at=state.now)
            state.matters.append(matter)
            state.keys += [
                ((order_id.int >> n) & 0x7FFFFFFFFFFFFFFF, matter.last_at, order_id) for n in range(template.keys)
            ]
        key = str(order_id)
        output.messages.append(
            Outgoing(
                ROUTING_NORMAL.name,
                key.encode(),
                renamed(template.routed, order_id, report_id),
                headers_of(
                    id=derived(order_id, 1),
                    kind=template.routed_kind,
                    source="router",
                    subject=key,
                    time=state.now,
                ),
            )
        )

    async def apply(self, connection: Connection, state: _State) -> None:
        await store.save_decisions(connection, state.rows)
        await store.save_matters(connection, state.matters, [], state.keys)


class BareOrders:
    """The landing of orders' facts in the matters."""

    consumer = "router-orders"
    lock_space = 1

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, OrderFact) and not isinstance(fact, OrderOpened)

    def inboxed(self, fact: Struct) -> bool:
        return False

    def prepare(self, works: Sequence[Work]) -> None: ...

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        return ()

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> list[store.Landing]:
        return []

    def decide(self, state: list[store.Landing], work: Work, output: Output) -> None:
        state.append(store.Landing(work.fact.order_id, work.fact.seq, False))

    async def apply(self, connection: Connection, state: list[store.Landing]) -> None:
        if state:
            await store.land(connection, state)


async def worker(settings: BareSettings) -> None:
    """The normal lane, with the engines of our router."""
    pool = await open_pool(settings, "router")
    publisher = Publisher(settings.kafka_bootstrap, client_id="bare-router", partitioner=by_crc32)
    await publisher.start()
    relay = Relay("router", pool, publisher, transaction_timeout=settings.transaction_timeout)
    reports = Seam(BareReports(load(settings.bench_templates)), pool, settings, relay=relay, identity=identity)
    orders = Seam(BareOrders(), pool, settings)
    bootstrap, batch = settings.kafka_bootstrap, settings.batch_normal
    stream = StreamEngine([(reports, [REPORTS_NORMAL.name])], bootstrap=bootstrap, group="router-normal", batch=batch)
    loop = LoopEngine(orders, bootstrap=bootstrap, group="router-orders", topics=[ORDERS_EVENTS.name], batch=batch)

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    await run_worker(
        [Engine(stream.run, stream.stop), Engine(loop.run, loop.stop)],
        settings,
        pulses=[reports.progress, orders.progress],
        background=[relay.run],
        close=close,
    )


if __name__ == "__main__":
    run_process("bare-router", {"normal": lambda: run_async(lambda: worker(read_settings(BareSettings)))})
