"""`python -m tests.chaos`: kills, outages, malformed messages; then the table, written to docs/results."""

import argparse
import sys
import time
from collections.abc import Callable

from tests.chaos import kills, malformed, outages, results
from tests.chaos.judge import Verdict
from tests.chaos.town import say

RUNS: dict[str, Callable[[int], Verdict]] = {"kills": kills.run, "outages": outages.run, "malformed": malformed.run}


def main() -> None:
    """Read the command line, run, and end with 1 when any promise was broken."""
    parser = argparse.ArgumentParser(prog="make chaos", description="Kill, freeze and feed rubbish; then reconcile.")
    parser.add_argument("--only", choices=list(RUNS), action="append", help="only this run (may be given twice)")
    parser.add_argument("--seed", type=int, default=20261122, help="the same seed kills in the same order")
    said = parser.parse_args()
    names = said.only or list(RUNS)
    began = time.monotonic()
    verdicts: dict[str, Verdict] = {}
    for name in names:
        print(f"{name}: {results.PROMISES[name]}", flush=True)
        start = time.monotonic()
        try:
            verdicts[name] = RUNS[name](said.seed)
        except Exception as error:  # a run that falls over has kept nothing; the others are still worth their time
            verdicts[name] = Verdict(broken=[f"the run fell over: {type(error).__name__}: {error}"])
        verdicts[name].counts["seconds"] = round(time.monotonic() - start)
        say(f"{name}: {'BROKEN' if verdicts[name].broken else 'kept'}")
    print(results.text(verdicts, results.described(), said.seed, time.monotonic() - began))
    if names == list(RUNS):
        results.write(verdicts, said.seed, time.monotonic() - began)
    sys.exit(1 if any(verdict.broken for verdict in verdicts.values()) else 0)


if __name__ == "__main__":
    main()
