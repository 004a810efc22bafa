"""What the four schemas hold, looked at with the role that may only read."""

from datetime import UTC, datetime

import psycopg
from msgspec import Struct

from deploy.audit.findings import Fault, Finding, Seen

# An imported past may hold classes for which the city has no rule: such a report has no promise, so no clock is owed.
# Each row is (fault, store, what exactly, query); a query answers (id, channel, detail) of everything that is wrong.
CHECKS: tuple[tuple[Fault, str, str, str], ...] = (
    (
        Fault.MISSING,
        "dispatch",
        "decided, but dispatch does not have it",
        "SELECT d.report_id, d.source, d.kind FROM router.decisions d LEFT JOIN dispatch.reports r USING (report_id)"
        " WHERE r.report_id IS NULL",
    ),
    (
        Fault.ORPHAN,
        "dispatch",
        "dispatch has it, but nobody decided it",
        "SELECT r.report_id, r.source, r.state FROM dispatch.reports r LEFT JOIN router.decisions d USING (report_id)"
        " WHERE d.report_id IS NULL AND r.source <> 'task'",  # rows of task lists are dispatch's own
    ),
    (
        Fault.DOUBLED,
        "router",
        "decided more than once",
        "SELECT report_id, min(source), count(*)::text FROM router.decisions GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        Fault.DOUBLED,
        "dispatch",
        "stands more than once in reports",
        "SELECT report_id, min(source), count(*)::text FROM dispatch.reports GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        Fault.DOUBLED,
        "dispatch",
        "the order stands more than once",
        "SELECT order_id, min(source), count(*)::text FROM dispatch.orders GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        Fault.ORPHAN,
        "dispatch",
        "its order does not exist",
        "SELECT r.report_id, r.source, r.order_id::text FROM dispatch.reports r LEFT JOIN dispatch.orders o"
        " USING (order_id) WHERE r.order_id IS NOT NULL AND o.order_id IS NULL",
    ),
    (
        Fault.MISSING,
        "dispatch",
        "opened or linked, but it has no order",
        "SELECT r.report_id, r.source, r.state FROM dispatch.reports r JOIN router.decisions d USING (report_id)"
        " WHERE r.order_id IS NULL AND d.order_id IS NOT NULL",
    ),
    (
        Fault.ORPHAN,
        "dispatch",
        "an order without a report",
        "SELECT o.order_id, o.source, o.status FROM dispatch.orders o WHERE NOT EXISTS"
        " (SELECT FROM dispatch.reports r WHERE r.order_id = o.order_id) AND o.status <> 'merged'"
        " AND o.detail->>'split_from' IS NULL",
    ),
    (
        Fault.MISSING,
        "dispatch",
        "nobody was ever assigned",
        "SELECT o.order_id, o.source, o.status FROM dispatch.orders o WHERE o.status IN ('dispatched', 'handling',"
        " 'verifying', 'callback') AND NOT o.imported AND NOT EXISTS (SELECT FROM dispatch.assignments a"
        " WHERE a.order_id = o.order_id AND a.role = 'lead')",
    ),
    (
        Fault.DOUBLED,
        "dispatch",
        "more than one lead at once",
        "SELECT a.order_id, o.source, count(*)::text FROM dispatch.assignments a JOIN dispatch.orders o USING"
        " (order_id) WHERE a.role = 'lead' AND a.status NOT IN ('returned', 'withdrawn') GROUP BY 1, 2, o.round"
        " HAVING count(*) FILTER (WHERE a.status <> 'confirmed') > 1 OR count(*) > o.round",  # one a round
    ),
    (
        Fault.ORPHAN,
        "dispatch",
        "an assignment without an order",
        "SELECT a.order_id, '', a.assignment_id::text FROM dispatch.assignments a LEFT JOIN dispatch.orders o"
        " USING (order_id) WHERE o.order_id IS NULL",
    ),
    (
        Fault.MISSING,
        "dispatch",
        "its history has a hole",
        "SELECT o.order_id, o.source, count(h.seq)::text || ' of ' || o.seq FROM dispatch.orders o LEFT JOIN"
        " dispatch.history h USING (order_id) GROUP BY o.order_id, o.source, o.seq HAVING count(h.seq) <> o.seq",
    ),
    (
        Fault.ORPHAN,
        "dispatch",
        "history of an order that does not exist",
        "SELECT DISTINCT h.order_id, '', '' FROM dispatch.history h LEFT JOIN dispatch.orders o USING (order_id)"
        " WHERE o.order_id IS NULL",
    ),
    (
        Fault.WAITING,
        "dispatch",
        "waits for an order that is not known yet",
        "SELECT waits_for, '', kind FROM dispatch.pending_links",
    ),
    (
        Fault.CLOCKLESS,
        "supervision",
        "supervision does not know the order",
        "SELECT o.order_id, o.source, o.status FROM dispatch.orders o LEFT JOIN supervision.orders s USING (order_id)"
        " WHERE s.order_id IS NULL",
    ),
    (
        Fault.ORPHAN,
        "supervision",
        "an order that dispatch does not have",
        "SELECT s.order_id, '', s.seq::text FROM supervision.orders s LEFT JOIN dispatch.orders o USING (order_id)"
        " WHERE o.order_id IS NULL",
    ),
    (
        Fault.CLOCKLESS,
        "supervision",
        "its promise has no clock",
        "SELECT r.report_id, r.source, r.order_id::text FROM dispatch.reports r JOIN supervision.orders s USING"
        " (order_id) WHERE NOT s.imported AND r.state <> 'answered' AND NOT EXISTS"
        " (SELECT FROM supervision.clocks c WHERE c.order_id = r.order_id AND c.report_id = r.report_id"
        " AND c.stage = 'total')",
    ),
    (
        Fault.DOUBLED,
        "supervision",
        "its promise has more than one clock",
        "SELECT c.report_id, '', count(*)::text FROM supervision.clocks c WHERE c.stage = 'total' AND c.report_id IS"
        " NOT NULL GROUP BY c.report_id, c.order_id, c.round HAVING count(*) > 1",
    ),
    (
        Fault.ORPHAN,
        "supervision",
        "a clock without an order",
        "SELECT c.order_id, '', c.clock_id::text FROM supervision.clocks c LEFT JOIN supervision.orders s USING"
        " (order_id) WHERE s.order_id IS NULL AND NOT EXISTS (SELECT FROM supervision.special_cases k"
        " WHERE k.case_id = c.order_id)",
    ),
    (
        Fault.ORPHAN,
        "supervision",
        "a clock of a report that is not on its order",
        "SELECT c.report_id, '', c.clock_id::text FROM supervision.clocks c LEFT JOIN dispatch.reports r ON"
        " r.report_id = c.report_id AND r.order_id = c.order_id WHERE c.report_id IS NOT NULL AND c.state <>"
        " 'cancelled' AND r.report_id IS NULL",
    ),
    (
        Fault.DOUBLED,
        "dispatch",
        "belongs to more than one open special case",
        "SELECT l.order_id, '', count(*)::text FROM dispatch.special_case_orders l JOIN dispatch.special_cases c"
        " USING (case_id) WHERE l.unlinked_at IS NULL AND c.state = 'open' GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        Fault.MISSING,
        "dispatch",
        "the history of the special case has a hole",
        "SELECT c.case_id, '', count(h.seq)::text || ' of ' || c.seq FROM dispatch.special_cases c LEFT JOIN"
        " dispatch.special_case_history h USING (case_id) GROUP BY c.case_id, c.seq HAVING count(h.seq) <> c.seq",
    ),
    (
        Fault.CLOCKLESS,
        "supervision",
        "supervision does not know the special case",
        "SELECT c.case_id, '', c.state FROM dispatch.special_cases c LEFT JOIN supervision.special_cases s"
        " USING (case_id) WHERE s.case_id IS NULL",
    ),
    (
        Fault.ORPHAN,
        "supervision",
        "a special case that dispatch does not have",
        "SELECT s.case_id, '', s.seq::text FROM supervision.special_cases s LEFT JOIN dispatch.special_cases c"
        " USING (case_id) WHERE c.case_id IS NULL",
    ),
    (
        Fault.CLOCKLESS,
        "supervision",
        "its commitments have not the clocks they must have",
        "SELECT m.case_id, '', k.found || ' of ' || sum(m.asked) FROM dispatch.commitments m CROSS JOIN LATERAL"
        " (SELECT count(*) AS found FROM supervision.clocks c WHERE c.order_id = m.case_id AND c.stage ="
        " 'commitment') k GROUP BY m.case_id, k.found HAVING k.found <> sum(m.asked)",  # one each time it was asked for
    ),
    (
        Fault.WAITING,
        "supervision",
        "a fact waits for an earlier one of its order",
        "SELECT order_id, '', min(seq)::text FROM supervision.pending GROUP BY 1",
    ),
)

OUTBOXES = tuple(f"{schema}.outbox" for schema in ("router", "dispatch", "supervision"))


class Decided(Struct, frozen=True):
    """Where a decided report lay on Kafka."""

    seen: Seen
    topic: str
    part: int
    off: int
    decided_at: datetime


class Key(Struct, frozen=True):
    """A key row of intake that was acknowledged."""

    report_id: str
    seen: Seen


class InDatabase(Struct):
    """What the schemas hold."""

    decided: dict[str, Decided]
    dispatched: set[str]
    clocked: set[str]
    keys: list[Key]
    findings: list[Finding]


def look(url: str) -> InDatabase:
    """Everything the schemas hold about reports, in one consistent snapshot. `url` is the audit role's."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        decided = {
            str(row[0]): Decided(Seen(row[1], row[2].astimezone(UTC)), row[3], row[4], row[5], row[6])
            for row in connection.execute(
                "SELECT report_id, source, received_at, topic, part, off, decided_at FROM router.decisions"
            )
        }
        dispatched = {str(row[0]) for row in connection.execute("SELECT report_id FROM dispatch.reports")}
        # Answered on the spot or handed over: no order, so no clock is owed; nor to an imported report without a rule.
        clocked = {
            str(row[0])
            for row in connection.execute(
                "SELECT r.report_id FROM dispatch.reports r LEFT JOIN supervision.orders s USING (order_id) WHERE"
                " r.order_id IS NULL OR s.imported OR EXISTS (SELECT"
                " FROM supervision.clocks c WHERE c.order_id = r.order_id AND c.report_id = r.report_id AND c.stage ="
                " 'total')"
            )
        }
        # A key of readings names no report: only what the router raises out of them is one.
        keys = [
            Key(str(row[0]), Seen(row[1], row[2].astimezone(UTC)))
            for row in connection.execute(
                "SELECT report_id, source, received_at FROM intake.keys WHERE acked AND source <> 'sensor'"
            )
        ]
        findings = [
            Finding(fault, store, str(row[0]), f"{what}: {row[2]}" if row[2] else what, row[1])
            for fault, store, what, query in CHECKS
            for row in connection.execute(query)
        ]
    return InDatabase(decided, dispatched, clocked, keys, findings)


def moment(url: str) -> datetime:
    """The database's clock."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        now: datetime = row[0]
        return now


def outbox_rows(url: str, until: datetime | None = None) -> dict[str, int]:
    """Rows not yet relayed, by service: all, or those recorded by a moment."""
    with psycopg.connect(url) as connection:
        counts = {}
        for table in OUTBOXES:
            row = connection.execute(
                f"SELECT count(*) FROM {table} WHERE %(until)s::timestamptz IS NULL OR recorded_at <= %(until)s",
                {"until": until},
            ).fetchone()
            counts[table.split(".")[0]] = row[0] if row else 0
        return counts
