"""What became of orders: a matter whose order is closed takes no more reports, they open a successor; what people
decided otherwise than the router is kept to learn from; units that have a limit have their open parts counted; and what
was called to an order that has ended may be called again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from schemas.facts import OrderFact, OrderOpened
from services.chassis.database import Connection
from services.chassis.delivery import Output, Work
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.labels import Label, label_of
from services.router.rules.landing import class_key_of, has_ended, marks_of
from services.router.rules.parts import Part, offers_of, parts_of

NOBODY: Callable[[str], bool] = frozenset[str]().__contains__


def limits_of(atlas: Atlas) -> Callable[[str], bool]:
    """Which units have a limit of open parts; NOBODY, itself, where the city limits none."""
    return atlas.is_limited if any(row.most for row in atlas.city.capacities) else NOBODY


@dataclass(slots=True)
class Landed:
    """What a batch of facts says: the newest of each order and of each part, and every label."""

    landings: dict[UUID, store.Landing] = field(default_factory=dict)
    labels: dict[tuple[UUID, int], Label] = field(default_factory=dict)
    parts: dict[UUID, Part] = field(default_factory=dict)

    async def write(self, connection: Connection, *, counted: bool) -> None:
        """Let it speak, in the order of ids so that two batches never wait in a ring. Without `counted` no unit has a
        limit, and parts are nobody's concern."""
        landings = sorted(self.landings.values(), key=lambda landing: landing.order_id)
        if landings:
            await store.land(connection, landings)
        ended = [(landing.order_id, landing.seq) for landing in landings if landing.closed]
        if counted:
            parts = sorted(self.parts.values(), key=lambda part: part.part_id)
            await store.land_parts(connection, parts, ended)
        await store.release(connection, [order_id for order_id, _ in ended])


class OrdersHandler:
    """Lands `orders.events` in the matters. The newest fact of an order wins, so repeats and gaps are harmless and no
    inbox row is needed. `limited` says which units have a limit of open parts."""

    consumer = "router-orders"
    lock_space = 1

    def __init__(self, limited: Callable[[str], bool] = NOBODY) -> None:
        self._limited = limited

    def wants(self, fact: Struct) -> bool:
        """Facts about orders; their opening only if it gives a part to a unit that has a limit: else it tells nothing
        that the router did not decide."""
        if isinstance(fact, OrderOpened):
            return any(self._limited(offer.unit) for offer in offers_of(fact))
        return isinstance(fact, OrderFact)

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
        """Keep the newest of each order and part, and every label."""
        fact: OrderFact = work.fact
        label = label_of(fact)
        if label is not None:
            state.labels[label.order_id, label.seq] = label
        for part in parts_of(fact, self._limited):
            before = state.parts.get(part.part_id)
            if before is None or before.seq < part.seq:
                unit = part.unit or (before.unit if before else "")
                state.parts[part.part_id] = structs.replace(part, unit=unit)
        known = state.landings.get(fact.order_id)
        if known is not None and known.seq >= fact.seq:
            return
        class_key = class_key_of(fact) or (known.class_key if known else None)
        marks = marks_of(fact) | (known.marks if known else 0)
        state.landings[fact.order_id] = store.Landing(fact.order_id, fact.seq, has_ended(fact), class_key, marks)

    async def apply(self, connection: Connection, state: Landed) -> None:
        """A few statements for all."""
        await state.write(connection, counted=self._limited is not NOBODY)
        if state.labels:
            await store.save_labels(connection, [label for _, label in sorted(state.labels.items())])
