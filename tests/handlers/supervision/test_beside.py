"""What an operator starts beside the worker, as he starts it: policy diff, recompute, audit --clocks."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from deploy.cli import build
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process, spec_of
from services.chassis.city import load
from services.chassis.delivery import Seam
from services.supervision.handlers import OrdersHandler
from services.supervision.rules.stages import Promises
from services.supervision.settings import SupervisionSettings
from services.supervision.store import opened
from tests.city import small
from tests.rules.supervision_timeline.story import Story, minutes, records, tick
from tests.rules.supervision_timeline.toy import START


async def paidan(*words: str) -> Result:
    """The command, as from a shell."""
    return await asyncio.to_thread(CliRunner().invoke, build(), list(words))


def pack(directory: Path, *changes: tuple[str, str, str]) -> Path:
    directory.mkdir()
    small.write(directory)
    for file, old, new in changes:
        small.change(directory, file, old, new)
    return directory


async def runs_by(pool: asyncpg.Pool, servers: Stack, directory: Path) -> Promises:
    """A worker was started with that pack."""
    promises = Promises.of(load(directory))
    async with pool.acquire() as connection:
        await opened.remember_terms(connection, promises.data)
    stack = Stack(servers.home.root, servers.ports.base, str(directory))
    servers.home.specs.mkdir(parents=True, exist_ok=True)
    spec = spec_of(Process("supervision", "api"), stack.home, stack.env_for("supervision", "api"))
    (servers.home.specs / "supervision-api.json").write_text(spec.sealed())
    return promises


@pytest.fixture
def here(servers: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIDAN_HOME", str(servers.home.root))
    monkeypatch.setenv("PAIDAN_PORT_BASE", str(servers.ports.base))


@pytest.mark.usefixtures("here")
async def test_a_changed_limit_is_shown_switched_and_audited(
    pool: asyncpg.Pool, settings: SupervisionSettings, servers: Stack, tmp_path: Path
) -> None:
    old = pack(tmp_path / "old")
    changed = (
        ("policy.toml", 'version = "1"', 'version = "2"'),
        ("policy.toml", 'amount = 4\nunit = "work_day"', 'amount = 6\nunit = "work_day"'),
        ("calendar.csv", "2026-01-04", "2026-03-04,holiday,Founders\n2026-01-04"),
    )
    new = pack(tmp_path / "new", *changed)
    seam = Seam(OrdersHandler(await runs_by(pool, servers, old)), pool, settings)
    for number in range(3):
        await seam.handle(records(*Story(f"beside-{number}").opened(START + minutes(number)).outgoing()))
    await seam.handle(tick(START))

    shown = await paidan("policy", "diff", str(new), "--json")
    assert shown.exit_code == 0, shown.output
    told: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
    differences = [(each["what"], each["name"], each["before"], each["after"]) for each in told["changes"]]
    assert ("limit", "handle", "4 work_day", "6 work_day") in differences
    assert ("day", "small 2026-03-04", "ordinary", "holiday") in differences
    assert (told["orders"], told["moved_orders"], told["clocks"], told["earlier"]) == (3, 3, 6, 0)
    reasons = {group["why"] for group in told["groups"]}
    assert reasons == {"row handle: 4 work_day → 6 work_day", "calendar"}
    assert {(group["class"], group["unit"], group["stage"]) for group in told["groups"]} == {
        ("T/part/0101", "street-a", "handle"),
        ("T/part/0101", "centre-city", "total"),
    }
    await runs_by(pool, servers, new)
    done = await paidan("recompute")
    assert done.exit_code == 0, done.output
    assert "3 open orders read, 3 looked into, 3 moved" in done.output and "work_day" in done.output
    clean = await paidan("audit", "--clocks")
    assert clean.output.endswith("3 open orders and 0 special cases, 0 differences ✓\n")
    again = json.loads((await paidan("recompute", "--json")).stdout.splitlines()[-1])
    assert (again["looked_into"], again["moved_orders"]) == (0, 0)
    await pool.execute("UPDATE clocks SET due = due + interval '1 day' WHERE stage = 'total'")
    wrong = await paidan("audit", "--clocks", "--json")
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout.splitlines()[-1])["by_fault"] == {"clock_differs": 3}


@pytest.mark.usefixtures("here")
async def test_what_cannot_be_done_is_said_with_its_cause(pool: asyncpg.Pool, servers: Stack, tmp_path: Path) -> None:
    await pool.execute("TRUNCATE terms")
    old, other = pack(tmp_path / "old"), pack(tmp_path / "other", ("policy.toml", "amount = 5", "amount = 7"))
    never = await paidan("policy", "diff", str(old))
    assert never.exit_code == 2 and "no worker has ever run here" in never.output
    await runs_by(pool, servers, other)
    await runs_by(pool, servers, old)
    async with pool.acquire() as connection:
        await opened.remember_terms(connection, Promises.of(load(other)).data)
    refused = await paidan("recompute")
    assert refused.exit_code == 2 and "the worker runs by other terms than small 1, policy 1" in refused.output
    broken = pack(tmp_path / "broken", ("policy.toml", 'unit = "work_hour"', 'unit = "fortnight"'))
    faulty = await paidan("policy", "diff", str(broken))
    assert faulty.exit_code == 2 and "policy.toml:6: unit: Invalid enum value 'fortnight'" in faulty.output
    nowhere = await paidan("policy", "diff", "atlantis")
    assert nowhere.exit_code == 2 and "there is no city pack 'atlantis'" in nowhere.output
