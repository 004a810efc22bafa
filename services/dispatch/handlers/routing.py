"""What the router decided becomes orders, reports that join them, triage, and checks by sensors.

A report that is kept is its own proof of having been handled, so only clearings need the inbox. Locks: the order, the
one that may succeed it, and for alarms the report, because a clearing knows nothing but the report.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.codec import encode
from schemas.facts import (
    AlarmCleared,
    MergeProposed,
    OrderProposed,
    ReportAnswered,
    ReportLinked,
    ReportTransferred,
    TriageRequested,
)
from schemas.ids import successor_id
from schemas.refusals import Refused
from schemas.vocabulary import Lane, Source
from services.chassis import metrics
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.dispatch.handlers.page import LOCK_SPACE, Page, bucket, load_lines, lock_orders
from services.dispatch.rules.book import Book, KeptReport, Waiting
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.notices import on_cleared
from services.dispatch.rules.opening import on_linked, on_proposed, on_settled
from services.dispatch.store import handovers, proposals, repeats
from services.dispatch.store import orders as store

_ABOUT_ORDERS = (OrderProposed, TriageRequested, ReportLinked)
_WITHOUT_REPORT = (AlarmCleared, MergeProposed)
_WANTED = (*_ABOUT_ORDERS, ReportAnswered, ReportTransferred, *_WITHOUT_REPORT)
_LINK = msgspec.json.Decoder(ReportLinked).decode
_CLEARED = msgspec.json.Decoder(AlarmCleared).decode


def kept_of(fact: OrderProposed | TriageRequested | ReportLinked | ReportAnswered | ReportTransferred) -> KeptReport:
    """A routed report as it is kept. Raises Refused `invalid` for one without an id."""
    report = fact.report
    if report.report_id is None:
        raise Refused("invalid", "report.report_id: missing")
    bare = msgspec.structs.replace(report, reporter=None)
    return KeptReport(report.report_id, bare, store.as_json(bare), report.reporter)


class RoutingHandler:
    """Lands routing.decided of one lane."""

    lock_space = LOCK_SPACE

    def __init__(self, directory: Directory, lane: Lane) -> None:
        self.consumer = f"dispatch-{lane}"
        self._lane = lane
        self._directory = directory

    def wants(self, fact: Struct) -> bool:
        """All but what only the router's own devices page needs."""
        return isinstance(fact, _WANTED)

    def inboxed(self, fact: Struct) -> bool:
        """A clearing leaves no report behind by which a repeat would be known."""
        return isinstance(fact, AlarmCleared)

    def prepare(self, works: Sequence[Work]) -> None:
        """Encode what is kept of each report, its reporter apart."""
        for work in works:
            if work.prepared is None and not isinstance(work.fact, _WITHOUT_REPORT):
                work.prepared = kept_of(work.fact)

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """Orders and their possible successors; reports that open none, and those of alarms."""
        for work in works:
            fact = work.fact
            if isinstance(fact, AlarmCleared):
                yield bucket(fact.report_id)
            if isinstance(fact, _WITHOUT_REPORT):
                continue
            if isinstance(fact, _ABOUT_ORDERS):
                yield bucket(fact.order_id)
                if isinstance(fact, ReportLinked):
                    yield bucket(successor_id(fact.order_id))
            if fact.report.alarm is not None or not isinstance(fact, _ABOUT_ORDERS):
                yield bucket(work.prepared.report_id)

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> Page:
        """The orders with what follows them, the reports kept already, and what waits for either."""
        book = Book(now, self._directory)
        orders = {w.fact.order_id for w in works if isinstance(w.fact, _ABOUT_ORDERS)}
        alarms = {w.prepared.report_id for w in works if w.prepared is not None and w.fact.report.alarm is not None}
        cleared = {w.fact.report_id for w in works if isinstance(w.fact, AlarmCleared)}
        reports = {w.prepared.report_id for w in works if w.prepared is not None} | cleared
        book.known = await store.known_reports(connection, reports)
        book.waiting = await store.waiting_for(connection, orders | alarms)
        late = [w for waiting in book.waiting.values() for w in waiting if w.kind == ReportLinked.__name__]
        if late:
            ids = {_LINK(w.body).report.report_id for w in late}
            book.known |= await store.known_reports(connection, [id_ for id_ in ids if id_ is not None])
        found = {order for id_ in cleared if (order := book.known.get(id_)) is not None}
        if found - orders:
            await lock_orders(connection, found - orders)
        await load_lines(connection, book, orders | found)
        alarming = any(isinstance(w.fact, ReportLinked) and w.fact.plan.platforms for w in works)
        if alarming:
            book.handovers = await handovers.waiting(connection, set(book.orders))
        linked = [w.prepared.reporter for w in works if isinstance(w.fact, ReportLinked)]
        persons = [who for who in linked if who is not None and (who.phone or who.person_id)]
        if persons:
            book.earlier = await repeats.earlier(connection, book.orders, persons)
        return Page(book)

    def decide(self, state: Page, work: Work, output: Output) -> None:
        """Open, join, keep or wait; then whatever waited for this."""
        book, fact = state.book, work.fact
        if isinstance(fact, AlarmCleared):
            self._clear(book, fact, work.id)
        elif isinstance(fact, MergeProposed):
            book.questions.append(fact)
        elif isinstance(fact, OrderProposed | TriageRequested):
            on_proposed(book, fact, work.prepared, work.id)
            self._resolve(book, fact.order_id)
            self._resolve(book, work.prepared.report_id)
        elif isinstance(fact, ReportLinked):
            self._link(book, fact, work.prepared, work.id)
            self._resolve(book, work.prepared.report_id)
        else:
            on_settled(book, fact, work.prepared)
        state.announce(output)

    async def apply(self, connection: Connection, state: Page) -> None:
        """Write the book, and the questions whether two orders are one; tell of our own reports how long they took."""
        await state.save(connection)
        await proposals.land(connection, state.book.questions)
        for kept in state.book.kept:
            if kept.report.source is Source.CANARY:
                metrics.CANARY_SECONDS.observe((state.book.now - kept.report.received_at).total_seconds())
                metrics.CANARY_LAST.labels(self._lane).set(state.book.now.timestamp())

    def _link(self, book: Book, fact: ReportLinked, kept: KeptReport, cause: UUID) -> None:
        if fact.order_id in book.orders:
            on_linked(book, fact, kept, cause)
        elif kept.report_id not in book.known:
            _park(book, Waiting(cause, fact.order_id, ReportLinked.__name__, encode(fact)))

    def _clear(self, book: Book, fact: AlarmCleared, cause: UUID) -> None:
        if fact.report_id not in book.known:
            _park(book, Waiting(cause, fact.report_id, AlarmCleared.__name__, encode(fact)))
            return
        order_id = book.known[fact.report_id]
        if order_id is not None:
            on_cleared(book, book.orders[order_id], fact, cause)

    def _resolve(self, book: Book, id_: UUID) -> None:
        """What waited for this order or report is handled now, the oldest first."""
        for waiting in book.waiting.pop(id_, ()):
            if waiting in book.parked:
                book.parked.remove(waiting)
            else:
                book.released.append(waiting.cause)
            if waiting.kind == ReportLinked.__name__:
                link = _LINK(waiting.body)
                on_linked(book, link, kept_of(link), waiting.cause)
            else:
                self._clear(book, _CLEARED(waiting.body), waiting.cause)


def _park(book: Book, waiting: Waiting) -> None:
    book.parked.append(waiting)
    book.waiting.setdefault(waiting.waits_for, []).append(waiting)
