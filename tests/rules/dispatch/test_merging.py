"""Two orders become one and are taken apart again: nobody's report, promise or contact is lost on the way."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas import facts
from schemas.ids import order_id_of
from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role, Source, Urgency, Verification
from services.dispatch.rules.book import Actor
from services.dispatch.rules.opening import on_linked, on_proposed
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import PastChange, rebuilt, reports_in
from services.dispatch.rules.voices import voices
from tests.rules.dispatch.acting import Table, act, cause, kept, past_of, seen
from tests.rules.dispatch.town import T0, a_plan, a_report, in_triage, linked, proposed

S, A = OrderStatus, AssignmentStatus
CITY = Actor("dispatcher@d1", Role.DISPATCHER, "d1")
STREET_2 = Actor("dispatcher@s2", Role.DISPATCHER, "s2")


class Pair:
    """Two orders on one table: `one` is merged into `other`."""

    def __init__(self, one: Any = None, other: Any = None) -> None:
        self.table = Table(one)
        self.book = self.table.book
        self.one = self.table.order
        self.other = self.open(other or proposed(a_report(), a_plan("s1-clean")))

    def open(self, fact: Any) -> Order:
        """One more order in the book."""
        on_proposed(self.book, fact, kept(fact), cause())
        return self.book.orders[fact.order_id]

    def later(self, minutes: float = 1) -> "Pair":
        self.table.later(minutes)
        return self

    def join(self, order: Order) -> UUID:
        """One more report about an order; its id."""
        fact = linked(order.order_id, a_report(received_at=self.book.now))
        on_linked(self.book, fact, kept(fact), cause())
        assert fact.report.report_id is not None
        return fact.report.report_id

    def merge(self, one: Order | None = None, other: Order | None = None, actor: Actor = CITY, **said: Any) -> None:
        into = (other or self.other).order_id
        act(self.book, one or self.one, "merge", actor, into=str(into), **said)

    def unmerge(self, one: Order | None = None, actor: Actor = CITY) -> None:
        act(self.book, one or self.one, "unmerge", actor, reason="two holes")

    def part(self, order: Order, unit: str, action: str, **said: Any) -> None:
        """A unit does something to its newest assignment of an order."""
        part = [a for a in order.assignments if a.unit == unit][-1]
        act(self.book, order, action, Actor(f"person@{unit}", Role.RESPONDER, unit), part, **said)

    def reports(self, order: Order) -> set[UUID]:
        return reports_in(past_of(self.book, order))

    def same_as_told(self) -> None:
        """What the history tells of both is what they are."""
        for order in (self.one, self.other):
            past = rebuilt(past_of(self.book, order))
            assert past is not None and seen(past) == seen(order)


def test_the_reports_go_over_and_the_work_is_withdrawn() -> None:
    pair = Pair(proposed(a_report(), a_plan("s1-road", "k1")))
    mine = pair.reports(pair.one) | {pair.join(pair.one)}
    theirs = pair.reports(pair.other)
    pair.later().part(pair.one, "s1-road", "accept")
    pair.later().merge(reason="同一井盖")
    assert (pair.one.status, pair.one.merged_into) == (S.MERGED, pair.other.order_id)
    assert [a.status for a in pair.one.assignments] == [A.WITHDRAWN, A.WITHDRAWN]
    assert pair.reports(pair.one) == set()
    assert pair.reports(pair.other) == mine | theirs
    assert {id_ for id_, order in pair.book.moved.items() if order == pair.other.order_id} == mine
    assert [type(c.fact).__name__ for c in pair.book.changes[-2:]] == ["OrderMerged", "ReportsMoved"]
    assert [a.unit for a in pair.other.assignments] == ["s1-clean"], "its units do not go over unasked"
    pair.same_as_told()


def test_the_units_may_go_on_as_assists_but_none_twice() -> None:
    pair = Pair(proposed(a_report(), a_plan("s1-road", "s1-clean")))
    pair.later().merge(keep_units=True)
    assert [(a.unit, a.role) for a in pair.other.assignments] == [
        ("s1-clean", AssignmentRole.LEAD),
        ("s1-road", AssignmentRole.ASSIST),
    ]
    pair.later().unmerge()
    assert [a.status for a in pair.other.assignments] == [A.OFFERED, A.WITHDRAWN]
    pair.same_as_told()


def test_a_promise_goes_with_its_report() -> None:
    report = a_report(received_at=T0 - timedelta(days=4))
    pair = Pair(proposed(report, a_plan("s1-road")))
    pair.later().part(pair.one, "s1-road", "contact", reached=True, report_id=str(report.report_id))
    reached = pair.book.now
    pair.later().merge()
    assert report.report_id is not None
    moved = voices(pair.other, pair.book.past(pair.other))[report.report_id]
    assert moved.report.received_at == report.received_at
    assert moved.promise.since == report.received_at
    assert moved.promise.class_key == pair.one.detail.class_ref.key
    assert moved.contacted_at == reached


def test_a_promise_of_a_triage_begins_to_ask_for_contact_where_somebody_leads() -> None:
    pair = Pair(in_triage())
    pair.later(90).merge()
    moved = [f for f in pair.book.past(pair.other) if isinstance(f, facts.ReportsMoved)][-1]
    assert [m.promise.contact_from for m in moved.reports] == [pair.book.now]


@pytest.mark.parametrize("status", [S.TRIAGE, S.DISPATCHED, S.HANDLING, S.VERIFYING, S.CALLBACK])
def test_unmerging_gives_back_what_was_merged(status: OrderStatus) -> None:
    fact = in_triage() if status is S.TRIAGE else proposed(plan=a_plan("s1-road", verification=Verification.SITE))
    pair = Pair(fact)
    if status in (S.HANDLING, S.VERIFYING, S.CALLBACK):
        pair.later().part(pair.one, "s1-road", "accept")
    if status in (S.VERIFYING, S.CALLBACK):
        pair.later().part(pair.one, "s1-road", "finish", result="solved", answer="done")
    if status is S.CALLBACK:
        act(pair.book, pair.one, "verify", Actor("inspector", Role.INSPECTOR, ""), passed=True)
    assert pair.one.status is status
    mine, theirs = pair.reports(pair.one), pair.reports(pair.other)
    pair.later().merge()
    pair.later().unmerge()
    working = status in (S.DISPATCHED, S.HANDLING)
    assert pair.one.status is (S.DISPATCHED if working else status)
    assert pair.one.merged_into is None and pair.one.lead == ("s1" if status is S.TRIAGE else "s1-road")
    live = [(a.unit, a.role, a.status) for a in pair.one.assignments if a.live]
    assert live == ([("s1-road", AssignmentRole.LEAD, A.OFFERED)] if working else [])
    assert (pair.reports(pair.one), pair.reports(pair.other)) == (mine, theirs)
    pair.same_as_told()
    if working:  # and it can be worked on to its end
        pair.later().part(pair.one, "s1-road", "accept")
        assert pair.one.status is S.HANDLING


def test_what_joined_through_the_merged_order_goes_home_with_it() -> None:
    pair = Pair()
    pair.later().merge()
    through, direct = pair.join(pair.one), pair.join(pair.other)
    assert {through, direct} <= pair.reports(pair.other)
    pair.later().unmerge()
    assert through in pair.reports(pair.one) and direct in pair.reports(pair.other)


def test_a_contact_made_meanwhile_is_kept_on_the_way_home() -> None:
    report = a_report()
    pair = Pair(proposed(report, a_plan("s1-road")))
    pair.later().merge()
    pair.later().part(pair.other, "s1-clean", "contact", reached=True, report_id=str(report.report_id))
    reached = pair.book.now
    pair.later().unmerge()
    home = [f for f in pair.book.past(pair.one) if isinstance(f, facts.OrderUnmerged)][-1]
    assert [m.contacted_at for m in home.reports] == [reached]


def test_somebody_waits_for_a_call_exactly_where_his_report_lies() -> None:
    pair = Pair(None, proposed(a_report(source=Source.PATROL), a_plan("s1-clean")))
    assert not pair.other.citizens
    pair.later().merge()
    assert pair.other.citizens
    pair.later().unmerge()
    assert not pair.other.citizens and pair.one.citizens


def test_a_chain_of_mergers_is_undone_from_its_end() -> None:
    pair = Pair()
    third = pair.open(proposed(a_report(), a_plan("k1")))
    mine = pair.reports(pair.one)
    pair.later().merge()
    pair.later().merge(pair.other, third)
    with pytest.raises(Refused) as refused:
        pair.unmerge()
    assert refused.value.code == "merge_ended"
    assert mine <= pair.reports(third)
    pair.later().unmerge(pair.other)
    assert mine <= pair.reports(pair.other)
    pair.later().unmerge()
    assert pair.reports(pair.one) == mine and len(pair.reports(third)) == 1


def refusal(pair: Pair, **how: Any) -> str:
    before = [seen(o) for o in pair.book.orders.values()]
    made = len(pair.book.changes)
    with pytest.raises(Refused) as refused:
        pair.merge(**how)
    assert [seen(o) for o in pair.book.orders.values()] == before, "a refusal changes nothing"
    assert len(pair.book.changes) == made
    return refused.value.code


def test_an_order_is_not_merged_into_itself() -> None:
    pair = Pair()
    assert refusal(pair, other=pair.one) == "merge_self"


def test_nor_in_a_circle() -> None:
    pair = Pair()
    pair.later().merge()
    pair.book.merged_on[pair.one.order_id] = [pair.other.order_id]  # as gathering finds it
    assert refusal(pair, one=pair.other, other=pair.one) == "merge_circle"


@pytest.mark.parametrize("status", [S.CLOSED, S.REJECTED, S.TRANSFERRED, S.VOID, S.MERGED])
def test_nor_into_one_that_ended(status: OrderStatus) -> None:
    pair = Pair()
    pair.other.status = status
    assert refusal(pair) == "merge_ended"


@pytest.mark.parametrize("status", [S.CLOSED, S.REJECTED, S.TRANSFERRED, S.VOID, S.MERGED])
def test_nor_when_it_ended_itself(status: OrderStatus) -> None:
    pair = Pair()
    pair.one.status = status
    assert refusal(pair) == "action_not_allowed"


def test_what_is_urgent_does_not_go_into_what_is_not() -> None:
    pair = Pair(proposed(a_report(), a_plan("s1-road", urgency=Urgency.CRITICAL)))
    assert refusal(pair) == "merge_unlike"
    pair.merge(pair.other, pair.one)
    assert pair.other.status is S.MERGED


def test_nor_a_past_that_was_imported_with_the_present() -> None:
    assert refusal(Pair(proposed(a_report(imported=True)))) == "merge_unlike"


def test_only_by_one_who_may_see_both() -> None:
    there = structs.replace(a_plan("s2", division="S2"), path=())
    pair = Pair(proposed(a_report(), a_plan("s1-road")), proposed(a_report(), there))
    assert refusal(pair, actor=STREET_2) == "other_unit"
    assert refusal(pair, actor=Actor("dispatcher@s1", Role.DISPATCHER, "s1")) == "other_unit"
    pair.merge()


def test_not_to_where_the_unit_complained_about_works() -> None:
    about = structs.replace(a_report(), subject="桥头环卫")
    pair = Pair(proposed(about, a_plan("s1-road")))
    assert refusal(pair) == "subject_unit"


def test_an_order_that_does_not_exist_is_not_found() -> None:
    pair = Pair()
    with pytest.raises(Refused) as refused:
        act(pair.book, pair.one, "merge", CITY, into=str(order_id_of(UUID(int=1))))
    assert refused.value.code == "not_found"


STEPS = st.lists(st.tuples(st.sampled_from(("merge", "unmerge", "join")), st.integers(0, 3), st.integers(0, 3)))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_however_orders_are_merged_and_parted_no_report_is_lost_or_doubled(steps: list[tuple[str, int, int]]) -> None:
    pair = Pair()
    orders = [pair.one, pair.other, *(pair.open(proposed(a_report(), a_plan("k1"))) for _ in range(2))]
    everything = set().union(*(pair.reports(o) for o in orders))
    for action, first, second in steps:
        pair.later()
        try:
            if action == "join":
                everything.add(pair.join(orders[first]))
            elif action == "merge":
                pair.merge(orders[first], orders[second])
            else:
                pair.unmerge(orders[first])
        except Refused:
            continue
    lying = [pair.reports(o) for o in orders]
    assert set().union(*lying) == everything
    assert sum(len(each) for each in lying) == len(everything), "each report hangs on one order"
    for order, reports in zip(orders, lying, strict=True):
        assert set(voices(order, pair.book.past(order))) == reports
        assert not reports or order.status is not S.MERGED
        past = rebuilt(past_of(pair.book, order))
        assert past is not None and seen(past) == seen(order)


def test_the_facts_told_are_the_facts_kept() -> None:
    pair = Pair()
    pair.later().merge()
    assert [PastChange(c.type, c.body, c.reason, c.private) for c in past_of(pair.book, pair.one)]
