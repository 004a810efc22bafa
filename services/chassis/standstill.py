"""Notices a consumer that lives and no longer gets messages: its group's offsets stand still although there is more to
read, and it neither works on a batch nor waits for a dependency. Then the process ends hard, which loses nothing.

The watchdog of `progress` sees only batches under way. Clients of Kafka have been seen to go deaf after a broker's
restart, with their heartbeats going on; so this asks the broker itself, over connections of its own.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Collection, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from msgspec import Struct

from services.chassis.clock import monotonic
from services.chassis.logs import logger
from services.chassis.progress import STUCK, Progress

log = logger(__name__)
ANSWER_S = 20.0  # how long the broker may take to tell offsets
Offsets = Mapping[TopicPartition, int]


class Stand(Struct, frozen=True):
    """Where a partition's offset stands with more to read, since when, and where all partitions ended then."""

    offset: int
    since: float
    ends: dict[TopicPartition, int]


class Standstill:
    """Watches one group's reading of some topics. `feeds` maps each topic to the pulse of what it is read into;
    `assigned` answers the partitions this process has at the moment (none: then all are watched)."""

    def __init__(
        self,
        *,
        bootstrap: str,
        group: str,
        feeds: Mapping[str, Progress],
        assigned: Callable[[], Collection[tuple[str, int]]],
        limit: float = 30.0,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._feeds = feeds
        self._assigned = assigned
        self._limit = limit
        self._end = end
        self._seen: dict[TopicPartition, Stand] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._limit / 6)
            try:
                async with asyncio.timeout(ANSWER_S):
                    stuck = await self._look()
            except Exception as error:  # a broker that does not answer is no reason to end: count anew
                log.info("offsets cannot be asked for", group=self._group, error=type(error).__name__)
                self._seen.clear()
                continue
            if stuck:
                log.error("stands still, ending the process", group=self._group, partitions=stuck)
                self._end(STUCK)
                return

    async def _look(self) -> list[str]:
        """Partitions that have stood still for too long."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap)
        try:
            await admin.start()
            await consumer.start()
            told = await admin.list_consumer_group_offsets(self._group)
            parts = await self._partitions(consumer)
            begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        finally:
            for close in (consumer.stop, admin.close):
                with contextlib.suppress(Exception):
                    await close()
        committed = {part: max(told[part].offset if part in told else 0, begins[part]) for part in parts}
        return self._judge(committed, ends, monotonic())

    async def _partitions(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        mine = [TopicPartition(*each) for each in self._assigned() if each[0] in self._feeds]
        if mine:
            return mine
        consumer.subscribe(list(self._feeds))
        await consumer._client.force_metadata_update()
        return [TopicPartition(topic, n) for topic in self._feeds for n in consumer.partitions_for_topic(topic) or ()]

    def _judge(self, committed: Offsets, ends: Offsets, now: float) -> list[str]:
        seen: dict[TopicPartition, Stand] = {}
        for part, offset in committed.items():
            if ends[part] <= offset or self._feeds[part.topic].held():
                continue
            before = self._seen.get(part)
            seen[part] = before if before is not None and before.offset == offset else Stand(offset, now, dict(ends))
        self._seen = seen
        still = {part: stand for part, stand in seen.items() if now - stand.since > self._limit}
        deaf = [part for part, stand in still.items() if _overtaken(part, stand, committed, still)]
        return [f"{part.topic}/{part.partition}@{still[part].offset}" for part in deaf]


def _overtaken(part: TopicPartition, stand: Stand, committed: Offsets, still: Mapping[TopicPartition, Stand]) -> bool:
    """Whether all other partitions of the topic that get on were read up to where they ended when this one began to
    stand: it is not merely waiting for its turn behind a backlog."""
    others = (other for other in committed if other.topic == part.topic and other not in still)
    return all(committed[other] >= stand.ends.get(other, 0) for other in others)
