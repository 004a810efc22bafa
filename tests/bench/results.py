"""What the runs come to: a line for whoever watches, a page for docs/results, the same as JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tests.bench.machine import CHECKOUT

FOLDER = CHECKOUT / "docs" / "results"


class Target(Struct, frozen=True):
    """One promise: what is measured, in which unit, what it must be, and whether more is better."""

    name: str
    run: str
    of: Callable[[Any], float]
    unit: str
    wanted: float
    more: bool = True

    def met(self, measured: float) -> bool:
        """Whether the promise is kept."""
        return measured >= self.wanted if self.more else measured <= self.wanted


TARGETS = (
    Target("report in → order open with clocks, from Kafka", "kafka", lambda r: r.rate, "/s", 4000),
    Target("the same from bulk REST (200 a request)", "bulk", lambda r: r.rate, "/s", 4000),
    Target("the same from single REST posts (64 connections)", "single", lambda r: r.rate, "/s", 1500),
    Target("Kafka in → assignment out at half that load, p50", "latency", lambda r: r.p50_ms, "ms", 100, False),
    Target("the same, p99", "latency", lambda r: r.p99_ms, "ms", 500, False),
    Target("urgent lane, 100,000 behind on the normal lane, p99", "urgent", lambda r: r.p99_ms, "ms", 500, False),
    Target("six-call lifecycle over REST (64 connections)", "lives", lambda r: r.rate, " orders/s", 200),
    Target("a unit's queue, 1,000,000 orders, p99", "queue", lambda r: r.p99_ms, "ms", 50, False),
    Target("full text, 1,000,000 orders, p99", "search", lambda r: r.p99_ms, "ms", 200, False),
    Target(
        "one order as of a moment, 1,000,000 orders, p99",
        "asof",
        lambda r: r.one_ms,
        "ms",
        20,
        False,
    ),
    Target("a list of tasks pushed down", "tasks", lambda r: r.rate, " rows/s", 5000),
    Target("six-call lifecycle at 1,000,000 orders, of that with few", "million", lambda r: r.share, "", 0.9),
    Target("all up and idle, PSS of all processes", "idle", lambda r: r.pss_mb, " MB", 1500, False),
    Target("second start: `paidan up` to the first order", "idle", lambda r: r.first_order_s, "s", 20, False),
)
RATES = ("raw", "bare", "kafka", "bulk", "single", "naive")


def rate_of(found: dict[str, Any], name: str) -> float | None:
    """The rate of a run; None when it was not done."""
    result = found.get(name)
    if result is None:
        return None
    return float(result["rate"] if isinstance(result, dict) else result.rate)


def audit_of(result: Any) -> bool | None:
    """Whether a run ended with everything in its place; None for one without a stack of ours."""
    checked = getattr(result, "audit", None)
    return None if checked is None else bool(checked.clean)


def line_of(result: Any) -> str:
    """One run in one line."""
    built = msgspec.to_builtins(result)
    checked = built.pop("audit", None)
    told = ", ".join(f"{name} {value}" for name, value in built.items() if value not in ({}, 0.0))
    if checked is None:
        return told
    clean = "audit 0" if audit_of(result) else f"AUDIT {checked['findings']} ({checked['first'][:200]})"
    return f"{told}, {clean}"


def page(title: str, machine: dict[str, Any], seconds: float, found: dict[str, Any]) -> str:
    """The results as Markdown."""
    parts = [_head(title, machine, seconds), _targets(found), _ratios(found), _rates(found), _costs(found)]
    return "\n".join(part for part in parts if part)


def _head(title: str, machine: dict[str, Any], seconds: float) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"# {title}\n\nWritten by `make bench`; do not edit. {machine['date']}, commit {machine['commit']},"
        f" {machine.get('minutes', '?')} minutes in all.\n\n{machine['cpu']}, {machine['cores']} cores,"
        f" {machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}; {packages}."
        f" Load of the machine at the start: {machine['load']}.\n\nKafka, PostgreSQL (fsync and synchronous commit on),"
        f" all services and the sender share the machine. Each rate is sustained for {seconds:g} s: the sender is held"
        " back when the hops together lag by 12,000 messages. It counts reports whose clock is committed, over the time"
        " from the first send to the last clock, after a warm-up. Each run has a stack of its own and ends with `paidan"
        " audit`.\n"
    )


def _targets(found: dict[str, Any]) -> str:
    lines = ["## Targets\n", "| target | wanted | measured | met |", "|---|---|---|---|"]
    for target in TARGETS:
        if target.run in found:
            measured = target.of(found[target.run])
            sign = "≥" if target.more else "≤"
            met = "yes" if target.met(measured) else "**no**"
            lines.append(
                f"| {target.name} | {sign} {target.wanted:,g}{target.unit} | {measured:,g}{target.unit} | {met} |"
            )
    ours, bare, naive = (rate_of(found, name) for name in ("kafka", "bare", "naive"))
    if ours and bare:
        share = 100 * ours / bare
        lines.append(f"| from Kafka, beside the bare pipeline | ≥ 55 % | {share:.0f} % | {_yes(share >= 55)} |")
    if ours and naive:
        times = ours / naive
        lines.append(f"| from Kafka, beside batches of one | ≥ 10 × | {times:.1f} × | {_yes(times >= 10)} |")
    wrong = [name for name, result in found.items() if audit_of(result) is False]
    audits = sum(audit_of(result) is not None for result in found.values())
    if audits:
        said = ", ".join(wrong) if wrong else f"0 in all {audits} runs"
        lines.append(f"| `paidan audit` after each run | 0 | {said} | {_yes(not wrong)} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def _ratios(found: dict[str, Any]) -> str:
    rates = {name: rate for name in RATES if (rate := rate_of(found, name))}
    if len(rates) < 2:
        return ""
    beside = [name for name in ("raw", "bare", "naive") if name in rates]
    lines = [
        "## Beside each other\n",
        "| | reports/s | " + " | ".join(f"of {name}" for name in beside) + " |",
        "|---|---|" + "---|" * len(beside),
    ]
    for name, rate in rates.items():
        shares = " | ".join("" if other == name else f"{rate / rates[other]:.2f}" for other in beside)
        lines.append(f"| {_NAMES[name]} | {rate:,.0f} | {shares} |")
    return "\n".join(lines) + "\n"


_NAMES = {
    "raw": "raw: aiokafka → COPY into one table",
    "bare": "bare pipeline: same hops, rows, transactions, no logic",
    "kafka": "ours, from Kafka",
    "bulk": "ours, from bulk REST",
    "single": "ours, from single REST posts",
    "naive": "naive: ours with batches of one",
}


def _rates(found: dict[str, Any]) -> str:
    done = [name for name in RATES if hasattr(found.get(name), "clocked")]
    if not done:
        return ""
    lines = [
        "## The runs\n",
        "| | sent | with clocks | s | slowest 10 s | merged | triage | clocks an order | assignments | p99 answer |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in done:
        r = found[name]
        answer = f"{r.answer_p99_ms:g} ms" if r.answer_p99_ms else ""
        lines.append(
            f"| {name} | {r.sent:,} | {r.clocked:,} | {r.seconds:g} | {r.slowest:,.0f}/s | {100 * r.merged:.1f} % |"
            f" {100 * r.triage:.0f} % | {r.clocks} | {r.assignments} | {answer} |"
        )
    return "\n".join(lines) + "\n"


def _costs(found: dict[str, Any]) -> str:
    done = [name for name in RATES if hasattr(found.get(name), "micros")]
    if not done:
        return ""
    processes = list(dict.fromkeys(process for name in done for process in found[name].micros))
    lines = [
        "## Processor time, µs a report\n",
        "| | " + " | ".join(done) + " |",
        "|---|" + "---|" * len(done),
    ]
    for process in processes:
        lines.append(f"| {process} | " + " | ".join(str(found[n].micros.get(process, "")) for n in done) + " |")
    consumers = list(dict.fromkeys(consumer for name in done for consumer in found[name].batch))
    lines.append("| **all** | " + " | ".join(f"**{sum(found[n].micros.values())}**" for n in done) + " |")
    lines += ["\nMessages in an average batch:\n", "| | " + " | ".join(done) + " |", "|---|" + "---|" * len(done)]
    for consumer in consumers:
        lines.append(f"| {consumer} | " + " | ".join(str(found[n].batch.get(consumer, "")) for n in done) + " |")
    return "\n".join(lines) + "\n"


def write(
    file: str, title: str, machine: dict[str, Any], seconds: float, found: dict[str, Any], folder: Path = FOLDER
) -> None:
    """Write one page in both forms."""
    folder.mkdir(parents=True, exist_ok=True)
    text = page(title, machine, seconds, found) + _shortfalls(found)
    (folder / f"{file}.md").write_text(text, encoding="utf-8")
    whole = {"machine": machine, "seconds": seconds, "runs": msgspec.to_builtins(found)}
    (folder / f"{file}.json").write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")


def _shortfalls(found: dict[str, Any]) -> str:
    short = [t.name for t in TARGETS if t.run in found and not t.met(t.of(found[t.run]))]
    return "\nNot met: " + "; ".join(short) + ".\n" if short else ""
