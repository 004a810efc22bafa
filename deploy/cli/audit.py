"""paidan audit: is every accepted report in its place?"""

import json
import sys
from collections import Counter
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from deploy.audit.findings import Report
from deploy.audit.run import reconcile
from deploy.cli.stack import AsJson, city_of, explaining, stack_here
from deploy.stack.beside import said_by
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process

__all__ = ["register"]

SHOWN = 50


def run_audit(
    as_json: AsJson = False,
    of_clocks: Annotated[
        bool, typer.Option("--clocks", help="Only clocks: what should have fired, recomputed from the facts.")
    ] = False,
    patience: Annotated[float, typer.Option(help="Seconds to wait for what is on its way.")] = 60.0,
) -> None:
    """Reconcile every accepted report: spool, Kafka, router, dispatch, supervision. 对账

    Names each report that is missing, doubled, orphaned or without a clock. Exit code 0 only when all is in its place;
    1 when something is not; 3 when what was on its way did not arrive in time. The system may go on working.

    With --clocks: computes every clock that may still move anew from its order's facts, the policy and the calendars,
    and compares deadlines, states and notices with what is stored. Exit code 1 when any differs. 时限审计
    """
    if of_clocks:
        _run_clocks(as_json)
        return
    with explaining():
        stack = stack_here()
        url = stack.database_url("paidan_audit")
        spool = stack.home.state_of("intake") / "spool"
        arrived, found = reconcile(
            stack.kafka_bootstrap, url, spool, patience, lambda line: print(f"  {line}", file=sys.stderr)
        )
    if not arrived:
        print(
            "what was on its way did not arrive in time: what follows is provisional · 在途未按时到达，结果仅供参考",
            file=sys.stderr,
        )
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print(found)
    if not arrived:
        raise typer.Exit(3)
    if not found.clean:
        raise typer.Exit(1)


def _run_clocks(as_json: bool) -> None:
    with explaining():
        stack = stack_here()
        stack = Stack(stack.home.root, stack.ports.base, city_of(stack, "supervision"))
        steps = said_by(stack, Process("supervision", "audit"), ("audited",), {}, "nothing was changed")
        told = [*steps][-1]
    counts = Counter(each["fault"] for each in told["told"])
    if as_json:
        names = ("orders", "cases", "clocks", "differences", "told")
        print(json.dumps({name: told[name] for name in names} | {"by_fault": counts}, ensure_ascii=False))
    else:
        for each in told["told"][:SHOWN]:
            print(
                f"{each['fault']} {each['stage']} order {each['order_id']} clock {each['clock_id']} · {each['detail']}"
            )
        if told["differences"] > SHOWN:
            print(f"… and {told['differences'] - SHOWN} more (--json prints up to a thousand)")
        print(
            f"clock audit 时限审计: {told['clocks']} clocks of {told['orders']} open orders and {told['cases']} special"
            f" cases, {told['differences']} differences" + ("" if told["differences"] else " ✓")
        )
    if told["differences"]:
        raise typer.Exit(1)


def _print(found: Report) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140, soft_wrap=True)
    table = Table(box=None, header_style="bold")
    for heading in ("channel 渠道", "hour (UTC)"):
        table.add_column(heading)
    for heading in ("accepted 受理", "decided 研判", "dispatched 派单", "clocked 计时", "faults"):
        table.add_column(heading, justify="right")
    for line in found.lines:
        table.add_row(
            line.channel,
            line.hour,
            *(str(n) for n in (line.accepted, line.decided, line.dispatched, line.clocked, line.faults)),
        )
    console.print(table)
    for finding in found.findings[:SHOWN]:
        console.print(f"[red]{finding.fault}[/red] {finding.store} {finding.id} {finding.channel} · {finding.detail}")
    if len(found.findings) > SHOWN:
        console.print(f"… and {len(found.findings) - SHOWN} more (--json prints all)")
    for what, count in sorted(found.dead_letters.items()):
        console.print(f"dead letters: {what} {count}")
    total = sum(line.accepted for line in found.lines)
    reports = len({f.id for f in found.findings})
    console.print(f"audit 对账: {total} accepted, {reports} out of place" + (" ✓" if found.clean else ""))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(run_audit)
