"""One truth in several router processes, and the quiet few beside a loud topic (domain notes §A6)."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process, city_folder, environment_of, spec_of
from schemas.codec import decode, message
from schemas.facts import HotTopicFound, QuietOrderFound, Reporter, ReportReceived
from schemas.ids import number_of
from schemas.topics import REPORTS, ROUTING_WARNINGS
from schemas.vocabulary import Lane, Source
from tests.harness.kafka import Tail
from tests.harness.servers import is_free

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]
TELLINGS = ("雨水井盖缺失，有人差点踩空", "井盖没了露着一个洞", "窨井盖不见了，很危险", "雨水井盖被偷了")


def a_report(text: str, at: datetime | None = None, phone: str = "") -> ReportReceived:
    return ReportReceived(
        source=Source.HOTLINE,
        report_id=uuid4(),
        received_at=at or datetime.now(UTC),
        text=text,
        reporter=Reporter(phone=phone or f"138{Random(uuid4().int).randrange(10**8):08}"),
    )


async def send(whole: Stack, *sent: tuple[Lane, ReportReceived]) -> None:
    """All of them at once, on whatever partitions their ids fall."""
    producer = AIOKafkaProducer(bootstrap_servers=whole.kafka_bootstrap, linger_ms=0)
    await producer.start()
    try:
        made = []
        for lane, report in sent:
            id_ = report.report_id or uuid4()
            m = message(REPORTS[lane], report, id=id_, key=str(id_), source="test", time=report.received_at)
            made.append(producer.send_and_wait(m.topic, m.value, key=m.key, headers=list(m.headers)))
        await asyncio.gather(*made)
    finally:
        await producer.stop()


@pytest.fixture
def second(whole: Stack) -> Iterator[None]:
    """Another router process of the normal lane, beside the two that run."""
    process = Process("router", "normal")
    environment = environment_of(
        process,
        whole.home,
        whole.ports,
        bootstrap=whole.kafka_bootstrap,
        database_url=whole.database_url("paidan_router"),
        city=city_folder(whole.city),
    )
    port = next(port for port in range(9900 + os.getpid() % 90, 11_000) if is_free(port))
    spec = spec_of(process, whole.home, environment | {"PAIDAN_METRICS_PORT": str(port)})
    with (whole.home.logs / "router-second.log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, *spec.arguments[1:]], env=spec.environment, cwd=spec.folder, stdout=log, stderr=log
        )
        try:
            while is_free(port):  # until it is up; it takes its share of the partitions while the reports come
                assert running.poll() is None, "it ended at once"
                time.sleep(0.05)
            yield
        finally:
            running.terminate()
            assert running.wait(30) == 0, "it ends when it is told to, without an error"


async def order_of(teller: Teller, report: ReportReceived) -> str:
    """The order that a report hangs on, as soon as dispatch has it."""
    assert report.report_id is not None
    path = f"/v1/reports/{number_of(report.report_id)}"

    def look() -> str | None:
        found = teller.get("dispatch", path, "agent")
        return found and found.get("order_id")

    return await asyncio.to_thread(teller.until, "the report's order", look)


async def test_twins_in_both_lanes_and_three_processes_are_one_order_each(
    whole: Stack, teller: Teller, second: None
) -> None:
    things = []
    for n in range(12):
        house = Random(uuid4().int).randint(3000, 99_000)
        said = [a_report(f"静安区临汾路街道临汾路{house}号门口{TELLINGS[k % 4]}") for k in range(6)]
        lanes = [Lane.URGENT if k % 3 == n % 3 else Lane.NORMAL for k in range(6)]
        things.append(list(zip(lanes, said, strict=True)))
    await send(whole, *(pair for thing in things for pair in thing))
    for thing in things:
        orders = {await order_of(teller, report) for _, report in thing}
        assert len(orders) == 1, "simultaneous twins found each other"
        shown = teller.get("dispatch", f"/v1/orders/{orders.pop()}") or {}
        assert len(shown["reports"]) == 6, "and every report keeps its reporter and its answer"


async def test_the_quiet_few_are_heard_beside_a_loud_topic(whole: Stack, teller: Teller) -> None:
    now, tail = datetime.now(UTC), await Tail.at_end(whole.kafka_bootstrap, ROUTING_WARNINGS.name)
    house = Random(uuid4().int).randint(3000, 90_000)
    lone = a_report(f"静安区临汾路街道临汾路{house}号独居老人反映楼道堆物，轮椅出不了门", now - timedelta(days=36))
    loud = [a_report(f"静安区大宁路街道平型关路{house + 7 * n}号广场舞音响太吵") for n in range(1, 31)]
    await send(whole, (Lane.NORMAL, lone))
    order_id = await order_of(teller, lone)
    await send(whole, *((Lane.NORMAL, report) for report in loud))

    def listed(kind: str, centre: str, fits: Any) -> Any:
        path = f"/v1/topics/{kind}"

        def look() -> Any:
            items = (teller.get("router", path, "dispatcher", centre) or {"items": []})["items"]
            return next((item for item in items if fits(item)), None)

        return asyncio.to_thread(teller.until, f"{kind} in {centre}", look)

    quiet = await listed("quiet", "310106021-centre", lambda item: item["order_id"] == order_id)
    assert quiet["voices"] == 1 and {"age", "vulnerable"} <= set(quiet["reasons"]) and quiet["days"] >= 35
    hot = await listed("hot", "310106-centre", lambda item: item["place"]["division"].startswith("310106"))
    assert hot["voices"] >= 20 and hot["score"] >= 6 and hot["expected"] < 3

    facts = [decode(record) for record in await tail.read(2)]
    assert any(isinstance(fact, QuietOrderFound) and fact.order_id == UUID(order_id) for fact in facts)
    assert any(isinstance(fact, HotTopicFound) for fact in facts)
    order = teller.get("dispatch", f"/v1/orders/{order_id}") or {}
    assert len(order["reports"]) == 1, "the lone voice was not drowned in another's order"
    assert teller.clocks_of(order_id)["total"], "and keeps a promise of its own"
    elsewhere = teller.get("router", "/v1/topics/quiet", "dispatcher", "310104-centre") or {}
    assert order_id not in [item["order_id"] for item in elsewhere["items"]]
    assert teller.get("router", "/v1/topics/quiet", "responder", "310106021-centre") is None
