"""What needs somebody's approval."""

from datetime import timedelta
from typing import Any

from schemas.vocabulary import Role
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

RETURN = {"kind": "return", "reason": "not_our_duty", "basis": "三定方案", "suggested_unit": "s2"}


def asking(asked: Any) -> dict[str, Any]:
    """A return first of all; on a walk, anything."""
    until = (asked.now + timedelta(days=10)).isoformat()
    kinds: list[dict[str, Any]] = [
        RETURN | {"suggested_unit": "s2" if asked.pick % 2 else "volunteer"},
        RETURN | {"reason": "owner_unclear"},
        {"kind": "extension", "reason": "complex", "basis": "要开挖", "until": until},
        {"kind": "deferral", "reason": "weather", "basis": "汛期", "until": until, "evidence": ["photo-1"]},
        {"kind": "parking", "reason": "funding", "basis": "明年预算", "until": until, "evidence": ["minutes-7"]},
        {
            "kind": "class_correction",
            "reason": "wrong_class",
            "basis": "是垃圾",
            "class_key": "GB/T 47678.5/event/06010",
        },
        {"kind": "explanation", "reason": "no_legal_ground", "basis": "不在保修期", "answer": "已说明"},
    ]
    pick: int = asked.pick
    return kinds[pick % len(kinds)]


BODIES: dict[str, Any] = {"request": asking, "resume": {"reason": "the money came"}}

_UNIT = seats(Role.RESPONDER, by=HOLDER)
_ANY = [LEAD, ASSIST, CHILD]
ASSIGNMENT_CELLS: AssignmentCells = {
    **on_part([A.OFFERED, A.ACCEPTED], "request", _ANY, _UNIT, A.RETURN_REQUESTED),
}
ORDER_CELLS: OrderCells = {
    **on_order([S.PARKED], "resume", seats(Role.DISPATCHER, SERVICE), S.HANDLING),
    **on_order([S.PARKED], "urge", seats(Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, SERVICE)),
    **on_order([S.PARKED], "supervise", seats(Role.DISPATCHER, Role.SUPERVISOR, SERVICE)),
    **on_order([S.PARKED], "void", seats(Role.DISPATCHER), S.VOID),
}
