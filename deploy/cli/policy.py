"""paidan policy diff · recompute: what other terms would move, and moving it."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.cli.stack import AsJson, city_of, explaining, stack_here
from deploy.stack.beside import said_by
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process, city_folder
from services.chassis.city import CityFaults, load

__all__ = ["register"]

SHOWN = 40
_LOGS_OWN = ("event", "level", "timestamp", "service", "process", "logger")
policy = typer.Typer(no_args_is_help=True, help="Time limits and calendars: what a change would move. 时限政策")
Everything = Annotated[
    bool, typer.Option("--all", help="Look into every open order, not only those a change can touch.")
]


@policy.callback()
def _policy() -> None:
    """Time limits and calendars: what a change would move. 时限政策"""


@policy.command()
def diff(
    pack: Annotated[str, typer.Argument(help="The changed pack: a name below deploy/cities, or a folder.")],
    everything: Everything = False,
    as_json: AsJson = False,
) -> None:
    """What a changed policy or calendar would move among the open orders, before it is switched. 变更预演

    Says how the pack differs from the one that the running worker goes by (rows, days, versions), then which clocks
    would have another deadline: by class, unit and stage, with the reason. Nothing is written. Exit code 0 whether or
    not anything would move; 2 when the pack has faults or supervision never ran.
    """
    with explaining():
        folder = city_folder(pack)
        try:
            load(folder)
        except CityFaults as trouble:
            for fault in trouble.faults:
                print(fault, file=sys.stderr)
            raise typer.Exit(2) from None
        told = _ran(Stack(*_place(), str(folder)), "preview", "previewed", everything, as_json)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    print(f"{told['before']} → {told['after']}")
    for change in told["changes"][:SHOWN]:
        print(f"  {change['what']} {change['name']}: {change['before'] or '—'} → {change['after'] or '—'}")
    _cut(told["changes"])
    _print(told, "would move 将变动")


def recompute(everything: Everything = False, as_json: AsJson = False) -> None:
    """Bring the clocks of all open orders under the present policy and calendars; report what moved and why. 重算时限

    Use it after the pack was changed and the services were started anew with it (`paidan down`, `paidan up`). The city
    works on meanwhile. Moved clocks are announced, misses that are none any more are taken back. Ended half-way it can
    begin again. Orders that ended stay as they were judged.
    """
    with explaining():
        stack = stack_here()
        stack = Stack(stack.home.root, stack.ports.base, city_of(stack, "supervision"))
        told = _ran(stack, "recompute", "recomputed", everything, as_json)
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    print(told["terms"])
    _print(told, "moved 已变动")


def _place() -> tuple[Any, int]:
    stack = stack_here()
    return stack.home.root, stack.ports.base


def _ran(stack: Stack, part: str, end: str, everything: bool, quiet: bool) -> dict[str, Any]:
    environment = {"PAIDAN_EVERYTHING": "true"} if everything else {}
    advice = "what was moved until then stays moved; mend that and begin again"
    steps = said_by(stack, Process("supervision", part), ("recomputing", end), environment, advice)
    told = [*_with_bar(steps, quiet)][-1]
    return {key: value for key, value in told.items() if key not in _LOGS_OWN}


def _with_bar(steps: Iterator[dict[str, Any]], quiet: bool) -> Iterator[dict[str, Any]]:
    columns = (TextColumn("{task.fields[orders]} orders"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=quiet or not sys.stdout.isatty(), transient=True) as bar:
        task = bar.add_task("", total=1.0, orders=0)
        for step in steps:
            bar.update(task, completed=step.get("share", 1.0), orders=step.get("orders", 0))
            yield step


def _print(told: dict[str, Any], verb: str) -> None:
    print(
        f"{told['orders']} open orders read, {told['looked_into']} looked into, {told['moved_orders']} {verb}: "
        f"{told['clocks']} clocks, {told['earlier']} earlier, {told['later']} later; "
        f"{told['misses_taken_back']} misses taken back, {told['past_due']} past the new deadline"
    )
    if not told["groups"]:
        return
    table = Table(box=None, header_style="bold")
    for heading in ("class 类别", "unit 单位", "stage 环节", "why 原因"):
        table.add_column(heading)
    for heading in ("clocks", "earlier", "later", "hours on average"):
        table.add_column(heading, justify="right")
    for group in told["groups"][:SHOWN]:
        texts = (group["class"], group["unit"], group["stage"], group["why"])
        table.add_row(*texts, *(str(group[name]) for name in ("clocks", "earlier", "later")), f"{group['hours']:+.2f}")
    Console(width=None if sys.stdout.isatty() else 160, soft_wrap=True).print(table)
    _cut(told["groups"])


def _cut(items: list[Any]) -> None:
    if len(items) > SHOWN:
        print(f"  … and {len(items) - SHOWN} more (--json prints all)")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(policy, name="policy")
    app.command("recompute")(recompute)
