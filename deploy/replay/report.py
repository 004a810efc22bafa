"""What a comparison came to, for people and for programs."""

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from deploy.replay.compare import Disagreement, Outcome, Tally
from deploy.replay.records import ZONE

LEAST_AGREEMENT = 0.99
LEAST_FLAGS = 0.999  # of the rows whose deadline is the same: a closing may fall into the seconds between
SHOWN = 12


def passes(outcome: Outcome) -> bool:
    """Whether every row was found, at least 99 % of the deadlines that have a rule are the published ones, and the
    on-time flags follow from them."""
    total = outcome.total
    flags = total.flags_equal_at_equal >= LEAST_FLAGS * total.flags_at_equal
    return not total.missing and total.ruled > 0 and total.agreement >= LEAST_AGREEMENT and flags


def as_data(outcome: Outcome, source: str) -> dict[str, Any]:
    """The whole outcome as plain data."""
    return {
        "source": source,
        "passes": passes(outcome),
        "periods": {
            name: msgspec.structs.asdict(tally)
            | {"coverage": round(tally.coverage, 5), "agreement": round(tally.agreement, 5)}
            for name, tally in outcome.periods.items()
        },
        "disagreements_by_kind": [
            {"kind": kind, "rows": rows, "flags": flags} for kind, rows, flags in outcome.kinds()
        ],
        "without_rule": dict(outcome.unruled.most_common()),
        "disagreements": [msgspec.to_builtins(found) for found in outcome.disagreements],
    }


def show(outcome: Outcome, console: Console) -> None:
    """Print coverage and agreement by period, then why rows differ, then the first of them."""
    table = Table(box=None, header_style="bold")
    table.add_column("opened 受理", no_wrap=True)
    for heading in ("rows", "targets", "ruled", "coverage", "equal", "agreement", "flags equal"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, tally in outcome.periods.items():
        table.add_row(name, *_cells(tally))
    console.print(table)
    total = outcome.total
    console.print(
        f"flags where the deadline is the same: {total.flags_equal_at_equal:,} of {total.flags_at_equal:,} equal · "
        f"deadlines equal to the second: {total.second:,} · "
        f"promised by a rule where nothing was published: {total.unpromised:,}"
    )
    if total.missing:
        console.print(f"[red]{total.missing} rows were never found again[/red]")
    if outcome.disagreements:
        console.print(f"\n[bold]{len(outcome.disagreements)} rows differ[/bold] · 不一致")
        for kind, rows, flags in outcome.kinds():
            console.print(f"  {rows:>5}  {kind}" + (f", {flags} with another flag" if flags else ""))
        for found in outcome.disagreements[:SHOWN]:
            console.print(f"  {_line(found)}", highlight=False)
        if len(outcome.disagreements) > SHOWN:
            console.print(f"  … and {len(outcome.disagreements) - SHOWN} more (--json prints all)")
    if outcome.unruled:
        console.print(f"\n[bold]{sum(outcome.unruled.values())} targets without a rule[/bold] · 无规则")
        console.print("  " + " · ".join(f"{name} {rows}" for name, rows in outcome.unruled.most_common(8)))
    verdict = "[green]passes ✓[/green]" if passes(outcome) else "[red]does not pass[/red]"
    console.print(f"\nagreement {total.agreement:.2%} at coverage {total.coverage:.2%}: {verdict}")


def _cells(tally: Tally) -> list[str]:
    return [
        f"{tally.rows:,}",
        f"{tally.targets:,}",
        f"{tally.ruled:,}",
        f"{tally.coverage:.2%}",
        f"{tally.equal:,}",
        f"{tally.agreement:.2%}",
        f"{tally.flags_equal:,}/{tally.flags:,}",
    ]


def _line(found: Disagreement) -> str:
    published, ours = (at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S") for at in (found.published, found.ours))
    flag = " · flag differs" if found.flag else ""
    return f"{found.case_id} {found.type}: published {published}, ours {ours} ({found.policy}) · {found.reason}{flag}"
