"""What a run is told by: the table of docs/results/chaos.md, and the same for machines."""

import json
from pathlib import Path
from typing import Any

from tests.bench.machine import described
from tests.chaos.judge import Verdict

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results"
PROMISES = {
    "kills": "20 random SIGKILLs of any process under load: nothing lost, nothing doubled, no orphan",
    "outages": "Kafka and PostgreSQL away for 60 s each, silent and dead: always 202, every accepted report an order",
    "malformed": "2,000 bad messages over every topic: each in its dead letters with a reason, the rest flows,"
    " mended ones come home once",
}


def write(verdicts: dict[str, Verdict], seed: int, seconds: float) -> None:
    """Write both files."""
    machine = described()
    document: dict[str, Any] = {"machine": machine, "seed": seed, "seconds": round(seconds)}
    document["runs"] = {
        name: {"promise": PROMISES[name], "kept": not verdict.broken, "broken": verdict.broken, **verdict.counts}
        for name, verdict in verdicts.items()
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "chaos.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (FOLDER / "chaos.md").write_text(text(verdicts, machine, seed, seconds), encoding="utf-8")


def text(verdicts: dict[str, Verdict], machine: dict[str, Any], seed: int, seconds: float) -> str:
    """The page."""
    lines = [
        "# Chaos 可靠性",
        "",
        f"`make chaos`, seed {seed}, {machine['date']}, commit {machine['commit']}, {machine['cores']} ×"
        f" {machine['cpu']}, {machine['memory_gb']} GB, load {machine['load']},"
        f" {seconds / 60:.0f} min. Written by the run.",
        "",
        "| run | promise | kept |",
        "|---|---|---|",
        *(f"| {name} | {PROMISES[name]} | {'no' if v.broken else 'yes'} |" for name, v in verdicts.items()),
    ]
    for name, verdict in verdicts.items():
        lines += ["", f"## {name}", "", "| what | |", "|---|---:|"]
        lines += [f"| {what.replace('_', ' ')} | {value} |" for what, value in verdict.counts.items()]
        lines += [f"- broken: {cause}" for cause in verdict.broken]
    return "\n".join(lines) + "\n"
