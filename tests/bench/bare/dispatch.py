"""Dispatch without logic: `python -m tests.bench.bare.dispatch normal`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct

from schemas.envelope import Outgoing, headers_of
from schemas.facts import ClocksSet, OrderProposed, TriageRequested
from schemas.topics import ORDERS_EVENTS, ROUTING_NORMAL, SUPERVISION_EVENTS
from schemas.vocabulary import Light
from services.chassis.database import Connection, open_pool
from services.chassis.delivery import Output, Seam, Work
from services.chassis.engines.loop import LoopEngine
from services.chassis.outbox import Relay
from services.chassis.publisher import Publisher, by_crc32
from services.chassis.runner import Engine, run_async, run_process, run_worker
from services.chassis.settings import read_settings
from services.dispatch.main import ticks
from services.dispatch.store import clocks, orders
from services.dispatch.store.columns import copy, send
from tests.bench.bare.ids import derived, order_of, pick, renamed, renamed_text
from tests.bench.bare.settings import BareSettings
from tests.bench.bare.templates import Template, load

Row = tuple[Any, ...]
_ORDER, _PARTS = orders.ORDER + orders.ORDER_FIXED, orders.ASSIGNMENT + orders.ASSIGNMENT_FIXED
_AT = [n for n, (name, _) in enumerate(_ORDER) if name in ("since", "recorded_at", "opened_at")]
_BODY = [name for name, _ in orders.HISTORY].index("body")
_RECORDED = [name for name, _ in orders.HISTORY].index("recorded_at")
_REPORT = [name for name, _ in orders.REPORT]
_SAID, _KEPT = _REPORT.index("body"), _REPORT.index("recorded_at")
_OF_PART = [name for name, _ in _PARTS].index("order_id")
_OFFERED = [name for name, _ in _PARTS].index("offered_at")


@dataclass(slots=True)
class _State:
    now: datetime
    orders: list[Row] = field(default_factory=list)
    parts: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    reports: list[Row] = field(default_factory=list)
    reporters: list[Row] = field(default_factory=list)


class BareRouting:
    """An order with its assignments, its report and reporter, one row of history and one fact for each proposal."""

    consumer = "dispatch-normal"
    lock_space = 2

    def __init__(self, templates: list[Template]) -> None:
        self._templates = templates

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, OrderProposed | TriageRequested)

    def inboxed(self, fact: Struct) -> bool:
        return False

    def prepare(self, works: Sequence[Work]) -> None:
        for work in works:
            work.prepared = pick(self._templates, work.fact.order_id)

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        return (work.fact.order_id.int & 0x7FFFFFFF for work in works)

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> _State:
        ids = [work.fact.order_id for work in works]
        await orders.known_reports(connection, [order_of(id_) for id_ in ids])
        await orders.waiting_for(connection, ids)
        await orders.load(connection, ids)
        return _State(now)

    def decide(self, state: _State, work: Work, output: Output) -> None:
        template, order_id, now = work.prepared, work.fact.order_id, state.now
        report_id = order_of(order_id)
        opened = renamed(template.opened, order_id, report_id)
        row = [order_id, *template.order[1:]]
        for place in _AT:
            row[place] = now
        state.orders.append(tuple(row))
        for n, part in enumerate(template.parts, 1):
            fresh = [derived(order_id, n), *part[1:]]
            fresh[_OF_PART], fresh[_OFFERED] = order_id, now
            state.parts.append(tuple(fresh))
        change = [order_id, *template.history[1:]]
        change[_BODY], change[_RECORDED] = opened.decode(), now
        state.history.append(tuple(change))
        report = [report_id, order_id, *template.report[2:]]
        report[_SAID], report[_KEPT] = renamed_text(template.report[_SAID], order_id, report_id), now
        state.reports.append(tuple(report))
        if template.reporter is not None:
            state.reporters.append((report_id, template.reporter))
        key = str(order_id)
        headers = headers_of(id=derived(order_id, 9), kind="OrderOpened", source="dispatch", subject=key, time=now)
        output.messages.append(Outgoing(ORDERS_EVENTS.name, key.encode(), opened, headers))

    async def apply(self, connection: Connection, state: _State) -> None:
        await copy(connection, "orders", _ORDER, state.orders)
        await copy(connection, "assignments", _PARTS, state.parts)
        await copy(connection, "history", orders.HISTORY, state.history)
        await copy(connection, "reports", orders.REPORT, state.reports)
        await copy(connection, "reporters", orders.REPORTER, state.reporters)


class BareClocks:
    """The landing of clocks, one row an order and fact."""

    consumer = "dispatch-deadlines"
    lock_space = 2

    def __init__(self, templates: list[Template]) -> None:
        self._templates = templates

    def wants(self, fact: Struct) -> bool:
        return isinstance(fact, ClocksSet)

    def inboxed(self, fact: Struct) -> bool:
        return False

    def prepare(self, works: Sequence[Work]) -> None: ...

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        return ()

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> tuple[datetime, list[Row]]:
        return now, []

    def decide(self, state: tuple[datetime, list[Row]], work: Work, output: Output) -> None:
        template = pick(self._templates, work.fact.order_id)
        state[1].append((work.fact.order_id, work.fact.seq, state[0], template.due, Light.GREEN, template.clock_views))

    async def apply(self, connection: Connection, state: tuple[datetime, list[Row]]) -> None:
        await send(connection, clocks._SAVE, state[1])


async def worker(settings: BareSettings) -> None:
    """The normal lane and the clocks, with the engines of our dispatch."""
    pool = await open_pool(settings, "dispatch")
    publisher = Publisher(settings.kafka_bootstrap, client_id="bare-dispatch", partitioner=by_crc32)
    await publisher.start()
    relay = Relay("dispatch", pool, publisher, transaction_timeout=settings.transaction_timeout, ticks=ticks)
    templates = load(settings.bench_templates)
    feeds = [
        (Seam(BareRouting(templates), pool, settings, relay=relay), ROUTING_NORMAL.name),
        (Seam(BareClocks(templates), pool, settings), SUPERVISION_EVENTS.name),
    ]
    loops = [
        LoopEngine(
            seam,
            bootstrap=settings.kafka_bootstrap,
            group=seam.handler.consumer,
            topics=[topic],
            batch=settings.batch_normal,
        )
        for seam, topic in feeds
    ]

    async def close() -> None:
        await publisher.stop()
        await pool.close()

    await run_worker(
        [Engine(loop.run, loop.stop) for loop in loops],
        settings,
        pulses=[seam.progress for seam, _ in feeds],
        background=[relay.run],
        close=close,
    )


if __name__ == "__main__":
    run_process("bare-dispatch", {"normal": lambda: run_async(lambda: worker(read_settings(BareSettings)))})
