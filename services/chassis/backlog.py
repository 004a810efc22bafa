"""How far every consumer group is behind, asked of the broker itself: true also while a consumer is away."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from schemas.topics import DLQ, MAIN, ORDERS_EVENTS, REPORTS, ROUTING, SENSORS_READINGS, SUPERVISION_EVENTS
from schemas.vocabulary import Lane
from services.chassis import metrics
from services.chassis.logs import logger

log = logger(__name__)
EVERY_S = 10.0

# Which consumer group reads which topics.
GROUPS: dict[str, tuple[str, ...]] = {
    "router-urgent": (REPORTS[Lane.URGENT].name,),
    "router-normal": (REPORTS[Lane.NORMAL].name, SENSORS_READINGS.name),
    "router-orders": (ORDERS_EVENTS.name,),
    "dispatch-urgent": (ROUTING[Lane.URGENT].name,),
    "dispatch-normal": (ROUTING[Lane.NORMAL].name,),
    "dispatch-deadlines": (SUPERVISION_EVENTS.name,),
    "supervision": (ORDERS_EVENTS.name,),
}


@dataclass
class Positions:
    """Where each topic's partitions end, how far each group has come on those it reads, and how many dead letters each
    topic holds."""

    ends: dict[TopicPartition, int]
    groups: dict[str, dict[TopicPartition, int]]
    dead_letters: dict[str, int]

    def behind(self, marks: Mapping[TopicPartition, int]) -> dict[str, int]:
        """Messages before `marks` that a group has not yet brought to their end, by group; only those behind."""
        found = {
            group: sum(max(0, marks.get(part, 0) - at) for part, at in positions.items())
            for group, positions in self.groups.items()
        }
        return {group: count for group, count in found.items() if count}

    def lag(self) -> dict[str, int]:
        """Messages each consumer group has not yet brought to their end."""
        behind = self.behind(self.ends)
        return {group: behind.get(group, 0) for group in GROUPS}


@contextmanager
def looking(bootstrap: str) -> Iterator[Callable[[], Positions]]:
    """Looks, over one connection, at ends and positions as they are at that moment. A group that has not yet committed
    stands at the beginning."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)

    def parts_of(suffix: str) -> list[TopicPartition]:
        names = [topic.name + suffix for topic in MAIN]
        return [TopicPartition(name, p) for name in names for p in consumer.partitions_for_topic(name) or ()]

    def look() -> Positions:
        committed = admin.list_group_offsets(list(GROUPS))
        parts, dead = parts_of(""), parts_of(DLQ)
        begins = consumer.beginning_offsets(parts + dead) if parts else {}
        ends = consumer.end_offsets(parts + dead) if parts else {}
        groups: dict[str, dict[TopicPartition, int]] = {}
        for group, topics in GROUPS.items():
            said = {part: at.offset for part, at in committed.get(group, {}).items() if at.offset >= 0}
            groups[group] = {part: said.get(part, begins[part]) for part in parts if part.topic in topics}
        letters = {part.topic.removesuffix(DLQ): ends[part] - begins[part] for part in dead}
        return Positions({part: ends[part] for part in parts}, groups, letters)

    try:
        yield look
    finally:
        consumer.close()
        admin.close()


async def watch_backlog(bootstrap: str, asked_by: str) -> None:
    """Keep the metrics of lag and dead letters true, for ever; a broker that does not answer is asked again."""
    while True:
        await asyncio.to_thread(_watch, bootstrap, asked_by)
        await asyncio.sleep(EVERY_S)


def _watch(bootstrap: str, asked_by: str) -> None:
    try:
        with looking(bootstrap) as look:
            now = look()
    except Exception as error:
        metrics.KAFKA_ANSWERS.labels(asked_by).set(0)
        log.warning("offsets cannot be asked for", error=type(error).__name__)
        return
    metrics.KAFKA_ANSWERS.labels(asked_by).set(1)
    for group, count in now.lag().items():
        metrics.CONSUMER_LAG.labels(group).set(count)
    for topic, count in now.dead_letters.items():
        metrics.DEAD_LETTERS.labels(topic).set(count)
