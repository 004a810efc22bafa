"""The simulated city on the whole stack: whatever way reports come in, each one is found again, and a loss is named."""

from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from deploy.simulator import Mix
from deploy.simulator.ledger import read_ledger
from deploy.simulator.reconcile import Outcome
from deploy.simulator.run import Addresses, Plan, Progress, simulate
from deploy.simulator.tally import Tally
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


async def run(whole: Stack, plan: Plan) -> tuple[Tally, Outcome]:
    """One run on the stack."""

    def token(role: str, unit: str) -> str:
        return issue_token(role, subject=f"simulator-{role}-{unit}", unit=unit or None, home=whole.home)

    def watch(progress: Progress) -> None:
        assert 0 <= progress.share <= 1

    at = Addresses(
        *(f"http://127.0.0.1:{whole.ports.of(name)}" for name in ("intake-api", "dispatch-api", "supervision-api")),
        whole.kafka_bootstrap,
    )
    return await simulate(load(city_folder("shanghai")), plan, at, token, watch)


def plan(way: str, tmp_path: Path) -> Plan:
    return Plan(
        seed=21,
        run=f"journey-{way}-{tmp_path.name}",
        duration_s=5,
        rate=12,
        speed_up=60,
        mix=Mix(sensors=0),
        way=way,
        ledger=tmp_path / "ledger.jsonl",
    )


@pytest.mark.parametrize("way", ["single", "bulk", "kafka"])
async def test_every_accepted_report_is_found_again(way: str, whole: Stack, tmp_path: Path) -> None:
    tally, outcome = await run(whole, plan(way, tmp_path))
    assert outcome.clean, (outcome.missing, outcome.without_clock)
    assert outcome.accepted == sum(tally.sent.values()) > 30
    assert {entry.report_id for entry in read_ledger(tmp_path / "ledger.jsonl")} == set(tally.accepted)
    assert sum(outcome.states.values()) == outcome.accepted
    right, of = outcome.agreement["place"]
    assert of > 5 and right / of > 0.7


async def test_sensors_and_responders_take_part(whole: Stack, tmp_path: Path) -> None:
    with_life = msgspec.structs.replace(
        plan("single", tmp_path), mix=Mix(), responders=2, storm=True, run=tmp_path.name
    )
    tally, outcome = await run(whole, with_life)
    assert outcome.clean, (outcome.missing, outcome.without_clock)
    assert tally.readings > 50
    assert tally.steps["accept"] > 0


async def test_a_report_that_never_came_is_named(whole: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ghost = UUID("00000000-0000-4000-8000-000000000007")
    taken = Tally.__init__

    def with_a_ghost(self: Tally) -> None:
        taken(self)
        self.accepted[ghost] = None

    monkeypatch.setattr(Tally, "__init__", with_a_ghost)
    short = msgspec.structs.replace(plan("bulk", tmp_path), duration_s=2.0, patience_s=4.0)
    _, outcome = await run(whole, short)
    assert outcome.missing == [ghost] and not outcome.clean
