"""How fast an order must move."""

from typing import Any

from schemas.vocabulary import Role
from tests.rules.dispatch.themes.cells import SERVICE, AssignmentCells, OrderCells, S, on_order, seats

BODIES: dict[str, Any] = {
    "urgency": lambda asked: {"urgency": ("critical", "urgent", "normal")[asked.pick % 3], "reason": "smoke"}
}

ASSIGNMENT_CELLS: AssignmentCells = {}
ORDER_CELLS: OrderCells = {
    **on_order(
        [S.TRIAGE, S.DISPATCHED, S.HANDLING],
        "urgency",
        seats(Role.AGENT, Role.RESPONDER, Role.DISPATCHER, Role.SUPERVISOR, SERVICE),
    ),
}
