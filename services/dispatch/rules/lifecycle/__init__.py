"""The life of an order and of an assignment, as two tables, one row a line: (status, action, when, who) → status and
what else happens. Each module here holds the rows of one theme; what is in none of them is refused.

Source: design §6; domain notes §B3, §B4, §B8.
"""

from collections.abc import Iterable

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentStatus, OrderStatus, Verification
from services.dispatch.rules.lifecycle import (
    assigning,
    finishing,
    handing,
    merging,
    milestones,
    requests,
    steering,
    tree,
    urgency,
)
from services.dispatch.rules.lifecycle.rows import (
    SYSTEM,
    AssignmentRow,
    Caller,
    Effect,
    OrderRow,
    Part,
    Relation,
    Who,
    part_of,
)

__all__ = ["SYSTEM", "AssignmentRow", "Caller", "Effect", "OrderRow", "Part", "Relation", "Who", "part_of"]

_THEMES = (
    assigning,
    tree,
    milestones,
    requests,
    finishing,
    steering,
    merging,
    urgency,
    handing,
)
ASSIGNMENT_TABLE: tuple[AssignmentRow, ...] = tuple(row for theme in _THEMES for row in theme.ASSIGNMENT)
ORDER_TABLE: tuple[OrderRow, ...] = tuple(row for theme in _THEMES for row in theme.ORDER)

ASSIGNMENT_ACTIONS = tuple(dict.fromkeys(row.action for row in ASSIGNMENT_TABLE))
ORDER_ACTIONS = tuple(dict.fromkeys(row.action for row in ORDER_TABLE if not row.follows))
ENDED = frozenset(
    {OrderStatus.CLOSED, OrderStatus.REJECTED, OrderStatus.TRANSFERRED, OrderStatus.MERGED, OrderStatus.VOID}
)
OF_WAITING_HANDOVER = handing.OF_WAITING_HANDOVER
LIVE = frozenset({AssignmentStatus.OFFERED, AssignmentStatus.ACCEPTED, AssignmentStatus.RETURN_REQUESTED})

_ASSIGNMENT = {(r.status, r.action, p, r.when, w.role): r for r in ASSIGNMENT_TABLE for p in r.of for w in r.who}
_ORDER = {(r.status, r.action, r.when, w.role): r for r in ORDER_TABLE for w in r.who}
_ASSIGNMENT_ROWS = {
    (status, part): [r for r in ASSIGNMENT_TABLE if r.status is status and part in r.of]
    for status in AssignmentStatus
    for part in Part
}
_ORDER_ROWS = {status: [r for r in ORDER_TABLE if r.status is status and not r.follows] for status in OrderStatus}
_EVER: dict[tuple[str, bool], frozenset[Who]] = {
    **{(a, True): frozenset(w for r in ASSIGNMENT_TABLE if r.action == a for w in r.who) for a in ASSIGNMENT_ACTIONS},
    **{
        (a, False): frozenset(w for r in ORDER_TABLE if r.action == a and not r.follows for w in r.who)
        for a in ORDER_ACTIONS
    },
}


def check_role(action: str, role: str, *, on_assignment: bool) -> None:
    """Raises Refused: `action_unknown` when the table has no such action, `forbidden` when no status lets this role do
    it."""
    who = _EVER.get((action, on_assignment))
    if who is None:
        raise Refused("action_unknown", action, allowed=list(ASSIGNMENT_ACTIONS if on_assignment else ORDER_ACTIONS))
    if not any(w.role == role for w in who):
        raise Refused("forbidden", f"role {role} may never {action}")


def check_caller(action: str, caller: Caller, *, on_assignment: bool) -> None:
    """Raises Refused `other_unit` when nobody who stands to the work as this caller does may ever do this to it."""
    if not caller.is_one_of(_EVER[action, on_assignment]):
        raise Refused("other_unit")


def assignment_actions(status: AssignmentStatus, part: Part, caller: Caller) -> list[str]:
    """What this caller may do to an assignment in this status."""
    return list(dict.fromkeys(r.action for r in _ASSIGNMENT_ROWS[status, part] if caller.is_one_of(r.who)))


def order_actions(status: OrderStatus, caller: Caller) -> list[str]:
    """What this caller may do to an order in this status."""
    return list(dict.fromkeys(r.action for r in _ORDER_ROWS[status] if caller.is_one_of(r.who)))


def check_assignment(status: AssignmentStatus, part: Part, action: str, caller: Caller) -> None:
    """Raises Refused: `action_not_allowed`, naming what is allowed, when this role may not do it in this status;
    `other_unit` when it may, but not one who stands to it as this caller does."""
    rows = [r for r in _ASSIGNMENT_ROWS[status, part] if r.action == action]
    _check(action, f"{status} {part}", rows, caller, assignment_actions(status, part, caller))


def check_order(status: OrderStatus, action: str, caller: Caller) -> None:
    """As `check_assignment`, for an order as a whole."""
    rows = [r for r in _ORDER_ROWS[status] if r.action == action]
    _check(action, status, rows, caller, order_actions(status, caller))


def _check(
    action: str, where: str, rows: list[AssignmentRow] | list[OrderRow], caller: Caller, allowed: list[str]
) -> None:
    who = [w for row in rows for w in row.who if w.role == caller.role]
    if not who:
        raise not_allowed(action, where, allowed)
    if not caller.is_one_of(who):
        raise Refused("other_unit")


def assignment_step(status: AssignmentStatus, action: str, part: Part, when: str, role: str) -> AssignmentRow:
    """The line that holds. Raises Refused `action_not_allowed` when none does."""
    row = find_assignment_step(status, action, part, when, role)
    if row is None:
        raise not_allowed(action, f"{status} {part}", ())
    return row


def find_assignment_step(
    status: AssignmentStatus, action: str, part: Part, when: str, role: str
) -> AssignmentRow | None:
    """The line that holds, if one does."""
    return _ASSIGNMENT.get((status, action, part, when, role))


def order_step(status: OrderStatus, action: str, when: str, role: str) -> OrderRow:
    """The line that holds. Raises Refused `action_not_allowed` when none does."""
    row = find_order_step(status, action, when, role)
    if row is None:
        raise not_allowed(action, status, ())
    return row


def find_order_step(status: OrderStatus, action: str, when: str, role: str) -> OrderRow | None:
    """The line that holds, if one does."""
    return _ORDER.get((status, action, when, role))


def finish_when(part: Part, verification: Verification) -> str:
    """Which line of `finish` holds: an assist's, or the lead's with the check that is due."""
    return f"lead, {verification}" if part is Part.LEAD else "assist"


def not_allowed(action: str, where: str, allowed: Iterable[str], why: str = "") -> Refused:
    """The refusal of an action in a status, with what is allowed instead."""
    actions = [name for name in allowed if name != action or not why]
    return Refused("action_not_allowed", f"{action} in {where}{': ' + why if why else ''}", allowed=actions)
