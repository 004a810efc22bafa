"""`python -m tests.chaos`: kills, outages, malformed messages; then the table, written to docs/results."""

import argparse
import sys
import time
from collections.abc import Callable

from tests.bench.machine import described
from tests.chaos import kills, malformed, outages, results
from tests.chaos.judge import Verdict
from tests.chaos.town import say

RUNS: dict[str, Callable[[int], Verdict]] = {"kills": kills.run, "outages": outages.run, "malformed": malformed.run}


def main() -> None:
    """Read the command line, run, and end with 1 when any promise was broken."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Kill, freeze and feed rubbish; then reconcile.")
    parser.add_argument("--only", choices=list(RUNS), action="append", help="only this run (may be given twice)")
    parser.add_argument("--seed", type=int, default=20261122, help="the same seed kills in the same order")
    parser.add_argument("--keep", action="store_true", help="leave docs/results as it is")
    said = parser.parse_args()
    told: results.Runs = {}
    for name in said.only or list(RUNS):
        print(f"{name}: {results.PROMISES[name]}", flush=True)
        machine, start = described(), time.monotonic()
        try:
            verdict = RUNS[name](said.seed)
        except Exception as error:  # a run that falls over has kept nothing; the others are still worth their time
            verdict = Verdict(broken=[f"the run fell over: {type(error).__name__}: {error}"])
        verdict.counts["seconds"] = round(time.monotonic() - start)
        told[name] = results.told(name, verdict, machine, said.seed)
        say(f"{name}: {'BROKEN' if verdict.broken else 'kept'}")
        if not said.keep:
            results.write({name: told[name]})
    print(results.text(told))
    sys.exit(0 if all(run["kept"] for run in told.values()) else 1)


if __name__ == "__main__":
    main()
