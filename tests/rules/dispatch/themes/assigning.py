"""Taking a part and taking it back."""

from typing import Any

from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle import Relation
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

BODIES: dict[str, Any] = {"withdraw": {"reason": "not needed"}}

_PARENT = seats(Role.RESPONDER, Role.DISPATCHER, by=Relation.PARENT)
ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.OFFERED], "accept", [LEAD, ASSIST, CHILD], seats(Role.RESPONDER, by=HOLDER), A.ACCEPTED),
    **on_part([A.OFFERED, A.ACCEPTED], "withdraw", [ASSIST, CHILD], seats(Role.DISPATCHER), A.WITHDRAWN),
    **on_part([A.OFFERED, A.ACCEPTED], "withdraw", [CHILD], _PARENT, A.WITHDRAWN),
}
ORDER_CELLS: OrderCells = {}
