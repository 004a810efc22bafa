"""Finished, checked, called back, closed, reopened."""

from typing import Any

from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle import Relation
from tests.rules.dispatch.themes.cells import (
    ASSIST,
    CHILD,
    HOLDER,
    LEAD,
    SERVICE,
    A,
    AssignmentCells,
    OrderCells,
    S,
    on_order,
    on_part,
    seats,
)

BODIES: dict[str, Any] = {
    "finish": {"result": "solved", "answer": "done"},
    "verify": lambda asked: {"passed": asked.flag},
    "callback": lambda asked: {"report_id": str(asked.report_id), "reached": True},
    "reopen": {"reason": "not solved"},
}

ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.ACCEPTED], "finish", [LEAD, ASSIST, CHILD], seats(Role.RESPONDER, by=HOLDER), A.DONE),
    **on_part([A.DONE], "confirm", [LEAD, ASSIST], seats(Role.DISPATCHER), A.CONFIRMED),
    **on_part([A.DONE], "confirm", [CHILD], seats(Role.RESPONDER, Role.DISPATCHER, by=Relation.PARENT), A.CONFIRMED),
}
# an order whose reporter can be called, and a check that is passed
ORDER_CELLS: OrderCells = {
    **on_order([S.VERIFYING], "verify", seats(Role.INSPECTOR, Role.DISPATCHER, SERVICE), S.CALLBACK),
    **on_order([S.CALLBACK], "callback", seats(Role.AGENT, Role.DISPATCHER)),
    **on_order([S.CALLBACK], "close", seats(Role.AGENT, Role.DISPATCHER), S.CLOSED),
    **on_order([S.CALLBACK, S.CLOSED], "reopen", seats(Role.DISPATCHER, Role.SUPERVISOR), S.DISPATCHED),
}
