"""Where a report goes: the order it names, the one that took it over, or the successor of one that ended."""

from uuid import UUID

import pytest

from schemas.facts import Hop, OrderOpened, ReportJoined
from schemas.ids import assignment_id_of, order_id_of, successor_id
from schemas.vocabulary import AssignmentRole, OrderStatus, Source, Tier
from services.dispatch.rules.lifecycle import ENDED
from services.dispatch.rules.opening import join, next_of, on_linked, on_proposed
from services.dispatch.rules.order import Order
from tests.rules.dispatch.acting import Table, cause, kept
from tests.rules.dispatch.town import T0, a_plan, a_report, in_triage, linked, proposed


def link(table: Table, to: UUID | None = None) -> UUID:
    """One more report about the table's order; the order it ended on."""
    fact = linked(to or table.order.order_id, a_report())
    report = kept(fact)
    join(table.book, fact.order_id, fact.plan, report, cause(), fact.why)
    assert report.order_id is not None
    return report.order_id


def test_a_report_joins_the_open_order_it_names() -> None:
    table = Table()
    assert link(table) == table.order.order_id
    assert table.order.version == 2
    assert isinstance(table.book.changes[-1].fact, ReportJoined)


@pytest.mark.parametrize("status", sorted(ENDED - {OrderStatus.MERGED}))
def test_a_report_about_an_order_that_ended_opens_its_one_successor(status: OrderStatus) -> None:
    table = Table()
    table.order.status = status
    second = link(table)
    assert second == successor_id(table.order.order_id)
    assert table.book.orders[second].recurrence_of == table.order.order_id
    assert link(table) == second
    assert [c.fact.seq for c in table.book.changes if c.order.order_id == second] == [1, 2]


def test_a_report_about_a_merged_order_follows_it() -> None:
    table, other = Table(), Table()
    table.order.status, table.order.merged_into = OrderStatus.MERGED, other.order.order_id
    table.book.orders[other.order.order_id] = other.order
    assert next_of(table.order) == other.order.order_id
    assert link(table) == other.order.order_id


def test_mergers_and_successors_are_followed_one_after_the_other() -> None:
    table, other = Table(), Table()
    table.order.status, table.order.merged_into = OrderStatus.MERGED, other.order.order_id
    other.order.status = OrderStatus.CLOSED
    table.book.orders[other.order.order_id] = other.order
    assert link(table) == successor_id(other.order.order_id)


def test_a_ring_of_mergers_does_not_hang() -> None:
    table, other = Table(), Table()
    table.order.status, table.order.merged_into = OrderStatus.MERGED, other.order.order_id
    other.order.status, other.order.merged_into = OrderStatus.MERGED, table.order.order_id
    table.book.orders[other.order.order_id] = other.order
    assert link(table) in (table.order.order_id, other.order.order_id)


@pytest.mark.parametrize("status", [s for s in OrderStatus if s not in ENDED])
def test_an_open_order_takes_its_reports_itself(status: OrderStatus) -> None:
    table = Table()
    table.order.status = status
    assert next_of(table.order) is None


def test_a_report_that_is_kept_changes_nothing_however_it_comes() -> None:
    table = Table()
    report = table.fact.report
    before = len(table.book.changes)
    on_proposed(table.book, proposed(report), kept(table.fact), cause())
    on_linked(table.book, linked(table.order.order_id, report), kept(table.fact), cause())
    on_proposed(table.book, in_triage(report), kept(table.fact), cause())
    assert len(table.book.changes) == before


def test_units_are_told_once_the_lead_first() -> None:
    table = Table(proposed(plan=a_plan("s1-road", "s1-clean", "s1-road", "k1", "s1-clean")))
    parts = table.order.assignments
    assert [(a.unit, a.role, a.tier) for a in parts] == [
        ("s1-road", AssignmentRole.LEAD, Tier.STREET),
        ("s1-clean", AssignmentRole.ASSIST, Tier.STREET),
        ("k1", AssignmentRole.ASSIST, Tier.COMMITTEE),
    ]
    assert [a.assignment_id for a in parts] == [
        assignment_id_of(table.order.order_id, a.unit, a.ordinal) for a in parts
    ]


def test_a_plan_without_a_path_still_says_whose_it_is_and_by_which_rule() -> None:
    import msgspec

    plan = msgspec.structs.replace(a_plan(), path=())
    table = Table(proposed(plan=plan))
    assert table.order.detail.path == (Hop(tier=Tier.STREET, unit="s1-road", at=T0, by="R1"),)


def test_an_imported_order_is_opened_when_its_report_came_and_a_live_one_now() -> None:
    long_ago = T0.replace(year=2012)
    past = Table(proposed(a_report(received_at=long_ago, imported=True)))
    live = Table(proposed(a_report(received_at=long_ago)))
    assert (past.order.opened_at, live.order.opened_at) == (long_ago, T0)
    assert past.order.recorded_at == live.order.recorded_at == T0
    [opened] = [c.fact for c in past.book.changes]
    assert isinstance(opened, OrderOpened) and opened.imported


@pytest.mark.parametrize(
    ("source", "waits"), [(s, s not in (Source.PATROL, Source.SENSOR, Source.TASK, Source.CANARY)) for s in Source]
)
def test_somebody_waits_for_a_call_when_a_citizen_reported(source: Source, waits: bool) -> None:
    def citizens(order: Order) -> bool:
        return order.citizens

    table = Table(proposed(a_report(source=source)))
    assert citizens(table.order) is waits
    link(table)
    assert citizens(table.order), "the one who joined is a caller"


def test_fact_ids_hang_on_their_cause_alone() -> None:
    first, again = Table(proposed(a_report("same"))), Table(proposed(a_report("same")))
    one = cause()
    for table in (first, again):
        fact = linked(order_id_of(table.fact.report.report_id), a_report("joined"))  # type: ignore[arg-type]
        join(table.book, fact.order_id, fact.plan, kept(fact), one, fact.why)
    assert first.book.changes[-1].id == again.book.changes[-1].id
    assert first.book.changes[0].id != again.book.changes[0].id
