"""Supervision without logic: `python -m tests.bench.bare.supervision worker`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.envelope import Outgoing, headers_of
from schemas.facts import OrderFact, Tick
from schemas.topics import ORDERS_EVENTS, SUPERVISION_EVENTS
from services.chassis import sequence
from services.chassis.database import Connection, open_pool
from services.chassis.delivery import Output, Seam, Work
from services.chassis.engines.loop import LoopEngine
from services.chassis.outbox import Relay
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.runner import Engine, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.supervision.store import orders as store
from tests.bench.bare.ids import derived, order_of, pick, renamed
from tests.bench.bare.settings import BareSettings
from tests.bench.bare.templates import REPORT, Template, load

_REPORT_ID = store._CLOCK.index("report_id")


@dataclass(slots=True)
class _State:
    now: datetime
    facts: sequence.Sequence
    ticks: dict[int, datetime] = field(default_factory=dict)
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    clocks: list[tuple[Any, ...]] = field(default_factory=list)


class BareTimelines:
    """A timeline, its clocks and one ClocksSet for each order that is opened."""

    consumer = "supervision"
    lock_space = 3

    def __init__(self, templates: list[Template]) -> None:
        self._templates = templates

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, OrderFact | Tick)

    def inboxed(self, fact: Struct) -> bool:
        return False

    def prepare(self, works: Sequence[Work]) -> None: ...

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        return (work.fact.order_id.int & 0x7FFFFFFF for work in works if isinstance(work.fact, OrderFact))

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        ids = [work.fact.order_id for work in works if isinstance(work.fact, OrderFact)]
        if ids:
            await store.load_orders(connection, ids)
        return _State(now, await sequence.Sequence.gather(connection, {}, ids))

    def decide(self, state: _State, work: Work, output: Output) -> None:
        if isinstance(work.fact, Tick):
            state.ticks[work.fact.partition] = work.fact.t
            return
        order_id: UUID = work.fact.order_id
        template, report_id, key = pick(self._templates, order_id), order_of(order_id), str(order_id)
        state.orders.append(
            (order_id, 1, template.division, "normal", False, True, template.timeline, b"", "dispatched", state.now)
        )
        for clock in template.clocks:
            row = [order_id, *clock[1:]]
            if row[_REPORT_ID] == REPORT:
                row[_REPORT_ID] = report_id
            state.clocks.append(tuple(row))
        headers = headers_of(
            id=derived(order_id, 17), kind="ClocksSet", source="paidan/supervision", subject=key, time=state.now
        )
        value = renamed(template.clocks_set, order_id, report_id)
        output.messages.append(Outgoing(SUPERVISION_EVENTS.name, key.encode(), value, headers))

    async def apply(self, connection: Connection, state: _State) -> None:
        await store.save_ticks(connection, state.ticks)
        if state.orders:
            await connection.copy_records_to_table(
                "orders",
                columns=(
                    *("order_id", "seq", "division", "urgency", "imported", "open"),
                    *("timeline", "ledger", "status", "opened_at"),
                ),
                records=state.orders,
            )
            await connection.copy_records_to_table("clocks", columns=store._CLOCK, records=state.clocks)


async def worker(settings: BareSettings) -> None:
    """The one worker, with the engine of ours."""
    pool = await open_pool(settings, "supervision")
    publisher = Publisher(settings.kafka_bootstrap, client_id="bare-supervision", partitioner=by_crc32)
    await publisher.start()
    relay = Relay("supervision", pool, publisher, transaction_timeout=settings.transaction_timeout)
    seam = Seam(BareTimelines(load(settings.bench_templates)), pool, settings, relay=relay)
    loop = LoopEngine(
        seam,
        bootstrap=settings.kafka_bootstrap,
        group="supervision",
        topics=[ORDERS_EVENTS.name],
        batch=settings.batch_normal,
    )

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    await run_worker(
        [Engine(loop.run, loop.stop)], settings, pulses=[seam.progress], background=[relay.run], close=close
    )


if __name__ == "__main__":
    run_process("bare-supervision", {"worker": lambda: run_async(lambda: worker(read_settings(BareSettings)))})
