"""Every cell of (status × action × role × standing), allowed and refused, through the rules as the API calls them.

The expected cells stand in `themes`, written out once more by hand, so that a slip in the table does not pass itself.
"""

from itertools import product

import pytest

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER
from services.dispatch.rules.book import SYSTEM, Actor
from services.dispatch.rules.lifecycle import Part, Relation
from tests.rules.dispatch.acting import Table
from tests.rules.dispatch.themes import ASSIGNMENT_CELLS, BODIES, ORDER_CELLS
from tests.rules.dispatch.themes.cells import OPEN
from tests.rules.dispatch.town import a_plan, a_report, proposed

S, A = OrderStatus, AssignmentStatus
R = Relation
CITY_WIDE = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.INSPECTOR, Role.IMPORT)
# How the town's units stand to an order in the first street that its road unit leads; and to that unit's part.
OF_ORDER = {
    "city": {R.SIGHT},
    "d1": {R.SIGHT, R.ABOVE},
    "s1": {R.SIGHT, R.CENTRE},
    "s1-road": {R.SIGHT, R.LEAD},
    "s2": set(),
    "": set(),
}


def stands(role: Role | None, unit: str, known: dict[str, set[Relation]]) -> set[Relation]:
    """How a role of a unit stands to the work, said by hand."""
    if role is None:
        return {R.SERVICE}
    if not unit:
        return {R.SIGHT} if role in CITY_WIDE else set()
    found = set(known[unit])
    if role is Role.RESPONDER and unit not in ("s1-road", "s1-clean", "k1"):
        found.discard(R.SIGHT)  # a responder sees what its unit holds
    return found


def actor(role: Role | None, unit: str) -> Actor:
    return SYSTEM if role is None else Actor(f"{role}@{unit}", role, unit)


def order_in(status: OrderStatus, action: str = "") -> Table:
    """An order in a status, with assignments as they would be there."""
    table = Table(proposed(a_report(imported=True), a_plan(verification=Verification.SITE))).beside()
    part = table.order.assignments[0]
    if action == "recall" and status in OPEN:  # there is something to take back
        table.do("transfer", actor(Role.DISPATCHER, "d1"))
    if status is S.MERGED:
        table.do("merge", actor(Role.DISPATCHER, "d1"))
        return table.later()
    if status is S.TRIAGE:
        table.order.assignments.clear()
    elif status is S.HANDLING:
        part.status = A.ACCEPTED
    elif status in (S.VERIFYING, S.CALLBACK):
        part.status = A.DONE
    elif status is S.CLOSED:
        part.status, table.order.closed_at = A.CONFIRMED, table.book.now
    elif status not in (S.DISPATCHED, S.PARKED):
        part.status = A.WITHDRAWN
    table.order.status = status
    return table.later()


def expected_code(ever: set[Relation], here: set[Relation], relations: set[Relation]) -> str:
    """Why it is refused: `ever` and `here` are the standings that let this role do it in some status, and in this."""
    if not ever:
        return "forbidden"
    if not ever & relations:
        return "other_unit"
    return "other_unit" if here else "action_not_allowed"


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("action", lifecycle.ORDER_ACTIONS)
def test_every_cell_of_the_order(status: OrderStatus, action: str) -> None:
    for role, unit in product((*Role, None), OF_ORDER):
        table, relations = order_in(status, action), stands(role, unit, OF_ORDER)
        table.order.proposed = "reopen" if action == "dismiss" else ""
        table.order.round = 2 if action == "conclude" else 1
        ever = {r for (_, a, who, r) in ORDER_CELLS if (a, who) == (action, role)}
        here = {r for (s, a, who, r) in ORDER_CELLS if (s, a, who) == (status, action, role)}
        before = table.order.seq
        if here & relations:
            if (action, unit) == ("verify", "s1-road"):
                continue  # who handled it may not: that is a rule of its own
            table.do(action, actor(role, unit))
            to = {ORDER_CELLS[status, action, role, r] for r in here & relations}
            assert {table.order.status} == to, (role, unit)
            assert table.order.seq == before + 1, (role, unit)
            continue
        with pytest.raises(Refused) as refused:
            table.do(action, actor(role, unit))
        assert refused.value.code == expected_code(ever, here, relations), (role, unit)
        assert (table.order.status, table.order.seq) == (status, before), (role, unit)
        if refused.value.code == "action_not_allowed":
            allowed = {a for (s, a, who, r) in ORDER_CELLS if (s, who) == (status, role) and r in relations}
            assert set(refused.value.extra["allowed"]) == allowed, (role, unit)


OF_PART = {
    Part.LEAD: {
        "city": {R.SIGHT},
        "d1": {R.SIGHT, R.ABOVE},
        "s1": {R.SIGHT, R.CENTRE},
        "s1-road": {R.SIGHT, R.LEAD, R.HOLDER},
        "s1-clean": {R.SIGHT},
        "s2": set(),
        "": set(),
    },
    Part.ASSIST: {
        "city": {R.SIGHT},
        "d1": {R.SIGHT, R.ABOVE},
        "s1": {R.SIGHT, R.CENTRE},
        "s1-road": {R.SIGHT, R.LEAD},
        "s1-clean": {R.SIGHT, R.HOLDER},
        "s2": set(),
        "": set(),
    },
    # the road unit's part, passed on to the committee: the road unit decides about it
    Part.CHILD: {
        "city": {R.SIGHT},
        "d1": {R.SIGHT},
        "s1": {R.SIGHT, R.ABOVE},
        "s1-road": {R.SIGHT, R.LEAD, R.PARENT, R.CENTRE},
        "s1-clean": {R.SIGHT},
        "k1": {R.SIGHT, R.HOLDER},
        "s2": set(),
        "": set(),
    },
}
HELD_BY = {Part.LEAD: "s1-road", Part.ASSIST: "s1-clean", Part.CHILD: "k1"}


def part_in(status: AssignmentStatus, part: Part) -> Table:
    """An order with a lead, an assist and a part that was passed on, one of them in a status."""
    table = Table(proposed(plan=a_plan("s1-road", "s1-clean", "k1"))).later()
    lead, assist, child = table.order.assignments
    lead.status, assist.status, child.status = A.ACCEPTED, A.ACCEPTED, A.ACCEPTED
    child.parent = lead.assignment_id
    table.part(HELD_BY[part]).status = status
    if part is Part.LEAD:  # which is the last to finish
        assist.status = child.status = A.DONE
    table.order.status = S.DISPATCHED if part is Part.LEAD and status is A.OFFERED else S.HANDLING
    return table


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("status", AssignmentStatus)
@pytest.mark.parametrize("action", lifecycle.ASSIGNMENT_ACTIONS)
def test_every_cell_of_the_assignment(status: AssignmentStatus, action: str, part: Part) -> None:
    for role, unit in product((*Role, None), OF_PART[part]):
        table, relations = part_in(status, part), stands(role, unit, OF_PART[part])
        target = table.part(HELD_BY[part])
        ever = {r for (_, a, _, who, r) in ASSIGNMENT_CELLS if (a, who) == (action, role)}
        cells = {c: to for c, to in ASSIGNMENT_CELLS.items() if c[:4] == (status, action, part, role)}
        here = {cell[4] for cell in cells}
        before = table.order.seq
        if here & relations:
            table.do(action, actor(role, unit), target)
            assert {target.status} == {to for cell, to in cells.items() if cell[4] in relations}, (role, unit)
            assert table.order.seq > before
            continue
        with pytest.raises(Refused) as refused:
            table.do(action, actor(role, unit), target)
        assert refused.value.code == expected_code(ever, here, relations), (role, unit)
        assert (target.status, table.order.seq) == (status, before), (role, unit)


@pytest.mark.parametrize(
    ("verification", "after"),
    [
        (Verification.NONE, S.CLOSED),
        (Verification.SITE, S.VERIFYING),
        (Verification.SENSOR, S.VERIFYING),
        (Verification.CALL, S.CALLBACK),
    ],
)
def test_what_the_lead_s_end_leads_to_hangs_on_the_check_that_is_due(
    verification: Verification, after: OrderStatus
) -> None:
    table = Table(proposed(plan=a_plan("s1-road", "s1-clean", verification=verification)))
    table.later().unit("s1-clean", "accept")
    assert table.order.status is S.DISPATCHED
    table.later().unit("s1-clean", "finish")
    assert table.order.status is S.DISPATCHED
    table.later().unit("s1-road", "accept")
    assert table.order.status.value == "handling"
    table.later().unit("s1-road", "finish")
    assert table.order.status is after


@pytest.mark.parametrize("on_assignment", [True, False])
def test_no_action_is_known_that_no_table_has(on_assignment: bool) -> None:
    with pytest.raises(Refused) as refused:
        lifecycle.check_role("juggle", Role.DISPATCHER, on_assignment=on_assignment)
    assert refused.value.code == "action_unknown"


def test_every_action_of_the_tables_has_a_body_and_a_deed_and_no_other_has() -> None:
    assert set(ON_ASSIGNMENT) == set(lifecycle.ASSIGNMENT_ACTIONS)
    assert set(ON_ORDER) == set(lifecycle.ORDER_ACTIONS)
    assert set(BODIES) <= set(ON_ASSIGNMENT) | set(ON_ORDER)


def test_no_cell_stands_twice() -> None:
    """For one role in one status each action has one line; how it stands to the work only narrows who may."""
    orders = [(r.status, r.action, r.when, w) for r in lifecycle.ORDER_TABLE for w in {w.role for w in r.who}]
    parts = [
        (r.status, r.action, of, r.when, w)
        for r in lifecycle.ASSIGNMENT_TABLE
        for of in r.of
        for w in {w.role for w in r.who}
    ]
    assert len(orders) == len(set(orders)) and len(parts) == len(set(parts))
    assert AssignmentRole.LEAD == Part.LEAD and AssignmentRole.ASSIST == Part.ASSIST
