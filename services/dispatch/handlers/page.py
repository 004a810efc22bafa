"""One transaction's book, and the facts of it on their way to Kafka."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import AssignmentDone, OrderMerged, VerificationRecorded
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import AssignmentRole, Urgency
from services.chassis import metrics
from services.chassis.database import Connection
from services.chassis.delivery import Output, lock
from services.dispatch.handlers import channels
from services.dispatch.handlers.telling import tell
from services.dispatch.rules.book import Book
from services.dispatch.rules.opening import next_of
from services.dispatch.store import orders as store
from services.dispatch.store import proposals

LOCK_SPACE = 2
SOURCE = "dispatch"


def bucket(id_: UUID) -> int:
    """The lock of an order, or of a report for which something may wait."""
    return id_.int & 0x7FFFFFFF


@dataclass(slots=True)
class Page:
    """A book and the messages of its changes, by fact id. `announced` counts the changes that have one."""

    book: Book
    messages: dict[UUID, Outgoing] = field(default_factory=dict)
    announced: int = 0

    def announce(self, output: Output) -> None:
        """Put the facts of the changes made since the last call into the outbox: an urgent order's leave first. The
        lane hangs on the order alone, so that no fact of an order can overtake an earlier one."""
        for change in self.book.changes[self.announced :]:
            fact = change.fact
            out = message(
                ORDERS_EVENTS, fact, id=change.id, key=str(fact.order_id), source=SOURCE, time=fact.recorded_at
            )
            self.messages[change.id] = out
            (output.messages if change.order.urgency is Urgency.NORMAL else output.urgent).append(out)
        self.announced = len(self.book.changes)

    async def save(self, connection: Connection) -> None:
        """Write the book."""
        await store.save(connection, self.book, self.messages)
        await tell(connection, self.book)
        await channels.tell(connection, self.book)
        merged = [change.fact for change in self.book.changes if isinstance(change.fact, OrderMerged)]
        if merged:
            await proposals.settle(connection, merged)
        opened = Counter((order.status.value, order.source.value) for order in self.book.opened.values())
        for (status, source), count in opened.items():
            metrics.ORDERS_OPENED.labels(status, source).inc(count)
        self._count_results()
        joined = Counter(kept.report.source.value for kept in self.book.kept if kept.state == "linked")
        for source, count in joined.items():
            metrics.REPORTS_JOINED.labels(source).inc(count)

    def _count_results(self) -> None:
        """First-time success (首次办成率) and rework (返工率), numerator and denominator."""
        for fact in (change.fact for change in self.book.changes):
            if isinstance(fact, AssignmentDone) and fact.role is AssignmentRole.LEAD:
                metrics.FINISHED.labels(fact.result.value, "yes" if fact.round == 1 else "no").inc()
            elif isinstance(fact, VerificationRecorded):
                metrics.CHECKED.labels(fact.by.value, "yes" if fact.passed else "no").inc()


async def load_lines(connection: Connection, book: Book, order_ids: Iterable[UUID]) -> None:
    """Load these orders, and for those that ended or were merged the ones that follow them, as far as they go. What
    is found on the way is locked before it is read."""
    looked = set(order_ids)
    book.orders.update(await store.load(connection, looked))
    while True:
        following = {id_ for order in book.orders.values() if (id_ := next_of(order)) is not None} - looked
        if not following:
            return
        await lock(connection, LOCK_SPACE, [bucket(id_) for id_ in following])
        looked |= following
        book.orders.update(await store.load(connection, following))


async def lock_orders(connection: Connection, order_ids: Iterable[UUID]) -> datetime:
    """Lock orders that were found only after the first locks; answers the database's clock."""
    return await lock(connection, LOCK_SPACE, [bucket(id_) for id_ in order_ids])
