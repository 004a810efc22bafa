"""Puts the audit together: read everything, compare, and look again at what may only have been on its way."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.audit import in_database, on_kafka
from deploy.audit.findings import Fault, Finding, Report, Seen, tabulate
from schemas.topics import ORDERS_EVENTS, REPORTS_NORMAL
from services.chassis.backlog import Positions, looking

RETENTION = timedelta(milliseconds=REPORTS_NORMAL.retention_ms) - timedelta(hours=1)
HOPS = 4  # report → decision → order → clocks → what dispatch keeps of them


def settle(bootstrap: str, url: str, patience: float, say: Callable[[str], None]) -> bool:
    """Wait until nothing moves, at most `patience` seconds; whether it came to rest.

    At rest: everything that lay on Kafka at one look has been brought to its end by the next, no outbox holds a row,
    and between the two looks no topic grew but `orders.events`, on which Ticks come every second. Twice in a row,
    because what was brought to its end may have said something new.
    """
    with looking(bootstrap) as look:
        return _settled(look, url, time.monotonic() + patience, say)


def _settled(look: Callable[[], Positions], url: str, give_up_at: float, say: Callable[[str], None]) -> bool:
    before = look()
    quiet, told = 0, ""
    while quiet < 2:
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.3)
        now = look()
        moving = {f"{group} lag": count for group, count in now.behind(before.ends).items()}
        moving |= {f"{service} outbox": count for service, count in in_database.outbox_rows(url).items() if count}
        grown = {part.topic for part, end in now.ends.items() if end != before.ends.get(part)} - {ORDERS_EVENTS.name}
        quiet = 0 if moving or grown else quiet + 1
        if not moving:
            before = now
            continue
        line = ", ".join(f"{what} {count}" for what, count in sorted(moving.items()))
        if line != told:
            say(f"still moving: {line}")
            told = line
    return True


def spooled(spool: Path) -> dict[str, Seen]:
    """Reports that wait in intake's spool, by id, as intake itself reads it."""
    done = subprocess.run(
        [sys.executable, "-m", "services.intake.store.spool_list", str(spool)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["report_id"]: Seen(row["source"], datetime.fromisoformat(row["received_at"])) for row in rows}


def reconcile(
    bootstrap: str, url: str, spool: Path, patience: float, say: Callable[[str], None]
) -> tuple[bool, Report]:
    """The audit of a system at work. What is on its way looks lost, so a fault counts when it is still there after all
    that lay on Kafka and in the outboxes when it was seen has been brought to its end, once for every hop. Whether
    that came about within `patience` seconds, and what was found at the last look."""
    give_up_at = time.monotonic() + patience
    found = audit(bootstrap, url, spooled(spool), datetime.now(UTC))
    with looking(bootstrap) as look:
        for _ in range(HOPS):
            if found.clean:
                break
            say(f"{len(found.findings)} may only be on their way: looking again")
            if not _brought_home(look, url, give_up_at):
                return False, found
            suspects = {finding.what for finding in found.findings}
            found = audit(bootstrap, url, spooled(spool), datetime.now(UTC), suspects)
    return True, found


def _brought_home(look: Callable[[], Positions], url: str, give_up_at: float) -> bool:
    until, ends = in_database.moment(url), look().ends
    while any(in_database.outbox_rows(url, until).values()) or look().behind(ends):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.3)
    return True


def audit(
    bootstrap: str,
    url: str,
    waiting: Mapping[str, Seen],
    now: datetime,
    suspects: Collection[tuple[Fault, str, str]] | None = None,
) -> Report:
    """The whole audit at `now`; `waiting` are the reports in the spool; only `suspects` count where they are given."""
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
    if suspects is not None:
        findings = [finding for finding in findings if finding.what in suspects]
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
