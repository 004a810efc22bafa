"""A consumer that lives and gets no messages any more is noticed by its group's offsets, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.envelope import Outgoing
from services.chassis.progress import STUCK, Progress
from services.chassis.publisher import Publisher
from services.chassis.settings import ServiceSettings
from services.chassis.standstill import Standstill

LIMIT = 1.5


class Group:
    """A topic of two partitions with five messages each, and a group whose offsets are committed by hand."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.ends: list[int] = []
        self.pulse = Progress("toy")

    async def commit(self, *offsets: int) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.topic, enable_auto_commit=False)
        await consumer.start()
        parts = [TopicPartition(self.topic, n) for n in range(len(offsets))]
        consumer.assign(parts)
        await consumer.commit(dict(zip(parts, offsets, strict=True)))
        await consumer.stop()

    async def watched(self, seconds: float, *mine: int) -> list[int]:
        """The exit codes after so long."""
        watch = Standstill(
            bootstrap=self.bootstrap,
            group=self.topic,
            feeds={self.topic: self.pulse},
            assigned=lambda: [(self.topic, n) for n in mine],
            limit=LIMIT,
            end=self.ends.append,
        )
        task = asyncio.create_task(watch.run())
        await asyncio.wait([task], timeout=seconds)
        task.cancel()
        return self.ends


@pytest.fixture
async def group(settings: ServiceSettings) -> AsyncIterator[Group]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    topic = f"still.{uuid4().hex[:10]}"
    await admin.create_topics([NewTopic(topic, 2, 1)])
    publisher = Publisher(settings.kafka_bootstrap)
    await publisher.send_all(Outgoing(topic, b"k", b"v", (), n % 2) for n in range(10))
    await publisher.stop()
    yield Group(settings.kafka_bootstrap, topic)
    await admin.delete_topics([topic])
    await admin.close()


@pytest.mark.parametrize("mine", [(), (0, 1)])
async def test_offsets_that_stand_still_with_more_to_read_end_the_process(group: Group, mine: tuple[int, ...]) -> None:
    await group.commit(5, 2)
    assert await group.watched(30, *mine) == [STUCK]


async def test_another_members_partition_is_none_of_ours(group: Group) -> None:
    await group.commit(5, 2)
    assert await group.watched(3 * LIMIT, 0) == []


async def test_a_group_that_never_committed_is_noticed(group: Group) -> None:
    assert await group.watched(30) == [STUCK]


async def test_all_read_is_rest(group: Group) -> None:
    await group.commit(5, 5)
    assert await group.watched(3 * LIMIT) == []


async def test_standing_still_on_purpose_is_no_standstill(group: Group) -> None:
    await group.commit(0, 0)
    group.pulse.stopped = True
    assert await group.watched(3 * LIMIT) == []


def rule(pulse: Progress) -> Standstill:
    feeds = {"t": pulse}
    return Standstill(bootstrap="", group="g", feeds=feeds, assigned=lambda: [], limit=60)


A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def test_a_partition_waiting_its_turn_behind_a_backlog_is_not_deaf() -> None:
    watch = rule(Progress("toy"))
    ends = {A: 100, B: 10_000}
    for minute in range(6):
        assert watch._judge({A: 5, B: 1000 * minute}, ends, 61.0 * minute) == [], "B is not yet through what was there"


def test_a_partition_that_all_others_have_passed_is_deaf() -> None:
    watch = rule(Progress("toy"))
    assert watch._judge({A: 5, B: 0}, {A: 100, B: 1000}, 0) == []
    assert watch._judge({A: 5, B: 999}, {A: 100, B: 5000}, 61) == []
    assert watch._judge({A: 5, B: 1000}, {A: 100, B: 9000}, 70) == ["t/0@5"]


def test_getting_on_slowly_is_no_standstill() -> None:
    watch = rule(Progress("toy"))
    for minute in range(5):
        assert watch._judge({A: minute}, {A: 100}, 61.0 * minute) == []


def test_a_dependency_that_is_away_starts_the_count_anew() -> None:
    pulse = Progress("toy")
    watch = rule(pulse)
    pulse.stopped = True
    assert watch._judge({A: 5}, {A: 100}, 0) == []
    pulse.stopped = False
    assert watch._judge({A: 5}, {A: 100}, 61) == []
    assert watch._judge({A: 5}, {A: 100}, 122) == ["t/0@5"]
