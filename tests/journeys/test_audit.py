"""The audit names exactly the report that is out of place, in whichever store, and is silent when nothing is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaAdminClient, TopicPartition

from deploy.audit.findings import Fault, Report
from deploy.audit.run import audit, reconcile, settle, spooled
from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack


def look(whole: Stack) -> Report:
    url = whole.database_url("paidan_audit")
    assert settle(whole.kafka_bootstrap, url, 60, lambda _: None)
    return audit(whole.kafka_bootstrap, url, spooled(whole.home.state_of("intake") / "spool"), datetime.now(UTC))


@dataclass
class Case:
    """One report that got its order, and its ids."""

    report_id: str
    order_id: str


@pytest.fixture(scope="module")
def case(teller: Teller) -> Case:
    sent = teller.post(
        "intake",
        "/v1/hotline/tickets",
        {
            "text": f"徐汇区田林街道田林路{uuid4().int % 3000}弄门口路灯不亮",
            "ticket_type": "complaint",
            "source_id": uuid4().hex,
        },
        "agent",
    )
    order = teller.order_of(sent["report_id"])
    teller.clocks_of(order["order_id"])
    return Case(sent["report_id"], order["order_id"])


@contextmanager
def tampered(whole: Stack, *statements: str, back: tuple[str, ...], **ids: str) -> Iterator[None]:
    """Do the worst with the superuser's rights, and mend it afterwards."""
    with psycopg.connect(whole.database_url("postgres"), autocommit=True) as connection:
        try:
            for statement in statements:
                connection.execute(statement, ids)
            yield
        finally:
            for statement in back:
                connection.execute(statement, ids)


def only(found: Report, fault: Fault, store: str, id_: str) -> None:
    """Exactly that id is named, among the faults also in that way."""
    assert {f.id for f in found.findings} == {id_}, found.findings
    assert any(f.fault is fault and f.store == store for f in found.findings), found.findings


def test_a_system_in_order_is_clean_and_counts_every_report(whole: Stack, case: Case) -> None:
    found = look(whole)
    assert found.clean, found.findings
    hotline = [line for line in found.lines if line.channel == "hotline"]
    assert hotline and all(n.accepted == n.decided == n.dispatched == n.clocked for n in hotline)


# table, key column, which id, the fault of a deleted row and its store
DELETED = [
    ("router.decisions", "report_id", "report", Fault.MISSING, "router"),
    ("dispatch.reports", "report_id", "report", Fault.MISSING, "dispatch"),
    ("dispatch.orders", "order_id", "report", Fault.ORPHAN, "dispatch"),
    ("dispatch.history", "order_id", "order", Fault.MISSING, "dispatch"),
    ("supervision.orders", "order_id", "order", Fault.CLOCKLESS, "supervision"),
    ("supervision.clocks", "order_id", "report", Fault.CLOCKLESS, "supervision"),
]


@pytest.mark.parametrize(("table", "column", "named", "fault", "store"), DELETED)
def test_a_deleted_row_is_named(
    whole: Stack, case: Case, table: str, column: str, named: str, fault: Fault, store: str
) -> None:
    name = table.replace(".", "_")
    ids = {"id": case.report_id if column == "report_id" else case.order_id}
    with tampered(
        whole,
        f"CREATE TABLE public.kept_{name} AS SELECT * FROM {table} WHERE {column} = %(id)s",
        f"DELETE FROM {table} WHERE {column} = %(id)s",
        back=(f"INSERT INTO {table} SELECT * FROM public.kept_{name}", f"DROP TABLE public.kept_{name}"),
        **ids,
    ):
        found = look(whole)
    expected = case.report_id if named == "report" else case.order_id
    assert expected in {f.id for f in found.findings if f.fault is fault and f.store == store}, found.findings
    assert {f.id for f in found.findings} <= {case.report_id, case.order_id}
    assert look(whole).clean


DOUBLED = [
    ("router.decisions", "decisions_pkey", "report_id", "report"),
    ("dispatch.reports", "reports_pkey", "report_id", "report"),
    ("dispatch.orders", "orders_pkey", "order_id", "order"),
]


@pytest.mark.parametrize(("table", "constraint", "column", "named"), DOUBLED)
def test_a_doubled_row_is_named(whole: Stack, case: Case, table: str, constraint: str, column: str, named: str) -> None:
    schema = table.split(".")[0]
    ids = {"id": case.report_id if named == "report" else case.order_id}
    with tampered(
        whole,
        f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
        f"INSERT INTO {table} SELECT * FROM {table} WHERE {column} = %(id)s",
        back=(
            f"DELETE FROM {table} WHERE ctid = (SELECT max(ctid) FROM {table} WHERE {column} = %(id)s)",
            f"ALTER TABLE {table} ADD CONSTRAINT {constraint} PRIMARY KEY ({column})",
        ),
        **ids,
    ):
        only(look(whole), Fault.DOUBLED, schema, ids["id"])
    assert look(whole).clean


ORPHANS = [
    ("dispatch.reports", "report_id", Fault.ORPHAN, "dispatch"),
    ("router.decisions", "report_id", Fault.MISSING, "kafka"),
    ("dispatch.orders", "order_id", Fault.ORPHAN, "dispatch"),
    ("supervision.orders", "order_id", Fault.ORPHAN, "supervision"),
]


@pytest.mark.parametrize(("table", "column", "fault", "store"), ORPHANS)
def test_a_row_that_belongs_to_nothing_is_named(
    whole: Stack, case: Case, table: str, column: str, fault: Fault, store: str
) -> None:
    stray = str(uuid4())
    ids = {"id": case.report_id if column == "report_id" else case.order_id, "stray": stray}
    with tampered(
        whole,
        f"CREATE TABLE public.stray AS SELECT * FROM {table} WHERE {column} = %(id)s",
        f"UPDATE public.stray SET {column} = %(stray)s",
        f"INSERT INTO {table} SELECT * FROM public.stray",
        back=(f"DELETE FROM {table} WHERE {column} = %(stray)s", "DROP TABLE public.stray"),
        **ids,
    ):
        only(look(whole), fault, store, stray)
    assert look(whole).clean


def test_a_second_clock_for_one_promise_is_named(whole: Stack, case: Case) -> None:
    stray = str(uuid4())
    with tampered(
        whole,
        "CREATE TABLE public.stray AS SELECT * FROM supervision.clocks WHERE report_id = %(id)s AND stage = 'total'",
        "UPDATE public.stray SET clock_id = %(stray)s",
        "INSERT INTO supervision.clocks SELECT * FROM public.stray",
        back=("DELETE FROM supervision.clocks WHERE clock_id = %(stray)s", "DROP TABLE public.stray"),
        id=case.report_id,
        stray=stray,
    ):
        only(look(whole), Fault.DOUBLED, "supervision", case.report_id)
    assert look(whole).clean


_OF_KEPT = "FROM public.kept k WHERE a.assignment_id = k.assignment_id"


@pytest.mark.parametrize(
    ("before", "round_", "clean"), [("confirmed", 2, True), ("accepted", 2, False), ("confirmed", 1, False)]
)
def test_a_lead_of_a_reopened_order_is_not_doubled(
    whole: Stack, case: Case, before: str, round_: int, clean: bool
) -> None:
    second = str(uuid4())
    with tampered(
        whole,
        "CREATE TABLE public.kept AS SELECT * FROM dispatch.assignments WHERE order_id = %(id)s AND role = 'lead'",
        "CREATE TABLE public.second AS SELECT * FROM public.kept",
        "UPDATE public.second SET assignment_id = %(second)s, ordinal = 99",
        "INSERT INTO dispatch.assignments SELECT * FROM public.second",
        f"UPDATE dispatch.assignments a SET status = %(before)s {_OF_KEPT}",
        "UPDATE dispatch.orders SET round = %(round)s WHERE order_id = %(id)s",
        back=(
            "UPDATE dispatch.orders SET round = 1 WHERE order_id = %(id)s",
            "DELETE FROM dispatch.assignments WHERE assignment_id = %(second)s",
            f"UPDATE dispatch.assignments a SET status = k.status {_OF_KEPT}",
            "DROP TABLE public.kept, public.second",
        ),
        id=case.order_id,
        second=second,
        before=before,
        round=str(round_),
    ):
        found = look(whole)
    assert [f.detail for f in found.findings] == ([] if clean else ["more than one lead at once: 2"])


def test_an_audit_of_a_system_at_work_is_clean_and_still_finds_what_is_lost(
    whole: Stack, teller: Teller, case: Case
) -> None:
    stop, spool = threading.Event(), whole.home.state_of("intake") / "spool"

    def send() -> None:
        while not stop.is_set():
            # Beyond every number of a case: a report that joined its order would bring its clocks back.
            text = f"徐汇区田林街道田林路{3000 + uuid4().int % 3000}弄门口路灯不亮"
            body = {"text": text, "ticket_type": "complaint", "source_id": uuid4().hex}
            teller.post("intake", "/v1/hotline/tickets", body, "agent")

    def reconciled() -> Report:
        arrived, found = reconcile(whole.kafka_bootstrap, whole.database_url("paidan_audit"), spool, 60, lambda _: None)
        assert arrived
        return found

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(3):
            assert reconciled().findings == ()
        with tampered(
            whole,
            "CREATE TABLE public.kept AS SELECT * FROM supervision.clocks WHERE report_id = %(id)s",
            "DELETE FROM supervision.clocks WHERE report_id = %(id)s",
            back=("INSERT INTO supervision.clocks SELECT * FROM public.kept", "DROP TABLE public.kept"),
            id=case.report_id,
        ):
            only(reconciled(), Fault.CLOCKLESS, "supervision", case.report_id)
    finally:
        stop.set()
        sender.join()
    assert look(whole).clean


def test_a_report_that_intake_acknowledged_and_nobody_has_is_named(whole: Stack, case: Case) -> None:
    stray = str(uuid4())
    with tampered(
        whole,
        "CREATE TABLE public.stray AS SELECT * FROM intake.keys WHERE report_id = %(id)s LIMIT 1",
        "UPDATE public.stray SET key_id = %(stray)s, report_id = %(stray)s, acked = true",
        "INSERT INTO intake.keys SELECT * FROM public.stray",
        back=("DELETE FROM intake.keys WHERE key_id = %(stray)s", "DROP TABLE public.stray"),
        id=case.report_id,
        stray=stray,
    ):
        only(look(whole), Fault.MISSING, "kafka", stray)
    assert look(whole).clean


def test_a_message_that_kafka_lost_is_named(whole: Stack, case: Case) -> None:
    with psycopg.connect(whole.database_url("paidan_audit")) as connection:
        row = connection.execute(
            "SELECT topic, part, off FROM router.decisions WHERE report_id = %s", (case.report_id,)
        ).fetchone()
        assert row is not None
        before = connection.execute(
            "SELECT report_id FROM router.decisions WHERE topic = %s AND part = %s AND off <= %s", row
        ).fetchall()
    admin = KafkaAdminClient(bootstrap_servers=whole.kafka_bootstrap)
    admin.delete_records({TopicPartition(row[0], row[1]): row[2] + 1})
    admin.close()
    found = look(whole)
    assert {f.id for f in found.findings} == {str(r[0]) for r in before}
    assert all(f.fault is Fault.MISSING and f.store == "kafka" for f in found.findings)
