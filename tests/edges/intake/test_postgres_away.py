"""PostgreSQL stopped or not yet there: reports go on, each with the number its keys give it."""

import asyncio
import os
import signal

import psutil
import pytest

from deploy.stack.lifecycle import Stack
from tests.edges.intake.conftest import Tokens
from tests.edges.intake.front import Front
from tests.harness.kafka import Tail

pytestmark = pytest.mark.slow


def stopped_postgres(stack: Stack) -> list[int]:
    """Stop the server with all its children; their process ids."""
    pid = stack.pid("postgres")
    assert pid is not None
    pids = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    return pids


def go_on(pids: list[int]) -> None:
    """Let stopped processes run again."""
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


async def test_without_postgres_reports_go_on(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    await front.start()
    await front.until_ready(front.client)
    tail = await Tail.at_end(own_servers.kafka_bootstrap, "reports.normal")
    headers = signed_own("agent")
    stopped = stopped_postgres(own_servers)
    loop = asyncio.get_running_loop()
    try:
        first = await front.ticket(headers, text="甲", source_id="s1")
        began = loop.time()
        answers = [await front.ticket(headers, text="甲", source_id="s1") for _ in range(20)]
        assert loop.time() - began < 5, "a database that is away must not cost every request its wait"
        assert all((a["number"], a["code"]) == (first["number"], first["code"]) for a in answers)
        assert not (await front.client.get("/readyz")).json()["keys"]
    finally:
        go_on(stopped)
    await front.until_ready(front.client, keys=True)
    keyed = headers | {"idempotency-key": "k1"}
    one, two = [await front.ticket(keyed, text="乙") for _ in range(2)]
    assert one == two and one["number"] != first["number"]
    reply = await front.client.post("/v1/hotline/tickets", headers=keyed, json={"text": "丙"})
    assert (reply.status_code, reply.json()["code"]) == (422, "key_reused")
    ids = {(record.key or b"").decode() for record in await tail.read(22)}
    assert ids == {first["report_id"], one["report_id"]}


async def test_it_comes_up_without_postgres(own_servers: Stack, front: Front, signed_own: Tokens) -> None:
    stopped = stopped_postgres(own_servers)
    try:
        await front.start()
        await front.until_ready(front.client, kafka=True, keys=False)
        answer = await front.ticket(signed_own("agent"), text="甲", source_id="s2")
    finally:
        go_on(stopped)
    await front.until_ready(front.client)
    assert await front.ticket(signed_own("agent"), text="甲", source_id="s2") == answer
