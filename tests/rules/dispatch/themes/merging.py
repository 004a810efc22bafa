"""Orders that move to another order (the one that lies beside it on the table) or to another platform."""

from typing import Any

from schemas.ids import order_id_of, report_id_of
from schemas.vocabulary import Role, Source
from tests.rules.dispatch.themes.cells import (
    ASSIST,
    CHILD,
    HOLDER,
    LEAD,
    OPEN,
    A,
    AssignmentCells,
    OrderCells,
    S,
    on_order,
    on_part,
    seats,
)
from tests.rules.dispatch.town import RUBBISH

BODIES: dict[str, Any] = {
    "merge": {"into": str(order_id_of(report_id_of(Source.HOTLINE, "other")))},
    "unmerge": {"reason": "two holes"},
    "split": {"parts": [{"class_key": RUBBISH.key, "lead": "s1-clean", "text": "旁边还有垃圾"}]},
    "recall": {"reason": "solved meanwhile"},
    "transfer": {"platform": "110", "reason": "a crime"},
}

ASSIGNMENT_CELLS: AssignmentCells = on_part(
    [A.OFFERED, A.ACCEPTED], "police", [LEAD, ASSIST, CHILD], seats(Role.RESPONDER, by=HOLDER)
)
ORDER_CELLS: OrderCells = {
    **on_order(
        [S.TRIAGE, S.DISPATCHED, S.HANDLING, S.VERIFYING, S.CALLBACK], "merge", seats(Role.DISPATCHER), S.MERGED
    ),
    **on_order([S.MERGED], "unmerge", seats(Role.DISPATCHER), S.DISPATCHED),
    **on_order([S.TRIAGE, S.DISPATCHED, S.HANDLING], "split", seats(Role.DISPATCHER)),
    **on_order([S.TRIAGE, S.DISPATCHED, S.HANDLING], "transfer", seats(Role.DISPATCHER)),
    **on_order(OPEN, "recall", seats(Role.DISPATCHER)),
}
