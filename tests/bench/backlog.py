"""How far the pipeline is behind, and the gate that keeps a sender from running ahead of it."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.topics import MAIN

# Every hop that a report passes, and those that land what became of it.
HOPS = {
    "router-normal": "reports.normal",
    "router-urgent": "reports.urgent",
    "dispatch-normal": "routing.decided.normal",
    "dispatch-urgent": "routing.decided.urgent",
    "supervision": "orders.events",
    "router-orders": "orders.events",
    "dispatch-deadlines": "supervision.events",
}
_EVERY = 0.2


class Backlog:
    """Messages that lie between a sender and the last commit, looked at five times a second. `limit` of them close the
    gate. Groups in `hops` that never commit (the bare pipeline has no urgent lane) are left out."""

    def __init__(self, bootstrap: str, limit: int, hops: dict[str, str] = HOPS) -> None:
        self._bootstrap = bootstrap
        self._limit = limit
        self._hops = hops
        self._open = asyncio.Event()
        self._open.set()
        self._parts = {topic.name: [TopicPartition(topic.name, n) for n in range(topic.partitions)] for topic in MAIN}
        self.behind: dict[str, int] = {}
        self.lowest: dict[str, int] = {}

    async def gate(self) -> None:
        """Wait while the pipeline is too far behind."""
        await self._open.wait()

    async def watch(self) -> None:
        """Look, for ever."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap)
        await admin.start()
        await consumer.start()
        try:
            while True:
                try:
                    await self._look(admin, consumer)
                except KafkaError:  # a coordinator that is still coming up
                    self.behind.clear()
                if sum(self.behind.values()) > self._limit:
                    self._open.clear()
                else:
                    self._open.set()
                await asyncio.sleep(_EVERY)
        finally:
            await consumer.stop()
            await admin.close()

    async def _look(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> None:
        ends = await consumer.end_offsets([part for topic in set(self._hops.values()) for part in self._parts[topic]])
        for group, topic in self._hops.items():
            offsets = await admin.list_consumer_group_offsets(group)
            at = {part: max(0, offsets[part].offset) if part in offsets else 0 for part in self._parts[topic]}
            lag = sum(ends[part] - offset for part, offset in at.items())
            self.behind[group] = lag
            self.lowest[group] = min(lag, self.lowest.get(group, lag))

    def restart_lowest(self) -> None:
        """Begin anew to remember the lowest lag of each group."""
        self.lowest.clear()
