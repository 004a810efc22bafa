"""A header whose name is no UTF-8 (Kafka takes any bytes) must not stop a consumer."""

import asyncio

import asyncpg
import pytest
from kafka import KafkaProducer

from services.chassis.delivery import Seam
from services.chassis.settings import ServiceSettings
from tests.chassis.ledger import Ledger, outgoing
from tests.chassis.test_engines import ENGINES, Feed, counted, feed
from tests.chassis.worker import engine_of

__all__ = ["feed"]


class NotText(str):
    """A name that is written as bytes which are no UTF-8."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"\xff\xfe"


@pytest.mark.parametrize("kind", ENGINES)
async def test_a_header_name_that_is_no_text(
    kind: str, feed: Feed, pool: asyncpg.Pool, settings: ServiceSettings
) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, linger_ms=200)
    good = outgoing("a", 1)
    for value, headers in ((good.value, good.headers), (b"{", [(NotText("x"), b"v")]), (b"", ())):
        producer.send(feed.topic, value=value, key=b"k", headers=list(headers), partition=0)
    producer.flush()
    producer.close()
    await feed.put([outgoing("a", 1) for _ in range(40)])
    engine = engine_of(kind, Seam(Ledger(), pool, settings), settings, feed.group, feed.topic, 200)
    task = asyncio.create_task(engine.run())
    await counted(pool, "a", 41)
    engine.stop()
    await asyncio.wait_for(task, 30)
    rows = [row["payload"] for row in await pool.fetch("SELECT payload FROM outbox")]
    assert sum(payload.count(b"x-error-code") for payload in rows) == 2
    assert any("\ufffd\ufffd".encode() in payload for payload in rows), "buried with what can be read of the name"
    assert await feed.committed() == 43
