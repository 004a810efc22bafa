"""An order moves as fast as the gravest of its reports asks, or as a person judges."""

import pytest
from msgspec import structs

from schemas.facts import AssignmentOffered, ReportJoined, UrgencyChanged
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, OrderStatus, Role, Urgency
from services.dispatch.rules.book import Actor
from services.dispatch.rules.opening import join, on_linked
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


def test_a_matter_that_goes_up_has_the_centre_above_take_part_once() -> None:
    table = Table()
    centre = "city"
    for reports in (1, 2):
        fact = structs.replace(linked(table.order.order_id, a_report()), raised_to=centre)
        on_linked(table.book, fact, kept(fact), cause())
        parts = [a for a in table.order.assignments if a.unit == centre]
        assert len(parts) == 1 and parts[0].role is AssignmentRole.ASSIST and len(table.order.voices) == 1 + reports
    offered = [c for c in table.book.changes if isinstance(c.fact, AssignmentOffered)]
    assert [c.fact.note for c in offered] == ["same place"] and offered[0].action == "pull_in"


@pytest.mark.parametrize("raised_to", ["", "nobody", "lead"])
def test_nobody_is_asked_twice_or_unknown(raised_to: str) -> None:
    table = Table()
    to = table.order.lead if raised_to == "lead" else raised_to
    fact = structs.replace(linked(table.order.order_id, a_report()), raised_to=to)
    on_linked(table.book, fact, kept(fact), cause())
    assert not [c for c in table.book.changes if isinstance(c.fact, AssignmentOffered)]
