"""What the runs are told by: the table of docs/results/chaos.md, and the same for machines. A run that was made alone
takes the place of its earlier self, with its own date and commit; the others stay as they were."""

import json
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results"
PROMISES = {
    "kills": "20 random SIGKILLs of any process under load: nothing lost, nothing doubled, no orphan",
    "outages": "Kafka and PostgreSQL away for 60 s each, silent and dead: always 202, every accepted report an order",
    "malformed": "2,000 bad messages over every topic: each in its dead letters with a reason, the rest flows,"
    " mended ones come home once",
}
Runs = dict[str, dict[str, Any]]


def told(name: str, verdict: Verdict, machine: dict[str, Any], seed: int) -> dict[str, Any]:
    """One run; `machine` is how it was described when the run began."""
    head = {"promise": PROMISES[name], "kept": not verdict.broken, "broken": verdict.broken}
    return {**head, "seed": seed, **machine, "counts": dict(verdict.counts)}


def write(runs: Runs) -> None:
    """Write both files, with what earlier runs of other kinds left."""
    place = FOLDER / "chaos.json"
    earlier: Runs = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    known = {name: {**earlier, **runs}[name] for name in PROMISES if name in earlier or name in runs}
    FOLDER.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "chaos.md").write_text(text(known), encoding="utf-8")


def text(runs: Runs) -> str:
    """The page."""
    lines = [
        "# Chaos 可靠性",
        "",
        "Written by `make chaos`: every promise is judged by the sender's own ledger of each 202 it saw, kept outside",
        "the system, and by `paidan audit`.",
        "",
        "| run | promise | kept | date | commit | seed | machine |",
        "|---|---|---|---|---|---:|---|",
    ]
    for name, run in runs.items():
        machine = f"{run['cores']} × {run['cpu']}, {run['memory_gb']} GB, load {run['load']} before"
        kept = "yes" if run["kept"] else "**no**"
        lines.append(
            f"| {name} | {run['promise']} | {kept} | {run['date']} | {run['commit']} | {run['seed']} | {machine} |"
        )
    for name, run in runs.items():
        lines += ["", f"## {name}", "", "| what | |", "|---|---:|"]
        lines += [f"| {what.replace('_', ' ')} | {value} |" for what, value in run["counts"].items()]
        lines += ["", *(f"- broken: {cause}" for cause in run["broken"])] if run["broken"] else []
    return "\n".join(lines) + "\n"
