"""Danger is told to 110, 119 and 120 at once, and the order stays with its units."""

from msgspec import structs

from schemas.facts import HandoverOffered, OrderOpened, Plan
from schemas.vocabulary import HandoverMode, HandoverState, OrderStatus, Urgency
from services.dispatch.rules.opening import on_linked, on_proposed
from tests.rules.dispatch.acting import Table, cause, kept
from tests.rules.dispatch.town import a_plan, a_report, linked, proposed

TOLD = ("119", "110")


def danger() -> Plan:
    return structs.replace(a_plan(urgency=Urgency.CRITICAL), platforms=TOLD)


def test_each_platform_has_a_hand_over_of_its_own_when_the_order_opens() -> None:
    table = Table()
    fact = proposed(a_report(), danger())
    order = on_proposed(table.book, fact, kept(fact), cause())
    assert order is not None and order.status is OrderStatus.DISPATCHED
    facts = [c.fact for c in table.book.changes if c.order.order_id == order.order_id]
    assert [type(f) for f in facts] == [OrderOpened, HandoverOffered, HandoverOffered]
    assert [f.seq for f in facts] == [1, 2, 3]
    mine = [h for h in table.book.handovers.values() if h.order_id == order.order_id]
    assert [(h.platform, h.mode, h.state) for h in mine] == [
        (one, HandoverMode.HELP, HandoverState.OFFERED) for one in TOLD
    ]
    assert table.book.waiting_handover(order.order_id, "110") is mine[1]
    assert table.book.waiting_handover(order.order_id, "120") is None


def test_danger_that_joins_an_order_is_told_and_not_twice() -> None:
    table = Table()
    for _ in range(2):
        fact = linked(table.order.order_id, a_report(), danger())
        on_linked(table.book, fact, kept(fact), cause())
    offered = [c.fact.platform for c in table.book.changes if isinstance(c.fact, HandoverOffered)]
    assert offered == list(TOLD) and table.order.urgency is Urgency.CRITICAL


def test_what_is_imported_or_names_no_platform_that_anybody_signs_for_alarms_nobody() -> None:
    table = Table()
    for report, plan in (
        (a_report(imported=True), danger()),
        (a_report(), structs.replace(danger(), platforms=("0",))),
    ):
        fact = proposed(report, plan)
        on_proposed(table.book, fact, kept(fact), cause())
    assert not [c for c in table.book.changes if isinstance(c.fact, HandoverOffered)]
