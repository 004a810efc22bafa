"""paidan simulate: a believable city at work on the running stack."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.cli.stack import AsJson, City, explaining
from deploy.simulator.front_door import NotTaken
from deploy.simulator.grammar import GrammarFault
from deploy.simulator.reconcile import Outcome
from deploy.simulator.run import Addresses, Plan, simulate
from deploy.simulator.run import Progress as Where
from deploy.simulator.stream import Mix
from deploy.simulator.tally import Tally
from deploy.simulator.traits import TRAITS
from deploy.stack.home import Home
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.ports import base_of_environment
from deploy.stack.processes import city_folder
from deploy.stack.trouble import Trouble
from services.chassis.city import load

__all__ = ["mix_of", "register"]

_LONGEST = timedelta(days=29)  # intake takes no time further back than thirty days
_SHOWN = 20
_APIS = ("intake-api", "dispatch-api", "supervision-api")

Shares = Annotated[str, typer.Option(help="Shares by channel; sensors=0 leaves out the devices.")]
SpeedUp = Annotated[float, typer.Option(min=1, help="Simulated seconds in one second; simulated time ends now.")]
LedgerFile = Annotated[
    Path | None, typer.Option(help="Append every accepted report to this file, one JSON object a line.")
]
RunName = Annotated[
    str, typer.Option(help="Name of the run; the same name and seed send the same ids. Default: the time.")
]


def run_simulate(
    rate: Annotated[float, typer.Option(min=0.01, help="Reports a second, the mean over the run.")] = 5.0,
    duration: Annotated[float, typer.Option(min=1, help="Seconds to send.")] = 60.0,
    mix: Shares = "hotline=68,police=20,patrol=12,sensors=1",
    seed: Annotated[int, typer.Option(help="The same seed gives the same city.")] = 1,
    speed_up: SpeedUp = 1.0,
    bulk: Annotated[bool, typer.Option("--bulk", help="Send in bulk over HTTP.")] = False,
    single: Annotated[bool, typer.Option("--single", help="Send one by one over HTTP (the default).")] = False,
    kafka: Annotated[bool, typer.Option("--kafka", help="Write to Kafka directly.")] = False,
    responders: Annotated[int, typer.Option(min=0, max=200, help="How many people work off the queues.")] = 4,
    storm: Annotated[bool, typer.Option("--storm", help="A storm in the middle: many alarms, few sites.")] = False,
    city: City = "shanghai",
    ledger: LedgerFile = None,
    run: RunName = "",
    patience: Annotated[float, typer.Option(min=1, help="Seconds without any progress before giving up.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Let a city report and its responders work, then say what came of every report. 城市模拟

    Calls, 110 hand-overs, patrol findings and sensor readings arrive along the day's curve; responders accept, come
    back late or forget. Afterwards every report that was accepted is looked up in dispatch, and every order's clocks
    in supervision. Exit code 0 when all are there, 1 when one is missing.

    A quiet minute:      paidan simulate
    A day in a minute:   paidan simulate --speed-up 1440 --rate 50 --bulk
    A storm:             paidan simulate --storm --rate 40 --speed-up 240
    """
    console = Console(stderr=as_json)
    with explaining():
        plan = Plan(
            seed=seed,
            run=run or f"{datetime.now(UTC):%Y%m%d%H%M%S}",
            duration_s=duration,
            rate=rate,
            speed_up=speed_up,
            mix=mix_of(mix),
            storm=storm,
            way=_way(bulk, single, kafka),
            responders=responders,
            patience_s=patience,
            ledger=ledger,
        )
        _check_length(plan)
        tally, outcome = _run(plan, city, console)
    if as_json:
        print(json.dumps(as_data(plan, tally, outcome), ensure_ascii=False, indent=1))
    else:
        _show(plan, tally, outcome, console)
    if not outcome.clean:
        raise typer.Exit(1)


def _way(bulk: bool, single: bool, kafka: bool) -> str:
    if bulk + single + kafka > 1:
        raise Trouble("--bulk, --single and --kafka exclude each other", "give one of them")
    return "bulk" if bulk else "kafka" if kafka else "single"


def _check_length(plan: Plan) -> None:
    if plan.duration_s * plan.speed_up > _LONGEST.total_seconds():
        raise Trouble(
            f"{plan.duration_s:g} s at {plan.speed_up:g}-fold speed is more than {_LONGEST.days} days",
            "choose a smaller --speed-up or --duration",
        )


def mix_of(text: str) -> Mix:
    """The mix of `hotline=68,police=20`; a channel left out has no share. Raises Trouble for anything else."""
    known = set(Mix.__struct_fields__)
    shares: dict[str, float] = dict.fromkeys(known, 0.0)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = part.partition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            shares = {}
        if set(shares) != known or not 0 <= shares[name] < 1e9:
            raise Trouble(f"--mix {part}", f"write it as name=share, with the names {', '.join(sorted(known))}")
    if shares["hotline"] + shares["police"] + shares["patrol"] <= 0:
        raise Trouble("--mix has nobody who reports", "give hotline, police or patrol a share")
    return Mix(**shares)


def _run(plan: Plan, city: str, console: Console) -> tuple[Tally, Outcome]:
    home = Home.of_environment()
    stack = Stack(home.root, base_of_environment(), city)
    intake, dispatch, supervision = (f"http://127.0.0.1:{stack.ports.of(name)}" for name in _APIS)
    at = Addresses(intake, dispatch, supervision, stack.kafka_bootstrap)

    def token(role: str, unit: str) -> str:
        return issue_token(role, subject=f"simulator-{role}{'-' if unit else ''}{unit}", unit=unit or None, home=home)

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("sending 发送", total=1.0)

        def watch(where: Where) -> None:
            progress.update(task, completed=where.share, description=_doing(where))

        try:
            return asyncio.run(simulate(load(city_folder(city)), plan, at, token, watch))
        except NotTaken as trouble:
            raise Trouble(str(trouble), "paidan status tells what runs; start it with: paidan up") from trouble
        except GrammarFault as fault:
            raise Trouble(str(fault), "see docs/simulator.md") from fault


def _doing(where: Where) -> str:
    done = sum(where.tally.steps[name] for name in ("accept", "finish", "close"))
    counts = f"{len(where.tally.accepted)} accepted 受理" + (f", {done} steps 处置" if done else "")
    return ("sending 发送" if where.doing == "sending" else "reconciling 对账") + f" · {counts}"


def as_data(plan: Plan, tally: Tally, outcome: Outcome) -> dict[str, Any]:
    """The summary as one JSON document."""
    return {
        "run": plan.run,
        "seed": plan.seed,
        "way": plan.way,
        "sent": dict(tally.sent),
        "traits": {name: tally.traits[name] for name in TRAITS},
        "accepted": outcome.accepted,
        "accepted_as": dict(tally.states),
        "refused": dict(tally.refused),
        "readings": {"accepted": tally.readings, "refused": tally.readings_refused},
        "sent_again": tally.again,
        "behind_s": round(tally.behind_s, 3),
        "responders": dict(tally.steps),
        "reports": dict(outcome.states),
        "orders": len(outcome.orders),
        "order_status": dict(outcome.order_states),
        "alarm_orders": outcome.alarms,
        "breaches": outcome.breaches,
        "agreement": {name: {"right": right, "of": of} for name, (right, of) in outcome.agreement.items()},
        "missing": [str(report) for report in outcome.missing],
        "orders_without_clock": [str(order) for order in outcome.without_clock],
        "clean": outcome.clean,
    }


def _show(plan: Plan, tally: Tally, outcome: Outcome, console: Console) -> None:
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("sent 发送", _counts(tally.sent))
    table.add_row("traits 语言特征", "\n".join(f"{name} {tally.traits[name]}" for name in TRAITS))
    table.add_row("accepted 受理", f"{outcome.accepted} reports, {tally.readings} readings")
    if tally.refused or tally.readings_refused:
        table.add_row("refused 拒收", _counts(tally.refused + Counter(readings=tally.readings_refused)))
    table.add_row("reports 来件", _counts(outcome.states))
    table.add_row("orders 工单", f"{len(outcome.orders)} · now {_counts(outcome.order_states)}")
    if outcome.alarms:
        table.add_row("alarms 告警工单", str(outcome.alarms))
    table.add_row("breaches 超期", str(outcome.breaches))
    if tally.steps:
        table.add_row("responders 处置人", _counts(tally.steps))
    for name, (right, of) in outcome.agreement.items():
        if of:
            table.add_row(f"{name} as meant 符合本意", f"{right / of:.1%} of {of}")
    if tally.behind_s > 1:
        table.add_row("behind 滞后", f"at most {tally.behind_s:.1f} s: this rate was more than the way in takes")
    console.print(table)
    for what, ids in (("missing 丢失", outcome.missing), ("without a clock 无计时", outcome.without_clock)):
        for one in ids[:_SHOWN]:
            console.print(f"[red]{what}[/] {one}")
        if len(ids) > _SHOWN:
            console.print(f"… and {len(ids) - _SHOWN} more (--json prints all)")
    verdict = "[green]every report is in its place 全部对上 ✓[/]" if outcome.clean else "[red]not clean 有缺失 ✗[/]"
    console.print(f"run {plan.run}: {outcome.accepted} accepted, {len(outcome.missing)} missing · {verdict}")


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common() if count) or "nothing"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(run_simulate)
