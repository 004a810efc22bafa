"""What centres do to an order as a whole."""

from typing import Any

from schemas.vocabulary import Role
from tests.rules.dispatch.themes.cells import OPEN, SERVICE, AssignmentCells, OrderCells, S, on_order, seats

BODIES: dict[str, Any] = {
    "route": lambda asked: {"lead": asked.unit, "assists": asked.units},
    "reject": {"reason": "not a matter for the city"},
    "void": {"reason": "entered twice"},
    "import_close": lambda asked: {"closed_at": asked.now.isoformat()},
}

ASSIGNMENT_CELLS: AssignmentCells = {}
ORDER_CELLS: OrderCells = {
    **on_order([S.TRIAGE, S.DISPATCHED, S.HANDLING], "route", seats(Role.DISPATCHER), S.DISPATCHED),
    **on_order([S.TRIAGE, S.DISPATCHED], "reject", seats(Role.DISPATCHER), S.REJECTED),
    **on_order(OPEN, "void", seats(Role.DISPATCHER), S.VOID),
    **on_order(OPEN, "import_close", seats(Role.IMPORT), S.CLOSED),
    **on_order(OPEN, "urge", seats(Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, SERVICE)),
    **on_order(OPEN, "supervise", seats(Role.DISPATCHER, Role.SUPERVISOR, SERVICE)),
}
