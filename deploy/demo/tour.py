"""The tour: start, three stories, audit, and then either a city to watch (on a terminal) or a clean end."""

import subprocess
import sys
import time
from datetime import datetime

import psycopg
from rich.live import Live
from rich.table import Table

from deploy.audit.run import reconcile
from deploy.demo.stories import RESPONDERS, elders_meter, gate_quarrel, seven_callers
from deploy.demo.teller import SERVICES, Teller, interactive
from deploy.stack.lifecycle import Stack
from deploy.stack.trouble import Trouble
from schemas.city import City

_COUNTS = """
SELECT (SELECT count(*) FROM dispatch.reports), (SELECT count(*) FROM dispatch.orders),
       (SELECT count(*) FROM supervision.clocks WHERE state = 'missed')
"""


def tour(stack: Stack, city: City, *, watch: bool) -> None:
    """Tell the stories, audit, and with `watch` show the running city until Ctrl-C. Raises Trouble when the audit finds
    something out of place."""
    teller = Teller(stack, city)
    for story in (elders_meter, gate_quarrel, seven_callers):
        story(teller, datetime.now(teller.zone))
    _audit(stack)
    if watch:
        _epilogue(teller)
        _watch(stack)


def _audit(stack: Stack) -> None:
    url = stack.database_url("paidan_audit")
    spool = stack.home.state_of("intake") / "spool"
    _, found = reconcile(stack.kafka_bootstrap, url, spool, 60, lambda line: print(f"  {line}", file=sys.stderr))
    total = sum(line.accepted for line in found.lines)
    missing = sum(f.fault in ("missing", "clockless", "waiting") for f in found.findings)
    doubled = len(found.findings) - missing
    print(f"\n  paidan audit 对账: {total} accepted · {missing} missing · {doubled} doubled", flush=True)
    if not found.clean:
        raise Trouble(f"the audit found {len(found.findings)} faults", "run `paidan audit` and see what they are")


def _epilogue(teller: Teller) -> None:
    base = teller.stack.ports.base
    print("\n● 自己动手 · By hand")
    for n, name in enumerate(SERVICES, 1):
        print(f"  {name:<12} http://127.0.0.1:{base + n}/docs")
    intake, dispatch, supervision = base + 1, base + 3, base + 4
    print(
        f"""
  export TOKEN={teller.token("agent")}
  export BOSS={teller.token("supervisor")}
  curl -s localhost:{intake}/v1/hotline/tickets -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
       -d '{{"text": "徐汇区田林街道田林路100弄门口路灯不亮", "ticket_type": "complaint"}}' | tee report.json
  export REPORT=$(python3 -c 'import json; print(json.load(open("report.json"))["report_id"])')
  curl -s localhost:{intake}/v1/reports/$REPORT -H "Authorization: Bearer $TOKEN"
  curl -s localhost:{base + 2}/v1/explain/$REPORT -H "Authorization: Bearer $BOSS"
  curl -s "localhost:{dispatch}/v1/orders?limit=3" -H "Authorization: Bearer $BOSS"
  curl -s "localhost:{supervision}/v1/breaches?limit=3" -H "Authorization: Bearer $BOSS"

  督办页面 · the supervision page, where breaches arrive: http://127.0.0.1:{supervision}/board/
  登录令牌 · sign in with $BOSS; a report of today so far: .venv/bin/paidan report {datetime.now(teller.zone).date()}

  处置人手机页面 · the responder's page: http://127.0.0.1:{dispatch}/app/
  登录令牌 · sign in with what this prints: .venv/bin/paidan token responder --unit {RESPONDERS}
"""
    )


def _watch(stack: Stack) -> None:
    print("  Ctrl-C 停止观看；系统继续运行，make down 停止 · Ctrl-C stops watching; make down stops the system\n")
    simulator = subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", "simulate", "--rate", "2", "--duration", "3600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        show_counts(stack.database_url("paidan_audit"))
    except KeyboardInterrupt:
        print()
    finally:
        simulator.terminate()
        simulator.wait()


def show_counts(database_url: str) -> None:
    """Show the counts once a second, until somebody stops the system."""
    try:
        with psycopg.connect(database_url, autocommit=True) as connection, Live() as live:
            while True:
                row = connection.execute(_COUNTS).fetchone() or (0, 0, 0)
                table = Table(box=None)
                for heading in ("reports 诉求", "orders 工单", "breaches 超期"):
                    table.add_column(heading, justify="right", min_width=14)
                table.add_row(*(str(n) for n in row))
                live.update(table)
                time.sleep(1)
    except psycopg.OperationalError:  # `make down` in another terminal
        print("\n  the system was stopped, nothing more to watch · 系统已停止")


__all__ = ["interactive", "show_counts", "tour"]
