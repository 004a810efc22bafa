"""What became of orders: a matter whose order is closed takes no more reports, they open a successor; and what people
decided otherwise than the router is kept to learn from."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field

from schemas.facts import OrderFact, OrderOpened
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.router import store
from services.router.rules.labels import Label, label_of
from services.router.rules.landing import class_key_of, has_ended, marks_of


class Landed(Struct):
    """What a batch of facts says: the newest of each order, and every label."""

    landings: dict[UUID, store.Landing] = field(default_factory=dict)
    labels: dict[tuple[UUID, int], Label] = field(default_factory=dict)


class OrdersHandler:
    """Lands `orders.events` in the matters. The newest fact of an order wins, so repeats and gaps are harmless and no
    inbox row is needed."""

    consumer = "router-orders"
    lock_space = 1

    def wants(self, fact: Struct) -> bool:
        """Facts about orders but their opening, which tells of a matter nothing that the router did not decide."""
        return isinstance(fact, OrderFact) and not isinstance(fact, OrderOpened)

    def inboxed(self, fact: Struct) -> bool:
        """Idempotent by itself."""
        return False

    def prepare(self, works: Sequence[Work]) -> None:
        """Nothing to prepare."""

    def locks(self, works: Sequence[Work]) -> Iterable[int]:
        """None: one conditional update per order decides by `seq`."""
        return ()

    async def gather(self, connection: Connection, works: Sequence[Work], now: datetime) -> Landed:
        """Nothing to read."""
        return Landed()

    def decide(self, state: Landed, work: Work, output: Output) -> None:
        """Keep the newest of each order, and every label."""
        fact: OrderFact = work.fact
        label = label_of(fact)
        if label is not None:
            state.labels[label.order_id, label.seq] = label
        known = state.landings.get(fact.order_id)
        if known is not None and known.seq >= fact.seq:
            return
        class_key = class_key_of(fact) or (known.class_key if known else None)
        marks = marks_of(fact) | (known.marks if known else 0)
        state.landings[fact.order_id] = store.Landing(fact.order_id, fact.seq, has_ended(fact), class_key, marks)

    async def apply(self, connection: Connection, state: Landed) -> None:
        """One update for all, in the order of their ids so that two batches never wait in a ring."""
        if state.landings:
            await store.land(connection, sorted(state.landings.values(), key=lambda landing: landing.order_id))
        if state.labels:
            await store.save_labels(connection, [label for _, label in sorted(state.labels.items())])
