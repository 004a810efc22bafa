"""Facts of one order, or of one special case, in their order: what was seen is a repeat, what comes too early waits in
the `pending` table, whose `order_id` is the id of either."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from schemas.codec import decode
from schemas.envelope import Record
from schemas.facts import CaseFact, Numbered, OrderFact
from services.chassis.database import Connection


class Sequence:
    """The last `seq` seen of each order or case of a batch, and what waits behind a gap. Fold facts with `take`, then
    write with `apply`; the owner keeps `last` in its own rows."""

    def __init__(self, last: dict[UUID, int], waiting: Iterable[tuple[UUID, int, Record]]) -> None:
        self.last = last
        self._waiting: dict[UUID, dict[int, Numbered]] = defaultdict(dict)
        for order_id, seq, record in waiting:
            fact = decode(record)
            assert isinstance(fact, OrderFact | CaseFact)
            self._waiting[order_id][seq] = fact
        self._arrived: dict[tuple[UUID, int], Record] = {}
        self._released: list[tuple[UUID, int]] = []

    @classmethod
    async def gather(cls, connection: Connection, last: dict[UUID, int], orders: Iterable[UUID]) -> "Sequence":
        """With what the `pending` table holds for these orders."""
        rows = await connection.fetch(
            "SELECT order_id, seq, topic, value, type FROM pending WHERE order_id = ANY($1)", list(orders)
        )
        return cls(
            last,
            (
                (
                    r["order_id"],
                    r["seq"],
                    Record(r["topic"], -1, -1, None, r["value"], (("ce_type", r["type"].encode()),)),
                )
                for r in rows
            ),
        )

    def take(self, fact: Numbered, record: Record) -> list[Numbered]:
        """The facts that can be folded now, in order: none for a repeat or a gap, several when one fills a gap."""
        order_id, seq = fact.aggregate_id, fact.seq
        seen = self.last.get(order_id, 0)
        if seq <= seen:
            return []
        waiting = self._waiting[order_id]
        if seq > seen + 1:
            if seq not in waiting:
                waiting[seq] = fact
                self._arrived[order_id, seq] = record
            return []
        ready: list[Numbered] = [fact]
        while (following := waiting.pop(ready[-1].seq + 1, None)) is not None:
            ready.append(following)
            if self._arrived.pop((order_id, following.seq), None) is None:
                self._released.append((order_id, following.seq))
        self.last[order_id] = ready[-1].seq
        return ready

    def has_gap(self, order_id: UUID) -> bool:
        """Whether facts of this order still wait for an earlier one."""
        return bool(self._waiting.get(order_id))

    async def apply(self, connection: Connection, now: datetime) -> None:
        """Write what began to wait and delete what was released."""
        if self._arrived:
            rows = [(key[0], key[1], record) for key, record in self._arrived.items()]
            await connection.execute(
                "INSERT INTO pending (order_id, seq, topic, type, value, at)"
                " SELECT o, s, t, k, v, $6 FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bytea[])"
                " AS rows(o, s, t, k, v) ON CONFLICT DO NOTHING",
                [row[0] for row in rows],
                [row[1] for row in rows],
                [row[2].topic for row in rows],
                [dict(row[2].headers)["ce_type"].decode() for row in rows],
                [row[2].value for row in rows],
                now,
            )
        if self._released:
            await connection.execute(
                "DELETE FROM pending USING unnest($1::uuid[], $2::int[]) AS gone(o, s) WHERE order_id = o AND seq = s",
                [o for o, _ in self._released],
                [s for _, s in self._released],
            )
