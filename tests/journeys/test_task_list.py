"""A list of ten thousand rows goes from the city's centre down to the committees of the running city: an order each, a
clock each, nothing twice, and the rows that cannot be are named in a file."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from deploy.audit.run import settle
from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load

ROWS = 10_000
BAD = 7


def push(whole: Stack, file: Path, centre: str, class_key: str) -> tuple[int, dict[str, Any]]:
    """What the command says, and its exit code."""
    environment = os.environ | {"PAIDAN_HOME": str(whole.home.root), "PAIDAN_PORT_BASE": str(whole.ports.base)}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.cli", "tasks", "push", str(file), "--title", "冬季消防通道排查"),
            *("--unit", centre, "--class", class_key, "--due", "2030-01-01 00:00:00", "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.stdout.strip(), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_ten_thousand_rows_become_orders_with_clocks_once(whole: Stack, teller: Teller, tmp_path: Path) -> None:
    city = load(city_folder("shanghai"))
    centre = next(u.unit_id for u in city.units if u.function == "centre" and u.division == city.root)
    below = [u.unit_id for u in city.units if u.function in ("centre", "committee") and u.division != city.root]
    file = tmp_path / "list.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("key", "unit", "text", "address"))
        for n in range(ROWS):
            unit = f"nobody-{n}" if n < BAD else below[n % len(below)]
            writer.writerow((f"row-{n}", unit, "查楼道与消防通道是否畅通", f"{n}号楼"))
    code, said = push(whole, file, centre, city.classes[0].key)
    assert (code, said["opened"], said["repeated"], said["refused"]) == (1, ROWS - BAD, 0, BAD)
    with Path(said["error_file"]).open(encoding="utf-8-sig", newline="") as lines:
        errors = list(csv.DictReader(lines))
    assert [(e["line"], e["key"], e["code"]) for e in errors] == [
        (str(n + 2), f"row-{n}", "unit_unknown") for n in range(BAD)
    ]
    code, again = push(whole, file, centre, city.classes[0].key)
    assert (code, again["opened"], again["repeated"], again["refused"]) == (1, 0, ROWS - BAD, BAD)
    assert settle(whole.kafka_bootstrap, whole.database_url("paidan_audit"), 180, lambda _: None)
    with psycopg.connect(whole.database_url("paidan_audit")) as connection:
        clocked = connection.execute(
            "SELECT count(DISTINCT c.order_id) FROM supervision.clocks c JOIN dispatch.task_rows t USING (order_id)"
            " WHERE t.list_id = %s AND c.stage = 'total'",
            (said["list_id"],),
        ).fetchone()
    assert clocked == (ROWS - BAD,)
    shown = teller.get("dispatch", f"/v1/tasks/{said['list_id']}", "supervisor")
    told = {below[n % len(below)] for n in range(BAD, ROWS)}
    assert (shown["total"], shown["done"]) == (ROWS - BAD, 0)
    assert {each["unit"]["unit_id"] for each in shown["units"]} == told
