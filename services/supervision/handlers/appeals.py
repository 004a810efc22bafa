"""Appeals are filed and reviewed: the writes of people that supervision takes itself, because they are about numbers,
which are its own (decision 0027). Each is one transaction; a repeat finds what the first one made."""

from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from schemas.ids import NAMESPACE, uuid5
from schemas.refusals import Refused
from services.supervision.rules.appeals import Effect, Reviewer, reviewed
from services.supervision.rules.kpi import BY_ID, Kind
from services.supervision.store import appeals
from services.supervision.store.appeals import Filed, Step


class Appeals:
    """Files and reviews. `days` after its day an item can no longer be appealed against."""

    def __init__(self, pool: asyncpg.Pool, days: int) -> None:
        self._pool = pool
        self._days = days

    async def file(
        self,
        *,
        key: str,
        by: str,
        units: tuple[str, ...],
        kpi: str,
        order_id: UUID,
        subject: UUID,
        day: date,
        effect: Effect,
        reason: str,
        today: date,
    ) -> Filed:
        """File one for a unit; the same key again answers with the first. Raises Refused: `invalid`, `item_unknown`,
        `other_unit`, `appeal_open`, `appeal_late`, `key_reused`."""
        defined = BY_ID.get(kpi)
        if defined is None or defined.kind is not Kind.RATE:
            rates = [one.kpi for one in BY_ID.values() if one.kind is Kind.RATE]
            raise Refused("invalid", f"kpi: nothing to appeal against in {kpi!r}", allowed=rates)
        if effect == "correct" and (defined.kpi in ("satisfied", "solved_said") or defined.better == ""):
            raise Refused("invalid", "effect: what a reporter said is not corrected, only left out")
        appeal_id = uuid5(NAMESPACE, f"appeal\x1f{by}\x1f{key}")
        async with self._pool.acquire() as connection, connection.transaction():
            known = await appeals.one(connection, appeal_id)
            if known is not None:
                return _same(known, kpi, order_id, subject, day, effect, reason)
            if today > day + timedelta(days=self._days):
                raise Refused("appeal_late", f"until {day + timedelta(days=self._days)}")
            item = await appeals.item(connection, kpi, order_id, subject, day)
            if item is None:
                raise Refused("item_unknown")
            if item.unit not in units:
                raise Refused("other_unit")
            now = await connection.fetchval("SELECT clock_timestamp()")
            filed = Filed(
                appeal_id, kpi, order_id, subject, day, item.unit, item.district, effect, reason, by, now, "centre", 1
            )
            if not await appeals.file(connection, filed):
                again = await appeals.one(connection, appeal_id)  # the same key, in the very same moment
                if again is None:
                    raise Refused("appeal_open")
                return _same(again, kpi, order_id, subject, day, effect, reason)
            return filed

    async def review(self, appeal_id: UUID, by: Reviewer, *, granted: bool, note: str, version: int) -> Filed:
        """Review one at the step where it is. Raises Refused: `not_found`, and what `rules.appeals` refuses."""
        async with self._pool.acquire() as connection, connection.transaction():
            filed = await appeals.one(connection, appeal_id, hold=True)
            if filed is None:
                raise Refused("not_found")
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            state = reviewed(filed.stands(), by, granted, version)
            return await appeals.review(connection, filed, state, Step(filed.state, by.id, granted, note, now))


def _same(known: Filed, *said: object) -> Filed:
    if (known.kpi, known.order_id, known.subject, known.day, known.effect, known.reason) != said:
        raise Refused("key_reused")
    return known
