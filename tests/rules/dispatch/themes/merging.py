"""Orders that move to another order or to another platform."""

from typing import Any

from schemas.vocabulary import Role
from tests.rules.dispatch.themes.cells import AssignmentCells, OrderCells, S, on_order, seats

BODIES: dict[str, Any] = {"transfer": {"platform": "110", "reason": "a crime"}}

ASSIGNMENT_CELLS: AssignmentCells = {}
ORDER_CELLS: OrderCells = on_order(
    [S.TRIAGE, S.DISPATCHED, S.HANDLING], "transfer", seats(Role.DISPATCHER), S.TRANSFERRED
)
