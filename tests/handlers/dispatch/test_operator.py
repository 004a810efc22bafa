"""What an operator sees on his terminal, with the real database behind it: webhooks on a narrow one, and a city that is
stopped while he watches it."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from uuid import uuid4

import asyncpg
import psycopg
import pytest

from deploy.demo.tour import show_counts
from deploy.stack.lifecycle import Stack
from services.chassis.webhooks import deliveries
from services.chassis.webhooks.deliveries import Notice

FILE = '[[platform]]\nname = "city:hangzhou"\nurl = "http://127.0.0.1:9/in"\nsign_with = ["whsec_' + "A" * 44 + '"]\n'
BODY = '{"handover_id": "' + "7" * 90 + '"}'


class Operator:
    """A terminal of 80 columns."""

    def __init__(self, stack: Stack, platforms: Path) -> None:
        home = {"PAIDAN_HOME": str(stack.home.root), "PAIDAN_PORT_BASE": str(stack.ports.base), "COLUMNS": "80"}
        self._environment = os.environ | home | {"PAIDAN_PLATFORMS_FILE": str(platforms)}

    def paidan(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        command = [sys.executable, "-m", "deploy.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment, timeout=60)


@pytest.fixture
def operator(servers: Stack, tmp_path: Path) -> Operator:
    place = tmp_path / "platforms-of-operator.toml"
    place.write_text(FILE, encoding="utf-8")
    return Operator(servers, place)


async def test_ids_are_shown_whole_and_bodies_on_lines_of_their_own(pool: asyncpg.Pool, operator: Operator) -> None:
    notices = [Notice(uuid4(), "city:hangzhou", uuid4(), "handover.offered", BODY.encode()) for _ in range(2)]
    async with pool.acquire() as connection, connection.transaction():
        await deliveries.put(connection, notices)
    shown = operator.paidan("webhooks", "list").stdout
    for one in notices:
        assert f"{one.id}  city:hangzhou  handover.offered  waiting" in shown
    assert "handover_id" not in shown, "what was reported is shown only when asked for"
    lines = operator.paidan("webhooks", "list", "--bodies").stdout.splitlines()
    assert lines.count(f"  {BODY}") == 2


async def test_a_platform_that_nobody_knows_is_not_paused(pool: asyncpg.Pool, operator: Operator) -> None:
    done = operator.paidan("webhooks", "pause", "city:hangzhuo")
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert "nobody knows a platform 'city:hangzhuo'" in line and "city:hangzhou" in line
    assert await pool.fetchval("SELECT count(*) FROM webhook_pauses") == 0
    assert operator.paidan("webhooks", "pause", "city:hangzhou").returncode == 0
    async with pool.acquire() as connection, connection.transaction():
        await deliveries.put(connection, [Notice(uuid4(), "120", uuid4(), "handover.offered", b"{}")])
    assert operator.paidan("webhooks", "pause", "120").returncode == 0, "something waits for it"
    paused = await pool.fetch("SELECT destination FROM webhook_pauses ORDER BY 1")
    assert [row["destination"] for row in paused] == ["120", "city:hangzhou"]


def test_a_city_that_is_stopped_while_somebody_watches_ends_in_one_line(
    servers: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    failed: list[BaseException] = []

    def watch() -> None:
        try:
            show_counts(servers.database_url("paidan_audit"))
        except BaseException as error:
            failed.append(error)

    watching = threading.Thread(target=watch)
    watching.start()
    ended: tuple[int] | None = (0,)
    with psycopg.connect(servers.database_url("postgres"), autocommit=True) as connection:
        while watching.is_alive() and not (ended and ended[0]):
            ended = connection.execute(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))::int FROM pg_stat_activity"
                " WHERE usename = 'paidan_audit' AND state = 'idle' AND query LIKE '%dispatch.orders%'"
            ).fetchone()
    watching.join(10)
    assert not watching.is_alive() and not failed
    assert capfd.readouterr().out.splitlines()[-1].strip().startswith("the system was stopped")
