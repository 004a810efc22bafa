"""Who else takes part: passed on, pulled in, sent back, withdrawn, another lead."""

from typing import Any

import pytest

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role
from services.dispatch.rules import shapes
from services.dispatch.rules.book import Actor
from services.dispatch.rules.standing import centre_of
from tests.rules.dispatch.acting import Table, at, seen
from tests.rules.dispatch.town import DIRECTORY, a_plan, proposed

A = AssignmentStatus


def street(*assists: str) -> Table:
    """An order that the first street itself leads and has accepted."""
    table = Table(proposed(plan=a_plan("s1", *assists))).later()
    table.unit("s1", "accept")
    return table.later()


def code(table: Table, unit: str, action: str, /, **said: Any) -> str:
    """Why it is refused; nothing may have changed."""
    before = seen(table.order)
    with pytest.raises(Refused) as refused:
        table.unit(unit, action, **said)
    assert seen(table.order) == before
    return refused.value.code


def statuses(table: Table) -> dict[str, AssignmentStatus]:
    return {a.unit: a.status for a in table.order.assignments}


def test_a_part_is_passed_on_to_any_depth_and_finishes_from_below() -> None:
    table = street()
    table.unit("s1", "pass_on", unit="s1-road", note="please look")
    table.later().unit("s1-road", "accept")
    table.later().unit("s1-road", "pass_on", unit="road-crew")
    table.later().unit("road-crew", "accept")
    table.later().unit("road-crew", "pass_on", unit="patcher")
    assert [a.parent for a in table.order.assignments[1:]] == [a.assignment_id for a in table.order.assignments[:-1]]
    assert table.order.lead == "s1" and table.order.leading() is table.part("s1")
    for unit in ("s1", "s1-road", "road-crew"):
        assert code(table, unit, "finish") == "children_open"
    shown = shapes.assignment(DIRECTORY, table.order, table.part("s1-road"))
    assert shown["parent"] == table.part("s1").assignment_id
    assert shown["passed_on"] == [table.part("road-crew").assignment_id]
    table.later().unit("patcher", "accept")
    for unit in ("patcher", "road-crew", "s1-road"):
        table.later().unit(unit, "finish", answer=f"{unit} is done")
    assert statuses(table) == {"s1": A.ACCEPTED, "s1-road": A.DONE, "road-crew": A.CONFIRMED, "patcher": A.CONFIRMED}
    table.later().unit("s1", "finish")
    assert table.order.status is OrderStatus.CALLBACK
    assert statuses(table)["s1-road"] is A.CONFIRMED, "finishing signs what was passed on"
    assert [c.fact.round for c in table.book.changes] == [1] * len(table.book.changes)


def test_the_answer_of_a_child_is_confirmed_or_sent_back_by_its_parent_alone() -> None:
    table = street()
    table.unit("s1", "pass_on", unit="k1")
    table.later().unit("k1", "accept")
    table.later().unit("k1", "finish", answer="nobody at home")
    child = table.part("k1")
    for actor in (
        Actor("x", Role.RESPONDER, "k1"),
        Actor("x", Role.DISPATCHER, "d1"),
        Actor("x", Role.DISPATCHER, "city"),
        Actor("x", Role.RESPONDER, "s1-road"),
    ):
        with pytest.raises(Refused) as refused:
            table.do("send_back", actor, child)
        assert refused.value.code == "other_unit", actor
    table.later().do("send_back", Actor("x", Role.RESPONDER, "s1"), child, reason="ask the neighbours")
    assert (child.status, child.done_at, table.order.round) == (A.ACCEPTED, None, 1)
    table.later().unit("k1", "finish", answer="found him")
    table.later().do("confirm", Actor("x", Role.DISPATCHER, "s1"), child)
    assert child.status is A.CONFIRMED
    table.later().unit("s1", "finish")
    assert table.order.status is OrderStatus.CALLBACK


@pytest.mark.parametrize(
    ("holder", "unit", "refusal"),
    [
        ("s1", "k1", ""),  # inside its boundary
        ("s1", "s1-police", ""),  # its area's street (块)
        ("d1-police", "s1-police", ""),  # its line's bureau (条)
        ("s1-road", "road-crew", ""),
        ("k1", "road-crew", ""),  # a crew with two parents
        ("s1-clean", "road-crew", "unit_not_below"),
        ("s1-road", "s1-clean", "unit_not_below"),
        ("s1-road", "s1", "unit_not_below"),  # never upwards
        ("s1", "s2", "unit_not_below"),
        ("s1", "d1", "unit_not_below"),
        ("s1", "s1", "unit_taken"),
        ("s1", "nobody", "unit_unknown"),
    ],
)
def test_a_part_goes_to_a_unit_below_only(holder: str, unit: str, refusal: str) -> None:
    table = Table(proposed(plan=a_plan(holder))).later()
    table.unit(holder, "accept")
    if refusal:
        assert code(table, holder, "pass_on", unit=unit) == refusal
    else:
        table.unit(holder, "pass_on", unit=unit)
        assert centre_of(DIRECTORY, table.order, table.part(unit)) == holder


def test_passing_on_needs_acceptance_and_a_due_that_lies_ahead() -> None:
    table = Table(proposed(plan=a_plan("s1"))).later()
    assert code(table, "s1", "pass_on", unit="k1") == "action_not_allowed"
    table.unit("s1", "accept")
    assert code(table, "s1", "pass_on", unit="k1", due=at(table.book.now)) == "time_backwards"


def test_what_is_taken_back_goes_with_all_that_was_passed_on_from_it() -> None:
    table = street("s1-clean")
    for unit, below in (("s1", "s1-road"), ("s1-road", "road-crew"), ("road-crew", "patcher")):
        table.later().unit(unit, "pass_on", unit=below)
        table.later().unit(below, "accept")
    table.later().unit("patcher", "finish")
    assert code(table, "s1", "finish") == "children_open"
    table.later().do("withdraw", Actor("x", Role.RESPONDER, "s1"), table.part("s1-road"), reason="done by ourselves")
    assert statuses(table) == {
        "s1": A.ACCEPTED,
        "s1-clean": A.OFFERED,
        "s1-road": A.WITHDRAWN,
        "road-crew": A.WITHDRAWN,
        "patcher": A.CONFIRMED,  # what is done stays done
    }
    assert code(table, "s1", "finish") == "assists_open"
    table.later().centre("withdraw", on="s1-clean")
    table.later().unit("s1", "finish")
    assert table.order.status is OrderStatus.CALLBACK
    assert table.order.seq == len(table.book.changes)


def test_the_lead_or_the_centre_pulls_one_more_unit_in() -> None:
    table = Table(proposed(plan=a_plan("s1-road"))).later()
    assert code(table, "s1-road", "pull_in", unit="s1-clean") == "action_not_allowed", "not before it has accepted"
    table.centre("pull_in", on="s1-road", unit="s1-police")
    table.later().unit("s1-road", "accept")
    table.later().unit("s1-road", "pull_in", unit="s1-clean", note="bring the sweeper")
    assert code(table, "s1-road", "pull_in", unit="s1-clean") == "unit_taken"
    assert code(table, "s1-clean", "pull_in", unit="k1") == "action_not_allowed", "an assist has no part to share out"
    assert [(a.unit, a.role, a.parent) for a in table.order.assignments[1:]] == [
        ("s1-police", AssignmentRole.ASSIST, None),
        ("s1-clean", AssignmentRole.ASSIST, None),
    ]
    assert code(table, "s1-road", "finish") == "assists_open"


def test_another_lead_keeps_what_it_has_and_the_former_goes_on_as_an_assist() -> None:
    table = Table(proposed(plan=a_plan("s1-road", "s1-clean"))).later()
    table.unit("s1-road", "accept")
    table.later().unit("s1-clean", "accept")
    version = table.order.version
    table.later().centre("lead", unit="s1-clean", reason="it is rubbish")
    assert (table.order.lead, table.order.status) == ("s1-clean", OrderStatus.HANDLING), "it works already"
    assert (table.part("s1-road").role, table.part("s1-road").status) == (AssignmentRole.ASSIST, A.ACCEPTED)
    assert table.order.leading() is table.part("s1-clean") and table.order.version == version + 1
    assert table.order.detail.path[-1].unit == "s1-clean"
    table.later().centre("lead", unit="s1-police", reason="they fight about it")
    assert (table.order.lead, table.order.status) == ("s1-police", OrderStatus.DISPATCHED), "asked anew"
    assert {a.unit: a.role for a in table.order.assignments} == {
        "s1-road": AssignmentRole.ASSIST,
        "s1-clean": AssignmentRole.ASSIST,
        "s1-police": AssignmentRole.LEAD,
    }
    with pytest.raises(Refused) as refused:
        table.centre("lead", unit="s1-police")
    assert refused.value.code == "leads_already"
    with pytest.raises(Refused) as refused:
        table.do("lead", Actor("x", Role.DISPATCHER, "city"), unit="s1-road", reason="x")
    assert refused.value.code == "other_unit", "neither the centre that dispatched it nor the one above"
    past = table.past()
    assert past is not None and seen(past) == seen(table.order)


def test_a_child_may_become_the_lead_and_is_nobodys_child_then() -> None:
    table = street()
    table.unit("s1", "pass_on", unit="s1-road")
    table.later().unit("s1-road", "accept")
    table.later().unit("s1-road", "pass_on", unit="road-crew")
    table.later().do("lead", Actor("x", Role.DISPATCHER, "d1"), unit="s1-road", reason="it does all of it")
    assert (table.part("s1-road").parent, table.part("s1").role) == (None, AssignmentRole.ASSIST)
    assert table.part("road-crew").parent == table.part("s1-road").assignment_id
    table.later().unit("s1", "finish")  # it has passed nothing on any more
    assert code(table, "s1-road", "finish") == "children_open"


def test_a_re_route_keeps_what_a_kept_unit_passed_on_and_lifts_a_child_that_it_names() -> None:
    table = street("s1-clean")
    table.unit("s1", "pass_on", unit="s1-road")
    table.later().unit("s1-road", "accept")
    table.later().unit("s1-road", "pass_on", unit="road-crew")
    table.later().unit("s1-clean", "accept")
    table.later().unit("s1-clean", "pass_on", unit="clean-crew")
    table.later().do("route", Actor("x", Role.DISPATCHER, "d1"), lead="s1-road", assists=["s1-clean"])
    assert statuses(table) == {
        "s1": A.WITHDRAWN,
        "s1-clean": A.ACCEPTED,
        "s1-road": A.ACCEPTED,
        "road-crew": A.OFFERED,
        "clean-crew": A.OFFERED,
    }
    assert (table.part("s1-road").parent, table.part("s1-road").role) == (None, AssignmentRole.LEAD)
    assert centre_of(DIRECTORY, table.order) == "d1", "the centre that routed it decides from now on"
    past = table.past()
    assert past is not None and seen(past) == seen(table.order)
