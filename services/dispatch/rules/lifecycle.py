"""The life of an order and of an assignment, as two tables, one row a line: (status, action, when, who) → status.

`when` tells apart what one action can mean; "" is always. `who` are the roles that may; `SYSTEM` is a message of
another service. What is not in a table is refused. Source: design §6; domain notes §B3, §B4, §B8.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.refusals import Refused
from schemas.vocabulary import AssignmentRole, AssignmentStatus, OrderStatus, Role, Verification

SYSTEM = "system"
_UNIT = (Role.RESPONDER,)
_CENTRE = (Role.DISPATCHER,)
_PHONE = (Role.AGENT, Role.DISPATCHER)
_OVERSIGHT = (Role.SUPERVISOR, Role.DISPATCHER)
_REMIND = (Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, SYSTEM)
_SUPERVISE = (Role.SUPERVISOR, Role.DISPATCHER, SYSTEM)
_CHECK = (Role.INSPECTOR, Role.DISPATCHER, SYSTEM)
_IMPORT = (Role.IMPORT,)

_LEAD = (AssignmentRole.LEAD,)
_ASSIST = (AssignmentRole.ASSIST,)
_EITHER = (AssignmentRole.LEAD, AssignmentRole.ASSIST)

_A = AssignmentStatus
_O = OrderStatus


class AssignmentRow(NamedTuple):
    """One line of the assignment's table; `of` are the parts (lead, assist) it holds for."""

    status: AssignmentStatus
    action: str
    of: tuple[AssignmentRole, ...]
    who: tuple[str, ...]
    to: AssignmentStatus


class OrderRow(NamedTuple):
    """One line of the order's table."""

    status: OrderStatus
    action: str
    when: str
    who: tuple[str, ...]
    to: OrderStatus


ASSIGNMENT_TABLE: tuple[AssignmentRow, ...] = (
    AssignmentRow(_A.OFFERED, "accept", _EITHER, _UNIT, _A.ACCEPTED),
    AssignmentRow(_A.OFFERED, "contact", _EITHER, _UNIT, _A.OFFERED),  # 先行联系 may come before acceptance
    AssignmentRow(_A.OFFERED, "withdraw", _ASSIST, _CENTRE, _A.WITHDRAWN),  # a lead is only changed by `route`
    AssignmentRow(_A.ACCEPTED, "contact", _EITHER, _UNIT, _A.ACCEPTED),
    AssignmentRow(_A.ACCEPTED, "arrive", _EITHER, _UNIT, _A.ACCEPTED),
    AssignmentRow(_A.ACCEPTED, "progress", _EITHER, _UNIT, _A.ACCEPTED),
    AssignmentRow(_A.ACCEPTED, "finish", _EITHER, _UNIT, _A.DONE),
    AssignmentRow(_A.ACCEPTED, "withdraw", _ASSIST, _CENTRE, _A.WITHDRAWN),
    AssignmentRow(_A.DONE, "contact", _EITHER, _UNIT, _A.DONE),  # a report may join after the work is done
    AssignmentRow(_A.DONE, "confirm", _EITHER, _CENTRE, _A.CONFIRMED),
)

ORDER_TABLE: tuple[OrderRow, ...] = (
    OrderRow(_O.TRIAGE, "route", "", _CENTRE, _O.DISPATCHED),
    OrderRow(_O.TRIAGE, "urge", "", _REMIND, _O.TRIAGE),
    OrderRow(_O.TRIAGE, "supervise", "", _SUPERVISE, _O.TRIAGE),
    OrderRow(_O.TRIAGE, "reject", "", _CENTRE, _O.REJECTED),
    OrderRow(_O.TRIAGE, "transfer", "", _CENTRE, _O.TRANSFERRED),
    OrderRow(_O.TRIAGE, "void", "", _CENTRE, _O.VOID),
    OrderRow(_O.TRIAGE, "import_close", "", _IMPORT, _O.CLOSED),
    #
    OrderRow(_O.DISPATCHED, "accept", "lead", _UNIT, _O.HANDLING),
    OrderRow(_O.DISPATCHED, "accept", "assist", _UNIT, _O.DISPATCHED),
    OrderRow(_O.DISPATCHED, "finish", "assist", _UNIT, _O.DISPATCHED),
    OrderRow(_O.DISPATCHED, "route", "", _CENTRE, _O.DISPATCHED),
    OrderRow(_O.DISPATCHED, "route", "lead accepted", _CENTRE, _O.HANDLING),  # an assist that works becomes the lead
    OrderRow(_O.DISPATCHED, "urge", "", _REMIND, _O.DISPATCHED),
    OrderRow(_O.DISPATCHED, "supervise", "", _SUPERVISE, _O.DISPATCHED),
    OrderRow(_O.DISPATCHED, "reject", "", _CENTRE, _O.REJECTED),
    OrderRow(_O.DISPATCHED, "transfer", "", _CENTRE, _O.TRANSFERRED),
    OrderRow(_O.DISPATCHED, "void", "", _CENTRE, _O.VOID),
    OrderRow(_O.DISPATCHED, "import_close", "", _IMPORT, _O.CLOSED),
    #
    OrderRow(_O.HANDLING, "accept", "assist", _UNIT, _O.HANDLING),
    OrderRow(_O.HANDLING, "finish", "assist", _UNIT, _O.HANDLING),
    OrderRow(_O.HANDLING, "finish", "lead, none", _UNIT, _O.CLOSED),  # a consultation needs no check
    OrderRow(_O.HANDLING, "finish", "lead, site", _UNIT, _O.VERIFYING),
    OrderRow(_O.HANDLING, "finish", "lead, sensor", _UNIT, _O.VERIFYING),
    OrderRow(_O.HANDLING, "finish", "lead, call", _UNIT, _O.CALLBACK),
    OrderRow(_O.HANDLING, "route", "", _CENTRE, _O.DISPATCHED),
    OrderRow(_O.HANDLING, "route", "lead accepted", _CENTRE, _O.HANDLING),
    OrderRow(_O.HANDLING, "urge", "", _REMIND, _O.HANDLING),
    OrderRow(_O.HANDLING, "supervise", "", _SUPERVISE, _O.HANDLING),
    OrderRow(_O.HANDLING, "transfer", "", _CENTRE, _O.TRANSFERRED),
    OrderRow(_O.HANDLING, "void", "", _CENTRE, _O.VOID),
    OrderRow(_O.HANDLING, "import_close", "", _IMPORT, _O.CLOSED),
    #
    OrderRow(_O.VERIFYING, "verify", "failed", _CHECK, _O.HANDLING),  # rework: a new round
    OrderRow(_O.VERIFYING, "verify", "passed, somebody to call", _CHECK, _O.CALLBACK),
    OrderRow(_O.VERIFYING, "verify", "passed, nobody to call", _CHECK, _O.CLOSED),
    OrderRow(_O.VERIFYING, "urge", "", _REMIND, _O.VERIFYING),
    OrderRow(_O.VERIFYING, "supervise", "", _SUPERVISE, _O.VERIFYING),
    OrderRow(_O.VERIFYING, "void", "", _CENTRE, _O.VOID),
    OrderRow(_O.VERIFYING, "import_close", "", _IMPORT, _O.CLOSED),
    #
    OrderRow(_O.CALLBACK, "callback", "", _PHONE, _O.CALLBACK),  # a bad word proposes reopening, a person decides
    OrderRow(_O.CALLBACK, "close", "", _PHONE, _O.CLOSED),
    OrderRow(_O.CALLBACK, "reopen", "", _OVERSIGHT, _O.DISPATCHED),
    OrderRow(_O.CALLBACK, "urge", "", _REMIND, _O.CALLBACK),
    OrderRow(_O.CALLBACK, "supervise", "", _SUPERVISE, _O.CALLBACK),
    OrderRow(_O.CALLBACK, "void", "", _CENTRE, _O.VOID),
    OrderRow(_O.CALLBACK, "import_close", "", _IMPORT, _O.CLOSED),
    #
    OrderRow(_O.CLOSED, "reopen", "", _OVERSIGHT, _O.DISPATCHED),
)

ASSIGNMENT_ACTIONS = tuple(dict.fromkeys(row.action for row in ASSIGNMENT_TABLE))
# `accept` and `finish` happen to an assignment; the order only follows.
ORDER_ACTIONS = tuple(a for a in dict.fromkeys(row.action for row in ORDER_TABLE) if a not in ASSIGNMENT_ACTIONS)
ENDED = frozenset({_O.CLOSED, _O.REJECTED, _O.TRANSFERRED, _O.MERGED, _O.VOID})
LIVE = frozenset({_A.OFFERED, _A.ACCEPTED, _A.RETURN_REQUESTED})

_ASSIGNMENT = {(r.status, r.action, part, who): r.to for r in ASSIGNMENT_TABLE for part in r.of for who in r.who}
_ORDER = {(r.status, r.action, r.when, who): r.to for r in ORDER_TABLE for who in r.who}
_ASSIGNMENT_MAY = {
    (status, part, who): [action for action in ASSIGNMENT_ACTIONS if (status, action, part, who) in _ASSIGNMENT]
    for status, _, part, who in _ASSIGNMENT
}
_ORDER_MAY = {
    (status, who): [a for a in ORDER_ACTIONS if any(key[:2] == (status, a) and key[3] == who for key in _ORDER)]
    for status, _, _, who in _ORDER
}
_MAY: dict[str, frozenset[str]] = {
    action: frozenset(
        [who for a in ASSIGNMENT_TABLE if a.action == action for who in a.who]
        + [who for o in ORDER_TABLE if o.action == action for who in o.who]
    )
    for action in (*ASSIGNMENT_ACTIONS, *ORDER_ACTIONS)
}


def check_role(action: str, who: str) -> None:
    """Raises Refused: `action_unknown` when no table has it, `forbidden` when no status lets this role do it."""
    if action not in _MAY:
        raise Refused("action_unknown", action)
    if who not in _MAY[action]:
        raise Refused("forbidden", f"role {who} may never {action}")


def assignment_actions(status: AssignmentStatus, part: AssignmentRole, who: str) -> list[str]:
    """What this role may do to an assignment in this status."""
    return _ASSIGNMENT_MAY.get((status, part, who), [])


def order_actions(status: OrderStatus, who: str) -> list[str]:
    """What this role may do to an order in this status."""
    return _ORDER_MAY.get((status, who), [])


def assignment_step(status: AssignmentStatus, action: str, part: AssignmentRole, who: str) -> AssignmentStatus:
    """The assignment's next status. Raises Refused `action_not_allowed` naming what is allowed."""
    to = _ASSIGNMENT.get((status, action, part, who))
    if to is None:
        raise not_allowed(action, f"{status} {part}", assignment_actions(status, part, who))
    return to


def order_step(status: OrderStatus, action: str, when: str, who: str) -> OrderStatus:
    """The order's next status. Raises Refused `action_not_allowed` naming what is allowed."""
    to = _ORDER.get((status, action, when, who))
    if to is None:
        raise not_allowed(action, status, order_actions(status, who))
    return to


def finish_when(part: AssignmentRole, verification: Verification) -> str:
    """Which line of `finish` holds: an assist's, or the lead's with the check that is due."""
    return f"lead, {verification}" if part is AssignmentRole.LEAD else "assist"


def not_allowed(action: str, where: str, allowed: Iterable[str], why: str = "") -> Refused:
    """The refusal of an action in a status, with what is allowed instead."""
    actions = [name for name in allowed if name != action or not why]
    return Refused("action_not_allowed", f"{action} in {where}{': ' + why if why else ''}", allowed=actions)


def lines() -> Iterator[str]:
    """Both tables as text, one row a line, for people."""
    yield "assignment\tstatus\taction\twhen\twho\tnext"
    for a in ASSIGNMENT_TABLE:
        yield "\t".join(("assignment", a.status, a.action, " or ".join(a.of), ", ".join(a.who), a.to))
    for o in ORDER_TABLE:
        yield "\t".join(("order", o.status, o.action, o.when or "always", ", ".join(o.who), o.to))
