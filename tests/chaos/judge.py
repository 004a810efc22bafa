"""Judges a run: the sender's ledger against what the system holds, by queries of its own beside the audit's."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from kafka import KafkaConsumer, TopicPartition
from msgspec import Struct, field

from deploy.audit.run import audit, settle, spooled
from deploy.stack.home import SERVICES
from deploy.stack.lifecycle import Stack
from schemas.codec import Unreadable, decode
from schemas.envelope import Record
from schemas.facts import OrderFact
from schemas.topics import ORDERS_EVENTS
from tests.chaos.sender import Entry
from tests.chaos.town import say

SHOWN = 5
NO_ORDER = ("answered", "transferred", "rejected")


class Verdict(Struct):
    """What was counted, and what was broken (empty: every promise was kept)."""

    counts: dict[str, int | float | str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def must(self, kept: bool, otherwise: str) -> None:
        """Note a promise that was not kept."""
        if not kept:
            self.broken.append(otherwise)
            say(f"BROKEN: {otherwise}")


def named(ids: Iterable[object]) -> str:
    """How many, and the first few."""
    listed = sorted(str(each) for each in ids)
    return f"{len(listed)} ({', '.join(listed[:SHOWN])}{', …' if len(listed) > SHOWN else ''})"


def judge(stack: Stack, ledger: list[Entry], verdict: Verdict, *, dead: int = 0, patience: float = 300) -> None:
    """Wait until the system is at rest, then hold the ledger against it. `dead` is how many dead letters there may
    be."""
    url = stack.database_url("paidan_audit")
    rested = settle(stack.kafka_bootstrap, url, patience, lambda line: say(f"settling: {line}"))
    verdict.must(rested, f"the system did not come to rest within {patience:.0f} s")
    taken = Counter(entry.id for entry in ledger if entry.id and entry.status == 202)
    with psycopg.connect(url) as connection:
        _placed(connection, set(taken), verdict)
        _consistent(connection, verdict)
        _devices(connection, ledger, verdict)
    _stores(stack, verdict)
    found = audit(stack.kafka_bootstrap, url, spooled(stack.home.state_of("intake") / "spool"), datetime.now(UTC))
    verdict.counts["audit_accepted"] = sum(line.accepted for line in found.lines)
    verdict.counts["audit_findings"] = len(found.findings)
    verdict.must(found.clean, f"audit: {len(found.findings)} findings, first {list(found.findings[:SHOWN])}")
    letters = sum(found.dead_letters.values())
    verdict.must(letters == dead, f"{letters} dead letters, not {dead}: {found.dead_letters}")
    _events(stack.kafka_bootstrap, verdict)


def count_ways(ledger: list[Entry], verdict: Verdict) -> None:
    """Answers by way in, for the table."""
    by_way = Counter(entry.way for entry in ledger if entry.way != "status")
    verdict.counts.update({f"accepted_{way}": n for way, n in sorted(by_way.items())})
    verdict.counts["reports_in_ledger"] = len({e.id for e in ledger if e.id and e.status == 202})
    verdict.counts["spooled"] = sum(entry.state == "spooled" for entry in ledger)
    verdict.counts["repeated_requests"] = sum(entry.tries > 1 for entry in ledger)
    verdict.counts["unanswered"] = sum(entry.way == "status" and entry.status == 0 for entry in ledger)
    verdict.counts["answers_5xx"] = sum(entry.way == "status" and entry.status >= 500 for entry in ledger)


def _placed(connection: "psycopg.Connection[tuple[object, ...]]", ids: set[str], verdict: Verdict) -> None:
    """Every accepted report exactly once in decisions, in reports, and with its clock unless none is owed."""
    asked = [UUID(each) for each in ids]

    def times(query: str) -> dict[str, int]:
        return {str(row[0]): int(str(row[1])) for row in connection.execute(query, (asked,))}

    decided = times("SELECT report_id, count(*) FROM router.decisions WHERE report_id = ANY(%s) GROUP BY 1")
    landed = times("SELECT report_id, count(*) FROM dispatch.reports WHERE report_id = ANY(%s) GROUP BY 1")
    clocked = times(
        "SELECT c.report_id, count(*) FROM supervision.clocks c JOIN dispatch.reports r ON r.report_id = c.report_id"
        " AND r.order_id = c.order_id WHERE c.report_id = ANY(%s) AND c.stage = 'total' AND c.round = 1 GROUP BY 1"
    )
    free = {
        str(row[0])
        for row in connection.execute(
            "SELECT report_id FROM dispatch.reports WHERE report_id = ANY(%s) AND order_id IS NULL AND state = ANY(%s)",
            (asked, list(NO_ORDER)),
        )
    }
    verdict.counts["without_order"] = len(free)
    for what, found, owed in (
        ("router.decisions", decided, ids),
        ("dispatch.reports", landed, ids),
        ("supervision.clocks", clocked, ids - free),
    ):
        missing, doubled = owed - found.keys(), {each for each, n in found.items() if n > 1}
        verdict.must(not missing, f"answered 202, not in {what}: {named(missing)}")
        verdict.must(not doubled, f"more than once in {what}: {named(doubled)}")


def _consistent(connection: "psycopg.Connection[tuple[object, ...]]", verdict: Verdict) -> None:
    """Histories without holes, nothing that waits for ever."""
    checks = {
        "history is not 1..seq": "SELECT o.order_id FROM dispatch.orders o JOIN dispatch.history h USING (order_id)"
        " GROUP BY o.order_id, o.seq HAVING count(*) <> o.seq OR min(h.seq) <> 1 OR max(h.seq) <> o.seq",
        "supervision has not seen the order's last fact": "SELECT o.order_id FROM dispatch.orders o JOIN"
        " supervision.orders s USING (order_id) WHERE s.seq <> o.seq",
        "more than one order of one first report": "SELECT order_id FROM dispatch.orders o WHERE NOT EXISTS"
        " (SELECT FROM router.decisions d WHERE d.order_id = o.order_id)",
        "a fact still waits for an earlier one": "SELECT order_id FROM supervision.pending",
        "a link still waits for its order": "SELECT waits_for FROM dispatch.pending_links",
    }
    for what, query in checks.items():
        found = [row[0] for row in connection.execute(query)]
        verdict.must(not found, f"{what}: {named(found)}")
    row = connection.execute("SELECT count(*) FROM dispatch.orders").fetchone()
    verdict.counts["orders"] = int(str(row[0])) if row else 0


def _devices(connection: "psycopg.Connection[tuple[object, ...]]", ledger: list[Entry], verdict: Verdict) -> None:
    """The newest accepted reading of every device was screened."""
    newest: dict[str, datetime] = {}
    for entry in ledger:
        if entry.way == "readings":
            at = datetime.fromisoformat(entry.at)
            newest[entry.device] = max(at, newest.get(entry.device, at))
    query = "SELECT device_id, last_at FROM router.devices WHERE device_id = ANY(%s)"
    seen = {str(row[0]): row[1] for row in connection.execute(query, (list(newest),))}
    late = {device for device, at in newest.items() if device not in seen or seen[device] < at}  # type: ignore[operator]
    verdict.must(not late, f"devices whose accepted reading was not screened: {named(late)}")


def _stores(stack: Stack, verdict: Verdict) -> None:
    """No consumer stopped, no message refused by Kafka for good."""
    for service in SERVICES:
        with psycopg.connect(stack.database_url(f"paidan_{service}")) as connection:
            for table in ("stops", "outbox_refused", "outbox"):
                known = connection.execute("SELECT to_regclass(%s)", (f"{service}.{table}",)).fetchone()
                if known is None or known[0] is None:
                    continue
                rows = connection.execute(f"SELECT * FROM {service}.{table} LIMIT 3").fetchall()
                verdict.must(not rows, f"rows in {service}.{table}: {rows}")


def _events(bootstrap: str, verdict: Verdict) -> None:
    """Each (order, seq) is one message, repeats of it apart, and each order's facts arrive without a gap."""
    ids: dict[tuple[UUID, int], set[bytes]] = defaultdict(set)
    last: dict[UUID, int] = {}
    copies, gaps, unreadable = 0, [], 0
    for record in _all(bootstrap, ORDERS_EVENTS.name):
        try:
            fact = decode(record)
        except Unreadable:
            unreadable += 1
            continue
        if not isinstance(fact, OrderFact):
            continue
        known = ids[fact.order_id, fact.seq]
        ce_id = dict(record.headers)["ce_id"]
        if ce_id in known:
            copies += 1
            continue
        known.add(ce_id)
        if fact.seq != last.get(fact.order_id, 0) + 1:
            gaps.append(f"{fact.order_id}#{fact.seq} after {last.get(fact.order_id, 0)}")
        last[fact.order_id] = fact.seq
    doubled = [f"{order}#{seq}" for (order, seq), found in ids.items() if len(found) > 1]
    verdict.counts["order_facts"] = len(ids)
    verdict.counts["relayed_twice"] = copies
    verdict.must(not doubled, f"two different messages with one (order, seq): {named(doubled)}")
    verdict.must(not gaps, f"facts out of order on orders.events: {named(gaps)}")


def _all(bootstrap: str, topic: str) -> Iterable[Record]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, max_poll_records=5000)
    try:
        parts = [TopicPartition(topic, n) for n in range(ORDERS_EVENTS.partitions)]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for messages in consumer.poll(timeout_ms=500).values():
                for m in messages:
                    yield Record(m.topic, m.partition, m.offset, m.key, m.value, tuple(m.headers), m.timestamp)
    finally:
        consumer.close()
