"""Finished, checked, called back, closed, reopened."""

from typing import Any

from schemas.vocabulary import Role, Satisfaction
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

CALLS: tuple[dict[str, Any], ...] = (
    {"reached": True},
    {"reached": False},
    {"reached": True, "satisfied": "satisfied", "solved": True},
    {"reached": True, "satisfied": "dissatisfied", "solved": False},
)
BODIES: dict[str, Any] = {
    "finish": {"result": "solved", "answer": "done"},
    "verify": lambda asked: {"passed": asked.flag},
    "callback": lambda asked: {"report_id": str(asked.report_id)} | CALLS[asked.pick % len(CALLS)],
    "rate": lambda asked: {
        "report_id": str(asked.report_id),
        "satisfied": list(Satisfaction)[asked.pick % len(Satisfaction)],
        "solved": asked.flag,
    },
    "dismiss": {"reason": "the road is as it was agreed"},
    "conclude": {"answer": "已多次答复，按政策办理"},
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
    **on_order([S.HANDLING, S.VERIFYING, S.CALLBACK], "callback", seats(Role.AGENT, Role.DISPATCHER, Role.RESPONDER)),
    **on_order([S.CALLBACK, S.CLOSED], "rate", seats(Role.CITIZEN, by=Relation.REPORTER)),
    **on_order([S.CALLBACK, S.CLOSED], "dismiss", seats(Role.DISPATCHER, Role.SUPERVISOR)),
    **on_order([S.CALLBACK], "close", seats(Role.AGENT, Role.DISPATCHER), S.CLOSED),
    **on_order([S.CLOSED], "conclude", seats(Role.DISPATCHER, by=Relation.ABOVE)),
    **on_order([S.CALLBACK, S.CLOSED], "reopen", seats(Role.DISPATCHER, Role.SUPERVISOR), S.DISPATCHED),
}
