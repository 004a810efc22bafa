"""A producer outlives what Kafka refuses and what its senders give up: on real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from schemas.envelope import Outgoing
from schemas.topics import ORDERS_EVENTS
from services.chassis.publisher import WORTH_PACKING, Partitioner, Publisher, by_crc32
from services.chassis.settings import ServiceSettings
from tests.harness.kafka import Tail


@pytest.fixture
async def narrow(settings: ServiceSettings) -> AsyncIterator[str]:
    """A topic that takes two thousand bytes, which the publisher does not know."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    topic = f"narrow.{uuid4().hex[:10]}"
    await admin.create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": "2000"})])
    yield topic
    await admin.delete_topics([topic])
    await admin.close()


@pytest.fixture
async def publisher(settings: ServiceSettings) -> AsyncIterator[Publisher]:
    opened = Publisher(settings.kafka_bootstrap)
    await opened.start()
    yield opened
    await opened.stop()


def small(topic: str, n: int) -> Outgoing:
    return Outgoing(topic, b"k", b"%d" % n, ())


async def test_what_follows_a_refusal_of_kafka_still_arrives(
    publisher: Publisher, narrow: str, settings: ServiceSettings
) -> None:
    """The refused batch leaves a hole in the producer's numbers: Kafka would refuse all that follow as out of order."""
    large = Outgoing(narrow, b"k", b"x" * 5000, ())
    tail = await Tail.at_end(settings.kafka_bootstrap, narrow)
    await publisher.send_all([small(narrow, 0)])
    refused = await publisher.send_all([large])
    assert [message for message, _ in refused] == [large]
    async with asyncio.timeout(20):
        for n in range(1, 4):
            assert await publisher.send_all([small(narrow, n)]) == []
    assert [record.value for record in await tail.read(4)] == [b"0", b"1", b"2", b"3"]


async def test_a_dead_producer_is_replaced_by_a_fresh_one(publisher: Publisher, narrow: str) -> None:
    assert publisher._producer is not None
    publisher._producer._message_accumulator.fail_all(KafkaError("fenced"))
    with pytest.raises(KafkaError):
        await publisher.send_all([small(narrow, 0)])
    assert not publisher.connected
    with pytest.raises(KafkaConnectionError):
        await publisher.send(small(narrow, 1))
    assert await publisher.send_all([small(narrow, 2)]) == []
    assert publisher.connected


async def test_whoever_gives_up_waiting_does_not_harm_the_producer(publisher: Publisher, narrow: str) -> None:
    before = publisher._producer
    for future in await publisher.send_many([small(narrow, n) for n in range(40)]):
        future.cancel()
    assert await publisher.send_all([small(narrow, n) for n in range(40)]) == []
    assert publisher._producer is before


async def test_what_a_topic_does_not_take_is_refused_before_it_is_sent(publisher: Publisher) -> None:
    large = Outgoing(ORDERS_EVENTS.name, b"k", b"x" * ORDERS_EVENTS.max_message_bytes, ())
    with pytest.raises(MessageSizeTooLargeError):
        await publisher.send(large)
    before = publisher._producer
    assert [message for message, _ in await publisher.send_all([large])] == [large]
    assert publisher._producer is before


@pytest.mark.parametrize("partitioner", [None, by_crc32])
@pytest.mark.parametrize("count", [1, WORTH_PACKING])
async def test_a_message_without_a_key_is_sent_like_any_other(
    count: int, partitioner: Partitioner | None, narrow: str, settings: ServiceSettings
) -> None:
    """A dead letter has none when the message it is of had none; one that cannot be sent would stop its relay."""
    publisher = Publisher(settings.kafka_bootstrap, partitioner=partitioner)
    keyless = [Outgoing(narrow, None, b"%d" % n, ()) for n in range(count)]
    try:
        assert await publisher.send_all(keyless) == []
    finally:
        await publisher.stop()
