"""An order moves as fast as the gravest of its reports asks, or as a person judges."""

import pytest

from schemas.facts import ReportJoined, UrgencyChanged
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Role, Urgency
from services.dispatch.rules.book import Actor
from services.dispatch.rules.opening import join
from tests.rules.dispatch.acting import Table, cause, kept
from tests.rules.dispatch.town import a_plan, a_report, linked

AGENT = Actor("agent@city", Role.AGENT, "city")


def joined(table: Table, urgency: Urgency, *, imported: bool = False) -> None:
    """A report joins that the router judged so."""
    fact = linked(table.order.order_id, a_report(imported=imported), a_plan(urgency=urgency))
    join(table.book, fact.order_id, fact.plan, kept(fact), cause(), fact.why)


@pytest.mark.parametrize("before", Urgency)
@pytest.mark.parametrize("joins", Urgency)
def test_the_gravest_report_sets_the_pace(before: Urgency, joins: Urgency) -> None:
    table = Table()
    table.order.urgency = before
    joined(table, joins)
    grave = list(Urgency)
    assert table.order.urgency is max(before, joins, key=grave.index)
    raised = [c.fact for c in table.book.changes if isinstance(c.fact, UrgencyChanged)]
    assert len(raised) == (grave.index(joins) > grave.index(before))
    if raised:
        change = table.book.changes[-2].fact
        assert isinstance(change, ReportJoined)
        assert (raised[0].before, raised[0].report_id) == (before, change.report.report_id)
        assert raised[0].seq == change.seq + 1


@pytest.mark.parametrize("status", [OrderStatus.VERIFYING, OrderStatus.CALLBACK, OrderStatus.PARKED])
def test_what_is_handled_already_is_not_hurried(status: OrderStatus) -> None:
    table = Table()
    table.order.status = status
    joined(table, Urgency.CRITICAL)
    assert table.order.urgency is Urgency.NORMAL


def test_an_imported_past_is_not_hurried() -> None:
    table = Table()
    table.order.imported = True
    joined(table, Urgency.CRITICAL, imported=True)
    assert table.order.urgency is Urgency.NORMAL


def test_an_agent_may_raise_but_only_a_centre_lowers() -> None:
    table = Table()
    table.do("urgency", AGENT, urgency="critical", reason="smoke")
    assert table.order.urgency is Urgency.CRITICAL
    with pytest.raises(Refused) as refused:
        table.do("urgency", AGENT, urgency="normal", reason="no smoke")
    assert refused.value.code == "action_not_allowed"
    table.centre("urgency", urgency="normal", reason="it was fog")
    assert table.order.urgency is Urgency.NORMAL


def test_the_same_urgency_is_no_change() -> None:
    table = Table()
    with pytest.raises(Refused) as refused:
        table.do("urgency", AGENT, urgency="normal", reason="as it is")
    assert refused.value.code == "invalid"
    assert len(table.book.changes) == 1
