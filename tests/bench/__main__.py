"""`python -m tests.bench`: every run one after the other, then the table of targets; written to docs/results."""

import argparse
import asyncio
import signal
import sys

import uvloop

from tests.bench.runs import RUNS, measure


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure speed and memory on this machine.")
    parser.add_argument("--only", default="", help=f"runs, comma-separated: {', '.join(RUNS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each rate is sustained (default 60)")
    parser.add_argument("--profile", default="", help="run py-spy beside one process (such as router-normal)")
    parser.add_argument("--keep", action="store_true", help="do not write docs/results")
    said = parser.parse_args()
    names = [name.strip() for name in said.only.split(",") if name.strip()] or list(RUNS)
    unknown = [name for name in names if name not in RUNS]
    if unknown:
        parser.error(f"no run is called {', '.join(unknown)}; choose from {', '.join(RUNS)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a stack never stays behind
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        clean = runner.run(measure(names, said.seconds, profile=said.profile, write=not said.keep))
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
