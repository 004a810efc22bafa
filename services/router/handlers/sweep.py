"""The border sweep: what two workers could not see of each other is found afterwards, and proposed to a person.

Two reports about one thing that are decided in the same instant on the two sides of a street's border take different
locks, and each opens an order. A decision that is settled is in sight of everybody, so each order that was opened is
compared once more with what is around it by then. Nothing is merged here: a dispatcher answers.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from schemas.codec import message
from schemas.facts import MergeProposed
from schemas.ids import fact_id
from schemas.topics import ROUTING
from schemas.vocabulary import Lane
from services.chassis import metrics, outbox
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.keys import lookup_keys
from services.router.rules.merge import Matter
from services.router.rules.proposals import swept

log = logger(__name__)
PORTION = 500


class Sweep:
    """The sweep of one worker; of several workers one sweeps at a time. `settling` is the longest a transaction of ours
    may take."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        atlas: Atlas,
        *,
        settling: timedelta,
        every: float,
        per_key: int,
        relay: Relay | None = None,
    ) -> None:
        self._pool = pool
        self._atlas = atlas
        self._settling = settling
        self._every = every
        self._per_key = per_key
        self._relay = relay
        self._window = timedelta(hours=atlas.city.thresholds.merge_hours)

    async def run(self) -> None:
        """Sweep for ever; nothing that goes wrong in one sweep stops the next."""
        while True:
            try:
                while await self.portion() == PORTION:
                    pass
            except Exception as error:  # a loop beside the work must outlive every failure; waits are expected
                if not is_wait(error):
                    log.error("sweep failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(self._every)

    async def portion(self) -> int:
        """Compare the next decisions that are settled; how many there were. One transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.sweeping(connection):
                return 0
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            place = await store.swept_to(connection)
            if place == store.Place():  # a first sweep has nothing to say about a past that nobody swept
                place = store.Place(at=now - self._window)
            rows = await store.recall(connection, place, now - 2 * self._settling, PORTION)
            if not rows:
                return 0
            asked = await self._compare(connection, rows, now)
            await self._say(connection, asked, now)
            await store.keep_place(connection, rows[-1].place)
        if asked and self._relay is not None:
            self._relay.wake()
        return len(rows)

    async def _compare(
        self, connection: Connection, rows: Sequence[store.Recalled], now: datetime
    ) -> list[MergeProposed]:
        born = {row.order_id: row.told.this for row in rows if row.told.merges and not row.place.links}
        if not born:
            return []
        keys = {order_id: lookup_keys(this, self._atlas) for order_id, this in born.items()}
        asked_for = sorted({key for each in keys.values() for key in each})
        oldest = min(this.opened_at for this in born.values()) - self._window
        around: dict[int, list[Matter]] = {}
        for key, matter in await store.candidates(connection, asked_for, oldest, self._per_key):
            around.setdefault(key, []).append(matter)
        live = await store.matters_of(connection, born)
        found = []
        for order_id, this in live.items():
            near = {m.order_id: m for key in keys[order_id] for m in around.get(key, ())}
            near.pop(order_id, None)
            if near and (one := swept(this, near.values(), self._atlas, now)) is not None:
                found.append(one)
        known = await store.asked_before(connection, [one.proposal_id for one in found]) if found else set()
        return [one for one in found if one.proposal_id not in known]

    async def _say(self, connection: Connection, asked: list[MergeProposed], now: datetime) -> None:
        await store.save_proposals(connection, asked)
        said = [
            message(
                ROUTING[Lane.NORMAL],
                each,
                id=fact_id(each.proposal_id, MergeProposed.__name__),
                key=str(each.order_id),
                source="router",
                time=now,
            )
            for each in asked
        ]
        await outbox.write(connection, said, urgent=False, recorded_at=now)
        metrics.MERGES_PROPOSED.labels("sweep").inc(len(asked))
