"""A city at work, its views made anew under it: the same rows, nothing missed, nothing said twice, kills harmless."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from deploy.audit.findings import Finding
from deploy.audit.run import audit, settle, spooled
from deploy.cli.rebuild import steps_of
from deploy.demo.teller import Teller
from deploy.simulator import Mix
from deploy.simulator.run import Plan
from deploy.stack.lifecycle import Stack
from deploy.stack.trouble import Trouble
from tests.journeys.test_simulated_city import run
from tests.journeys.test_special_cases import Gathered

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]

VIEWS = {
    "supervision": {
        "orders": "SELECT * FROM supervision.orders ORDER BY order_id",
        "cases": "SELECT case_id AS order_id, seq, division, timeline FROM supervision.special_cases ORDER BY case_id",
        "clocks": "SELECT * FROM supervision.clocks ORDER BY order_id, clock_id",
        "pending": "SELECT order_id, seq FROM supervision.pending ORDER BY order_id, seq",
    },
    "router": {
        "matters": "SELECT * FROM router.matters ORDER BY order_id",
        # a key has a row for each time it was touched; only the newest is ever found
        "keys": "SELECT key, order_id, max(last_at) FROM router.matter_keys GROUP BY 1, 2 ORDER BY 1, 2",
    },
}
# Orders to which something happened since a moment, if only that a deadline came near.
STIRRED = (
    "SELECT order_id FROM supervision.notices WHERE at >= '{0}' OR withdrawn_at >= '{0}'"
    " UNION SELECT order_id FROM dispatch.history WHERE recorded_at >= '{0}'"
    " UNION SELECT case_id FROM dispatch.special_case_history WHERE recorded_at >= '{0}'"
)
TWICE = "SELECT count(*) FROM supervision.notices WHERE times > 1 OR withdrawn_at IS NOT NULL"
SPOILT = {
    "supervision": (
        "DELETE FROM supervision.clocks WHERE get_byte(uuid_send(order_id), 0) < 64",
        "UPDATE supervision.orders SET seq = seq + 3, division = 'x' WHERE get_byte(uuid_send(order_id), 0) > 192",
        "DELETE FROM supervision.orders WHERE get_byte(uuid_send(order_id), 0) BETWEEN 64 AND 96",
        "DELETE FROM supervision.special_cases",
        "DELETE FROM supervision.clocks WHERE stage = 'commitment'",
        "UPDATE supervision.clocks SET due = due + interval '1 day', state = 'met', next_at = NULL, next_notice = NULL"
        " WHERE get_byte(uuid_send(order_id), 0) BETWEEN 97 AND 128",
    ),
    "router": (
        "DELETE FROM router.matters WHERE get_byte(uuid_send(order_id), 0) < 64",
        "UPDATE router.matters SET closed = NOT closed, reports = 1, seq = 0"
        " WHERE get_byte(uuid_send(order_id), 0) > 192",
        "DELETE FROM router.matter_keys WHERE get_byte(uuid_send(order_id), 0) > 128",
    ),
}


def asked(whole: Stack, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(whole.database_url("postgres"), row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def seen(whole: Stack, view: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of a view."""
    return {name: asked(whole, query) for name, query in VIEWS[view].items()}


def at_rest(whole: Stack) -> None:
    """Nothing moves any more."""
    assert settle(whole.kafka_bootstrap, whole.database_url("paidan_audit"), 90, lambda _: None)


def out_of_place(whole: Stack) -> set[Finding]:
    """What the audit finds on a stack at rest, which other tests may have harmed before."""
    waiting = spooled(whole.home.state_of("intake") / "spool")
    return set(audit(whole.kafka_bootstrap, whole.database_url("paidan_audit"), waiting, datetime.now(UTC)).findings)


def anew(whole: Stack, view: str, told: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
    """Rebuild as the operator does; what it counted."""
    said: dict[str, Any] = {}
    for said in steps_of(whole, view):
        told(said)
    return said


def differing(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[Any]:
    """The first few rows that are not the same, by what is not the same of them."""
    if len(before) != len(after):
        return [len(before), len(after)]
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    return [{key: (a[key], b[key]) for key in a if a[key] != b[key]} | {"of": a["order_id"]} for a, b in pairs[:5]]


def unchanged_by(whole: Stack, view: str, *changes: Callable[[], object]) -> None:
    """A view is row by row the same after each change, but for the few orders to which something happened meanwhile."""
    at_rest(whole)
    (began,) = asked(whole, "SELECT clock_timestamp() AS at")
    before, twice, harmed = seen(whole, view), asked(whole, TWICE), out_of_place(whole)
    for change in changes:
        change()
        at_rest(whole)
        after = seen(whole, view)
        stirred = {row["order_id"] for row in asked(whole, STIRRED.format(began["at"].isoformat()))}
        assert asked(whole, TWICE) == twice, "nothing is said twice, nothing taken back"
        for name, rows in before.items():
            calm = [row for row in rows if row["order_id"] not in stirred]
            assert len(calm) >= len(rows) / 2, "a city too busy to compare"
            assert differing(calm, [row for row in after[name] if row["order_id"] not in stirred]) == [], name
        assert out_of_place(whole) <= harmed, "every report is in its place, once"


async def a_city(whole: Stack, tmp_path: Path, seconds: float, rate: float, name: str) -> None:
    """Reports in every way, people who work on the orders; every one is found again afterwards."""
    plan = Plan(
        seed=33,
        run=f"rebuild-{name}-{tmp_path.name}",
        duration_s=seconds,
        rate=rate,
        speed_up=120,
        mix=Mix(sensors=1),
        way="bulk",
        responders=3,
        patience_s=120,
    )
    tally, outcome = await run(whole, plan)
    assert outcome.clean, (outcome.missing[:5], outcome.without_clock[:5])
    assert tally.steps["accept"] > 0


def gathered(teller: Teller) -> None:
    """A special case of three orders, with a commitment that is answered and one that was missed."""
    taken = {row["order_id"] for row in asked(teller.stack, "SELECT order_id FROM dispatch.special_case_orders")}
    closed = (teller.get("dispatch", "/v1/orders?limit=200") or {})["items"]
    free = [order["order_id"] for order in closed if UUID(order["order_id"]) not in taken][:3]
    case = Gathered(teller, free, "310000-centre")
    now = datetime.now(UTC)
    due = {"310106-centre": now + timedelta(days=1), "310101-centre": now + timedelta(seconds=1)}
    case.do(
        "meeting",
        held_at=(now - timedelta(seconds=1)).isoformat(),
        units=list(due),
        matter="清运",
        decided="整改",
        outcome="agreed",
        commitments=[{"text": "整改", "unit": unit, "due": until.isoformat()} for unit, until in due.items()],
    )
    case.on(0, "answer", "310106-centre", answer="已整改")
    case.until("the miss", lambda shown: bool(shown["commitments"][1]["missed"]))


@pytest.fixture(scope="module", autouse=True)
async def _lived(whole: Stack, teller: Teller, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Some hundred orders, whichever test comes first, and two special cases of some of them."""
    await a_city(whole, tmp_path_factory.mktemp("lived"), seconds=5, rate=80, name="before")
    for _ in range(2):
        gathered(teller)


async def test_views_made_anew_under_traffic_are_the_live_ones(whole: Stack, tmp_path: Path) -> None:
    traffic = asyncio.create_task(a_city(whole, tmp_path, seconds=10, rate=100, name="during"))
    made = 0
    while not traffic.done():
        for view in VIEWS:
            counted = await asyncio.to_thread(anew, whole, view)
            assert counted["facts"] > 0 and counted.get("lost", 0) == 0
            made += 1
    await traffic
    assert made >= 2
    for view in VIEWS:
        unchanged_by(whole, view, lambda view=view: anew(whole, view))  # type: ignore[misc]
    assert asked(whole, "SELECT count(*) FROM dispatch.orders")[0]["count"] > 500


@pytest.mark.parametrize("view", list(VIEWS))
def test_killed_in_the_middle_the_live_view_is_untouched(whole: Stack, view: str) -> None:
    def killed() -> None:
        def kill(said: dict[str, Any]) -> None:
            if said.get("step") == "history":  # of the last words some may be read after the end
                for child in psutil.Process(os.getpid()).children():
                    with suppress(psutil.Error):  # one that ended by now
                        if "rebuild" in child.cmdline():
                            child.send_signal(signal.SIGKILL)

        with pytest.raises(Trouble, match="as it was"):
            anew(whole, view, kill)

    unchanged_by(whole, view, killed, lambda: anew(whole, view))


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_spoilt_view_becomes_whole(whole: Stack, view: str) -> None:
    def spoilt() -> None:
        with psycopg.connect(whole.database_url("postgres"), autocommit=True) as connection:
            for statement in SPOILT[view]:
                assert connection.execute(statement).rowcount > 0  # type: ignore[arg-type]
        anew(whole, view)

    unchanged_by(whole, view, spoilt)


def test_the_command_says_what_it_did_and_what_it_cannot(whole: Stack) -> None:
    environment = dict(os.environ) | {"PAIDAN_HOME": str(whole.home.root), "PAIDAN_PORT_BASE": str(whole.ports.base)}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.cli", "rebuild", *words], env=environment, capture_output=True, text=True
        )

    done = command("supervision", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["view"] == "supervision" and said["facts"] > 0 and said["withdrawn"] == 0
    with psycopg.connect(whole.database_url("postgres")) as connection:
        connection.execute("SELECT pg_advisory_lock(0, %s)", [crc32(b"rebuild:supervision") & 0x7FFFFFFF])
        refused = command("supervision")
    assert refused.returncode == 2 and "under way" in refused.stderr
    assert command("intake").returncode == 2
