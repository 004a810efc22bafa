"""Every cell of (status × action × role), allowed and refused, through the rules as the API calls them.

The expected cells are written out here once more, by role, so that a slip in the table does not pass itself.
"""

from itertools import product
from typing import Any

import pytest

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import SYSTEM, Actor
from tests.rules.dispatch.acting import Table
from tests.rules.dispatch.town import a_plan, a_report, proposed

S, A = OrderStatus, AssignmentStatus
LEAD, ASSIST = AssignmentRole.LEAD, AssignmentRole.ASSIST
WHO = (*Role, None)  # None: a message of another service
OPEN = (S.TRIAGE, S.DISPATCHED, S.HANDLING, S.VERIFYING, S.CALLBACK)


def _order_cells() -> dict[tuple[OrderStatus, str, Role | None], OrderStatus]:
    """(status, action, role) → status after it, for an order whose reporter can be called."""
    cells: dict[tuple[OrderStatus, str, Role | None], OrderStatus] = {}
    for status in (S.TRIAGE, S.DISPATCHED, S.HANDLING):
        cells[status, "route", Role.DISPATCHER] = S.DISPATCHED
        cells[status, "transfer", Role.DISPATCHER] = S.TRANSFERRED
    for status in (S.TRIAGE, S.DISPATCHED):
        cells[status, "reject", Role.DISPATCHER] = S.REJECTED
    for status in OPEN:
        cells[status, "void", Role.DISPATCHER] = S.VOID
        cells[status, "import_close", Role.IMPORT] = S.CLOSED
        for who in (Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, None):
            cells[status, "urge", who] = status
        for who in (Role.DISPATCHER, Role.SUPERVISOR, None):
            cells[status, "supervise", who] = status
    for who in (Role.INSPECTOR, Role.DISPATCHER, None):
        cells[S.VERIFYING, "verify", who] = S.CALLBACK
    for who in (Role.AGENT, Role.DISPATCHER):
        cells[S.CALLBACK, "callback", who] = S.CALLBACK
        cells[S.CALLBACK, "close", who] = S.CLOSED
    for status, who in product((S.CALLBACK, S.CLOSED), (Role.DISPATCHER, Role.SUPERVISOR)):
        cells[status, "reopen", who] = S.DISPATCHED
    return cells


def _assignment_cells() -> dict[tuple[AssignmentStatus, str, Role | None, AssignmentRole], AssignmentStatus]:
    cells: dict[tuple[AssignmentStatus, str, Role | None, AssignmentRole], AssignmentStatus] = {}
    for part in (LEAD, ASSIST):
        cells[A.OFFERED, "accept", Role.RESPONDER, part] = A.ACCEPTED
        for status in (A.OFFERED, A.ACCEPTED, A.DONE):
            cells[status, "contact", Role.RESPONDER, part] = status
        cells[A.ACCEPTED, "arrive", Role.RESPONDER, part] = A.ACCEPTED
        cells[A.ACCEPTED, "progress", Role.RESPONDER, part] = A.ACCEPTED
        cells[A.ACCEPTED, "finish", Role.RESPONDER, part] = A.DONE
        cells[A.DONE, "confirm", Role.DISPATCHER, part] = A.CONFIRMED
    for status in (A.OFFERED, A.ACCEPTED):
        cells[status, "withdraw", Role.DISPATCHER, ASSIST] = A.WITHDRAWN
    return cells


ORDER_CELLS = _order_cells()
ASSIGNMENT_CELLS = _assignment_cells()


def actor(role: Role | None) -> Actor:
    return SYSTEM if role is None else Actor(f"{role}@s2", role, "s2")


def order_in(status: OrderStatus) -> Table:
    """An order in a status, with assignments as they would be there."""
    table = Table(proposed(a_report(imported=True), a_plan(verification=Verification.SITE)))
    part = table.order.assignments[0]
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


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("action", lifecycle.ORDER_ACTIONS)
def test_every_cell_of_the_order(status: OrderStatus, action: str) -> None:
    said: dict[str, Any] = {"lead": "s1-clean"} if action == "route" else {}
    for role in WHO:
        table = order_in(status)
        expected = ORDER_CELLS.get((status, action, role))
        before = table.order.seq
        if expected is not None:
            table.do(action, actor(role), **said)
            assert table.order.status is expected, role
            assert table.order.seq == before + 1, role
            continue
        ever = any(cell[1:] == (action, role) for cell in ORDER_CELLS)
        with pytest.raises(Refused) as refused:
            table.do(action, actor(role), **said)
        assert refused.value.code == ("action_not_allowed" if ever else "forbidden"), role
        assert (table.order.status, table.order.seq) == (status, before), role
        if ever:
            allowed = [a for a in lifecycle.ORDER_ACTIONS if (status, a, role) in ORDER_CELLS]
            assert refused.value.extra["allowed"] == allowed, role


@pytest.mark.parametrize("part", AssignmentRole)
@pytest.mark.parametrize("status", AssignmentStatus)
@pytest.mark.parametrize("action", lifecycle.ASSIGNMENT_ACTIONS)
def test_every_cell_of_the_assignment(status: AssignmentStatus, action: str, part: AssignmentRole) -> None:
    for role in WHO:
        table = Table(proposed(plan=a_plan("s1-road", "s1-clean"))).later()
        target = table.part("s1-road" if part is LEAD else "s1-clean")
        other = table.part("s1-clean" if part is LEAD else "s1-road")
        target.status = status
        other.status = A.DONE if part is LEAD else A.ACCEPTED
        table.order.status = S.DISPATCHED if part is LEAD and status is A.OFFERED else S.HANDLING
        expected = ASSIGNMENT_CELLS.get((status, action, role, part))
        if expected is not None:
            table.do(action, actor(role), target)
            assert target.status is expected, role
            continue
        ever = any(cell[1:3] == (action, role) for cell in ASSIGNMENT_CELLS)
        with pytest.raises(Refused) as refused:
            table.do(action, actor(role), target)
        assert refused.value.code == ("action_not_allowed" if ever else "forbidden"), role
        assert target.status is status, role


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


def test_no_action_is_known_that_no_table_has() -> None:
    with pytest.raises(Refused) as refused:
        lifecycle.check_role("merge", Role.DISPATCHER)
    assert refused.value.code == "action_unknown"


def test_the_printed_tables_hold_every_row() -> None:
    lines = list(lifecycle.lines())
    assert len(lines) == 1 + len(lifecycle.ASSIGNMENT_TABLE) + len(lifecycle.ORDER_TABLE)
    assert "order\tdispatched\taccept\tlead\tresponder\thandling" in lines


def test_no_cell_stands_twice() -> None:
    orders = [(r.status, r.action, r.when, who) for r in lifecycle.ORDER_TABLE for who in r.who]
    parts = [(r.status, r.action, of, who) for r in lifecycle.ASSIGNMENT_TABLE for of in r.of for who in r.who]
    assert len(orders) == len(set(orders)) and len(parts) == len(set(parts))
