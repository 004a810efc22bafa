"""Passing on, pulling in, sending back, another lead."""

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
    "pass_on": lambda asked: {
        "unit": asked.below[asked.pick % len(asked.below)] if asked.below else asked.unit,
        "note": "please look",
    },
    "send_back": {"reason": "not what was asked"},
    "pull_in": lambda asked: {"unit": asked.unit},
    "lead": lambda asked: {"unit": asked.unit, "reason": "more its matter"},
}

_HOLDER = seats(Role.RESPONDER, Role.DISPATCHER, by=HOLDER)
_CENTRE = seats(Role.DISPATCHER, by=Relation.CENTRE)
_DECIDERS = (*_CENTRE, *seats(Role.DISPATCHER, by=Relation.ABOVE))
_PARENT = seats(Role.RESPONDER, Role.DISPATCHER, by=Relation.PARENT)

ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.ACCEPTED], "pass_on", [LEAD, ASSIST, CHILD], (*_HOLDER, *_CENTRE)),
    **on_part([A.DONE], "send_back", [CHILD], _PARENT, A.ACCEPTED),
    **on_part([A.OFFERED], "pull_in", [LEAD], seats(Role.DISPATCHER, SERVICE)),
    **on_part([A.ACCEPTED], "pull_in", [LEAD], (*_HOLDER, *seats(Role.DISPATCHER, SERVICE))),
}
ORDER_CELLS: OrderCells = on_order([S.DISPATCHED, S.HANDLING], "lead", _DECIDERS, S.DISPATCHED)
