"""Looks every few seconds whether there is something to speak up about: crowds, hot topics, the quiet few.

Each look is one transaction: read, judge by the rules, keep what is new or has changed, announce it. Of several workers
one looks at a time. Nothing is said twice: a warning that is open is kept under its key, and its fact has the id of
key, moment of finding and level.
"""

import asyncio
from datetime import datetime, timedelta
from math import log2
from uuid import UUID

import asyncpg
import msgspec

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import CrowdFound, HotTopicEnded, HotTopicFound, QuietOrderFound
from schemas.ids import NAMESPACE, fact_id, uuid5
from schemas.topics import ROUTING_WARNINGS
from services.chassis import metrics, outbox
from services.chassis.database import Connection
from services.chassis.errors import is_wait
from services.chassis.logs import logger
from services.chassis.outbox import Relay
from services.router import store
from services.router.rules.atlas import Atlas
from services.router.rules.quiet import SEVERE, VULNERABLE
from services.router.rules.topics import hot
from services.router.rules.warnings import WEEK, counts, crowd_fact, hot_fact, quiet_fact, spans

log = logger(__name__)
MOST = 500  # new ones of the quiet few in one look; the next ones come with the next look
_HOT = msgspec.json.Decoder(HotTopicFound).decode
Fact = CrowdFound | HotTopicFound | HotTopicEnded | QuietOrderFound


class Watch:
    """The looks of one worker."""

    def __init__(self, pool: asyncpg.Pool, atlas: Atlas, *, every: float, relay: Relay | None = None) -> None:
        self._pool = pool
        self._atlas = atlas
        self._limits = atlas.city.warnings
        self._every = every
        self._relay = relay

    async def run(self) -> None:
        """Look for ever; nothing that goes wrong in one look stops the next."""
        while True:
            try:
                await self.look()
            except Exception as error:  # a loop beside the work must outlive every failure; waits are expected
                if not is_wait(error):
                    log.error("looking for warnings failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(self._every)

    async def look(self) -> list[Fact]:
        """One look; what was said."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.watching(connection):
                return []
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            said: list[Fact] = [
                *await self._hot(connection, now),
                *await self._crowds(connection, now),
                *await self._quiet(connection, now),
            ]
            await outbox.write(connection, [_outgoing(fact, now) for fact in said], urgent=False, recorded_at=now)
        if said and self._relay is not None:
            self._relay.wake()
        for fact in said:
            metrics.WARNINGS.labels(type(fact).__name__).inc()
        return said

    async def _hot(self, connection: Connection, now: datetime) -> list[Fact]:
        limits, atlas = self._limits, self._atlas
        looked = spans(now, limits.hot_hours, limits.hot_weeks, await store.first_hour(connection))
        already = await store.open_warnings(connection, "hot")
        topics = {(key.rpartition("@")[0], key.rpartition("@")[2]) for key in already}
        active = {row.class_key for row in await store.hours_of(connection, looked.now)} | {c for c, _ in topics}
        rows = await store.hours_of(connection, looked.all(), active & atlas.classes.keys()) if active else []
        found = counts(((r.hour, r.class_key, r.division, r.reports, r.voices) for r in rows), looked)
        said: list[Fact] = []
        kept: list[store.Warned] = []
        for heat in hot(found, atlas, limits, looked.passed, topics):
            before = already.pop(heat.topic, None)
            level = max(0, int(log2(max(1, heat.counts.now) / limits.hot_reporters)))
            level = max(level, before.level) if before else level
            fact = hot_fact(heat, atlas, before.found_at if before else now, level, len(looked.earlier))
            if before is None or level > before.level:
                said.append(fact)
            kept.append(_warned("hot", fact.topic, heat.division, fact, level, heat.score))
        for gone in already.values():
            kept.append(store.ended(gone, now))
            said.append(_ended(gone, now))
        await store.save_warnings(connection, kept)
        await store.forget_hours(connection, now - (limits.hot_weeks + 2) * WEEK)
        return said

    async def _crowds(self, connection: Connection, now: datetime) -> list[Fact]:
        since = now - timedelta(hours=self._limits.crowd_hours)
        already = await store.open_warnings(connection, "crowd")
        said: list[Fact] = []
        kept: list[store.Warned] = []
        for matter in await store.crowds(connection, since, self._limits.crowd_reporters):
            fact, before = crowd_fact(matter, self._atlas, now), already.get(str(matter.order_id))
            if fact is None or (before is not None and fact.level <= before.level):
                continue
            at = before.found_at if before else now
            key, place = str(matter.order_id), fact.place.division
            kept.append(_warned("crowd", key, place, fact, fact.level, fact.voices, at, matter.subject))
            said.append(fact)
        await store.save_warnings(connection, kept)
        await store.end_crowds(connection, since, now)
        return said

    async def _quiet(self, connection: Connection, now: datetime) -> list[Fact]:
        limits = self._limits
        await store.end_quiet(connection, limits.quiet_voices, now)
        before = now - timedelta(days=limits.quiet_days)
        matters = await store.long_open(
            connection,
            before=before,
            long_before=now - 2 * timedelta(days=limits.quiet_days),
            voices=limits.quiet_voices,
            marks=SEVERE | VULNERABLE,
            most=MOST,
        )
        said: list[Fact] = []
        kept: list[store.Warned] = []
        for matter in matters:
            fact = quiet_fact(matter, self._atlas, now)
            if fact is not None:
                place = fact.place.division
                kept.append(_warned("quiet", str(matter.order_id), place, fact, 0, fact.points, now, matter.subject))
                said.append(fact)
        await store.save_warnings(connection, kept)
        return said


def _ended(gone: store.Warned, now: datetime) -> HotTopicEnded:
    was = _HOT(gone.body)
    return HotTopicEnded(
        topic=was.topic,
        class_ref=was.class_ref,
        place=was.place,
        score=gone.score,
        found_at=gone.found_at,
        ended_at=now,
    )


def _warned(
    kind: str,
    key: str,
    division: str,
    fact: Fact,
    level: int,
    score: float,
    at: datetime | None = None,
    subject: str = "",
) -> store.Warned:
    return store.Warned(kind, key, at or fact.found_at, division, level, score, store.as_json(fact), subject)


def _outgoing(fact: Fact, now: datetime) -> Outgoing:
    """The message of a fact; the same thing found again by another worker has the same id."""
    if isinstance(fact, HotTopicFound | HotTopicEnded):
        key, cause = fact.topic, uuid5(NAMESPACE, f"topic\x1f{fact.topic}\x1f{fact.found_at.isoformat()}")
    else:
        key, cause = str(fact.order_id), _of_order(fact)
    level = getattr(fact, "level", 0)
    id_ = fact_id(cause, type(fact).__name__, level)
    return message(ROUTING_WARNINGS, fact, id=id_, key=key, source="router", time=now)


def _of_order(fact: CrowdFound | QuietOrderFound) -> UUID:
    return uuid5(fact.order_id, fact.found_at.isoformat())
