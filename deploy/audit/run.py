"""Puts the audit together: wait until nothing moves, read everything, compare."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.audit import in_database, on_kafka
from deploy.audit.findings import Fault, Finding, Report, Seen, tabulate
from schemas.topics import REPORTS_NORMAL

RETENTION = timedelta(milliseconds=REPORTS_NORMAL.retention_ms) - timedelta(hours=1)


def settle(bootstrap: str, url: str, patience: float, say: Callable[[str], None]) -> bool:
    """Wait until no group lags and no outbox holds a row, at most `patience` seconds; whether it came to rest."""
    began = time.monotonic()
    told = ""
    while True:
        behind = {f"{group} lag": n for group, n in on_kafka.lag(bootstrap).items() if n}
        behind |= {f"{service} outbox": n for service, n in in_database.outbox_rows(url).items() if n}
        # Ticks come every second, so a lag of a few is rest.
        behind = {what: n for what, n in behind.items() if "outbox" in what or n > 16}
        if not behind:
            return True
        line = ", ".join(f"{what} {n}" for what, n in sorted(behind.items()))
        if line != told:
            say(f"still moving: {line}")
            told = line
        if time.monotonic() - began > patience:
            return False
        time.sleep(0.5)


def spooled(spool: Path) -> dict[str, Seen]:
    """Reports that wait in intake's spool, by id, as intake itself reads it."""
    done = subprocess.run(
        [sys.executable, "-m", "services.intake.main", "spool", str(spool)], capture_output=True, text=True, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["report_id"]: Seen(row["source"], datetime.fromisoformat(row["received_at"])) for row in rows}


def audit(bootstrap: str, url: str, waiting: Mapping[str, Seen], now: datetime) -> Report:
    """The whole audit at `now`; `waiting` are the reports in the spool."""
    kafka = on_kafka.read(bootstrap)
    base = in_database.look(url)
    findings = list(base.findings)
    accepted = {**{key.report_id: key.seen for key in base.keys}, **waiting, **kafka.reports}
    for id_, seen in kafka.reports.items():
        if id_ not in base.decided:
            findings.append(Finding(Fault.MISSING, "router", id_, "on Kafka, but nobody decided it", seen.channel))
    for key in base.keys:
        if key.report_id not in kafka.reports and key.report_id not in base.decided and key.report_id not in waiting:
            findings.append(
                Finding(
                    Fault.MISSING, "kafka", key.report_id, "acknowledged by intake, found nowhere", key.seen.channel
                )
            )
    for id_, seen in waiting.items():
        if id_ not in kafka.reports:
            findings.append(Finding(Fault.WAITING, "spool", id_, "in intake's spool, not yet on Kafka", seen.channel))
    findings += _lost_on_kafka(kafka, base, now)
    decided = set(base.decided)
    lines = tabulate(accepted, decided, base.dispatched, base.clocked, findings)
    return Report(lines, tuple(sorted(set(findings))), dict(kafka.dead_letters))


def _lost_on_kafka(kafka: on_kafka.OnKafka, base: in_database.InDatabase, now: datetime) -> list[Finding]:
    """Decided reports that Kafka ought still to hold, and does not."""
    return [
        Finding(
            Fault.MISSING,
            "kafka",
            id_,
            f"decided, but no longer at {row.topic}/{row.part}@{row.off} before its retention ended",
            row.seen.channel,
        )
        for id_, row in base.decided.items()
        if id_ not in kafka.reports and now - row.decided_at.astimezone(UTC) < RETENTION
    ]
