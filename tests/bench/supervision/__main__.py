"""`python -m tests.bench.supervision due|equal|timers|idle|keeping|recompute|preview|audit …`: measure, and print JSON.

`due` and `equal` need nothing; the others start a PostgreSQL (and Kafka, where notices are published) of their own.
"""

import argparse
import json
import os
import sys
from typing import Any

from services.chassis import logs
from tests.bench.machine import described
from tests.bench.supervision import deadlines, keeping, moving, timing

RUNS = {
    "due": deadlines.speed,
    "equal": deadlines.equality,
    "timers": timing.at_once,
    "idle": timing.idle,
    "keeping": keeping.facts,
    "recompute": moving.recompute,
    "audit": moving.audit,
}


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.supervision")
    parser.add_argument("runs", nargs="+", choices=sorted(RUNS))
    parser.add_argument("--count", type=int, default=0, help="how many of whatever the run counts (0: as published)")
    parser.add_argument("--profile", action="store_true", help="where the time goes, where a run can say so")
    said = parser.parse_args()
    logs.set_up("bench", "supervision")
    for name in said.runs:
        before = os.getloadavg()[0]
        found: dict[str, Any] = RUNS[name](said.count, said.profile)
        machine = {key: described()[key] for key in ("cpu", "cores", "python", "commit", "date")}
        print(json.dumps({"run": name} | found | {"load_before": round(before, 2)} | machine, ensure_ascii=False))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
