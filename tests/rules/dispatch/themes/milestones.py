"""What a unit says on its way."""

from typing import Any

from schemas.vocabulary import Role
from tests.rules.dispatch.themes.cells import (
    ASSIST,
    CHILD,
    HOLDER,
    LEAD,
    A,
    AssignmentCells,
    OrderCells,
    on_part,
    seats,
)

BODIES: dict[str, Any] = {
    "contact": lambda asked: (
        {"reached": True}
        if asked.flag
        else {"reached": False, "reason": "no_answer", "report_id": str(asked.report_id)}
    ),
    "progress": {"note": "on the way"},
}

_UNIT = seats(Role.RESPONDER, by=HOLDER)
ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.OFFERED, A.ACCEPTED, A.RETURN_REQUESTED, A.DONE], "contact", [LEAD, ASSIST, CHILD], _UNIT),
    **on_part([A.ACCEPTED], "arrive", [LEAD, ASSIST, CHILD], _UNIT),
    **on_part([A.OFFERED, A.ACCEPTED, A.RETURN_REQUESTED, A.DONE], "progress", [LEAD, ASSIST, CHILD], _UNIT),
}
ORDER_CELLS: OrderCells = {}
