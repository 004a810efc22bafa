"""Taking a part and taking it back."""

from typing import Any

from schemas.vocabulary import Role
from tests.rules.dispatch.themes.cells import ASSIST, HOLDER, LEAD, A, AssignmentCells, OrderCells, on_part, seats

BODIES: dict[str, Any] = {"withdraw": {"reason": "not needed"}}

ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.OFFERED], "accept", [LEAD, ASSIST], seats(Role.RESPONDER, by=HOLDER), A.ACCEPTED),
    **on_part([A.OFFERED, A.ACCEPTED], "withdraw", [ASSIST], seats(Role.DISPATCHER), A.WITHDRAWN),
}
ORDER_CELLS: OrderCells = {}
