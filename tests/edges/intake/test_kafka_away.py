"""Kafka stopped, killed, not yet there; the front door killed meanwhile: everything answered 202 arrives."""

import asyncio
import signal
from typing import Any

import pytest

from deploy.stack import kafka
from deploy.stack.lifecycle import Stack
from schemas.envelope import Record
from tests.edges.intake.conftest import Tokens
from tests.edges.intake.front import Front
from tests.edges.intake.test_front_door import READINGS, reading
from tests.harness.kafka import Tail

pytestmark = pytest.mark.slow
NORMAL = "reports.normal"
TIMEOUT = 60


def ids_of(records: list[Record]) -> list[str]:
    return [(record.key or b"").decode() for record in records]


async def complete(tail: Tail, expected: set[str]) -> list[str]:
    """The ids that arrived, once all expected ones have; repeats are read too."""
    count = len(expected)
    async with asyncio.timeout(TIMEOUT):
        while True:
            ids = ids_of(await tail.read(count, TIMEOUT))
            if expected <= set(ids):
                return ids
            count = len(ids) + 1


async def sending(front: Front, headers: dict[str, str], stop: asyncio.Event, ledger: list[dict[str, Any]]) -> None:
    """Post until told to stop; what was answered 202 is written down."""
    n = 0
    while not stop.is_set():
        ledger.append(await front.ticket(headers, text=f"第{n}件"))
        n += 1


async def test_stopped_for_a_while_nothing_is_lost_and_no_one_sees_an_error(
    own_servers: Stack, front: Front, signed_own: Tokens
) -> None:
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    ledger: list[dict[str, Any]] = []
    stop = asyncio.Event()
    senders = [asyncio.create_task(sending(front, signed_own("agent"), stop, ledger)) for _ in range(8)]
    async with asyncio.timeout(TIMEOUT):
        while len(ledger) < 50:
            await asyncio.sleep(0.01)
    own_servers.kill("kafka", signal.SIGSTOP)
    try:
        await front.until_ready(front.client, direct_normal=False)
        spooled_from = len(ledger)
        async with asyncio.timeout(TIMEOUT):
            while len(ledger) < spooled_from + 200:
                await asyncio.sleep(0.01)
        whereabouts = await front.client.get(f"/v1/reports/{ledger[-1]['number']}", headers=signed_own("agent"))
        assert (whereabouts.status_code, whereabouts.json()["state"]) == (200, "spooled")
    finally:
        own_servers.kill("kafka", signal.SIGCONT)
    await front.until_ready(front.client, direct_normal=True)
    async with asyncio.timeout(TIMEOUT):
        while ledger[-1]["state"] != "accepted":
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*senders)
    states = [answer["state"] for answer in ledger]
    assert "accepted" in states and states.count("spooled") >= 200
    arrived = await complete(tail, {answer["report_id"] for answer in ledger})
    assert set(arrived) == {answer["report_id"] for answer in ledger}
    direct = [answer["report_id"] for answer in ledger if answer["state"] == "accepted"]
    assert all(arrived.count(report_id) == 1 for report_id in direct), "only what timed out may come twice"
    whereabouts = await front.client.get(f"/v1/reports/{ledger[60]['report_id']}", headers=signed_own("agent"))
    assert whereabouts.json()["state"] == "accepted"


async def test_spooled_reports_are_drained_in_order(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    own_servers.kill("kafka", signal.SIGSTOP)
    try:
        sent = [(await front.ticket(signed_own("agent"), text=f"第{n}件"))["report_id"] for n in range(60)]
    finally:
        own_servers.kill("kafka", signal.SIGCONT)
    await front.until_ready(front.client, direct_normal=True)
    records = await tail.read(60)
    for partition in {record.partition for record in records}:
        ids = list(dict.fromkeys(ids_of([record for record in records if record.partition == partition])))
        assert ids == [report_id for report_id in sent if report_id in set(ids)]
    assert set(ids_of(records)) == set(sent)


async def test_killed_while_kafka_is_away_the_next_process_sends_what_was_promised(
    own_servers: Stack, front: Front, signed_own: Tokens
) -> None:
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    urgent = await Tail.at_end(own_servers.kafka_bootstrap, "reports.urgent")
    sensors = await Tail.at_end(own_servers.kafka_bootstrap, "sensors.readings")
    own_servers.kill("kafka", signal.SIGSTOP)
    try:
        headers = signed_own("agent")
        answers = await asyncio.gather(*(front.ticket(headers, text=f"第{n}件") for n in range(40)))
        danger = await front.ticket(headers, text="楼里着火了", source_id="the-fire")
        reply = await front.client.post(READINGS, headers=signed_own("gateway"), json=[reading()])
        assert reply.json() == {"accepted": 1, "state": "spooled"}
        assert {answer["state"] for answer in [*answers, danger]} == {"spooled"}
        front.kill()
        await front.start()
        again = await front.ticket(headers, text="楼里着火了", source_id="the-fire")
        assert (again["number"], again["code"]) == (danger["number"], danger["code"])
        for number in (answers[7]["number"], danger["report_id"]):
            where = await front.client.get(f"/v1/reports/{number}", headers=headers)
            assert (where.status_code, where.json()["state"]) == (200, "spooled")
        answers += [await front.ticket(headers, text="重启之后")]
    finally:
        own_servers.kill("kafka", signal.SIGCONT)
    await front.until_ready(front.client)
    assert set(await complete(tail, {a["report_id"] for a in answers})) == {a["report_id"] for a in answers}
    assert set(await complete(urgent, {danger["report_id"]})) == {danger["report_id"]}
    assert len({dict(record.headers)["ce_id"] for record in await sensors.read(1)}) == 1
    reply = await front.client.post("/v1/hotline/tickets", headers=headers, json={"text": "x", "source_id": "the-fire"})
    assert (reply.status_code, reply.json()["code"]) == (422, "key_reused")


async def test_kafka_killed_and_started_anew(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    ledger: list[dict[str, Any]] = []
    stop = asyncio.Event()
    senders = [asyncio.create_task(sending(front, signed_own("agent"), stop, ledger)) for _ in range(4)]
    async with asyncio.timeout(TIMEOUT):
        while len(ledger) < 40:
            await asyncio.sleep(0.01)
    own_servers.kill("kafka", signal.SIGKILL)
    await front.until_ready(front.client, direct_normal=False)
    await asyncio.to_thread(own_servers.up, ["kafka"])
    assert kafka.is_ready(own_servers.ports, 30)
    await front.until_ready(front.client, direct_normal=True)
    before = len(ledger)
    async with asyncio.timeout(TIMEOUT):
        while len(ledger) < before + 40 or ledger[-1]["state"] != "accepted":
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*senders)
    sent = {answer["report_id"] for answer in ledger}
    assert {answer["state"] for answer in ledger} == {"spooled", "accepted"}
    assert set(await complete(tail, sent)) == sent


async def test_it_comes_up_without_kafka(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    own_servers.kill("kafka", signal.SIGSTOP)
    try:
        await front.start()
        answer = await front.ticket(signed_own("agent"), text="井盖缺失")
        assert answer["state"] == "spooled"
        said = (await front.client.get("/readyz")).json()
        assert not said["kafka"] and not said["direct_normal"]
    finally:
        own_servers.kill("kafka", signal.SIGCONT)
    await front.until_ready(front.client)
    assert set(await complete(tail, {answer["report_id"]})) == {answer["report_id"]}


async def test_a_full_spool_says_when_to_come_back(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    front.set("PAIDAN_SPOOL_LIMIT_BYTES", "6000")
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, NORMAL)
    own_servers.kill("kafka", signal.SIGSTOP)
    kept: list[str] = []
    headers = signed_own("agent")
    try:
        for n in range(40):
            reply = await front.client.post("/v1/hotline/tickets", headers=headers, json={"text": f"第{n}件"})
            if reply.status_code == 202:
                kept.append(reply.json()["report_id"])
        assert (reply.status_code, reply.json()["code"], reply.headers["retry-after"]) == (503, "spool_full", "10")
        reply = await front.client.post("/v1/hotline/tickets/bulk", headers=headers, json=[{"text": "甲"}] * 3)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "10")
        reply = await front.client.post(
            "/v1/hotline/tickets/bulk", headers=headers, json=[{"text": "甲"}, {"text": ""}]
        )
        assert [item["problem"]["code"] for item in reply.json()["items"]] == ["spool_full", "nothing_said"]
    finally:
        own_servers.kill("kafka", signal.SIGCONT)
    await front.until_ready(front.client, direct_normal=True)
    assert len(kept) > 3
    assert set(kept) <= set(await complete(tail, set(kept)))
    assert (await front.ticket(headers, text="又有空位"))["state"] == "accepted"
