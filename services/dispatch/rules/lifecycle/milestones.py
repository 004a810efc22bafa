"""What a unit says on its way: first contact (先行联系), arrival (到场), a word in between (中途汇报)."""

from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.lifecycle.rows import ANY, HANDLER, AssignmentRow, OrderRow

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "contact", ANY, HANDLER, A.OFFERED),  # may come before acceptance
    AssignmentRow(A.ACCEPTED, "contact", ANY, HANDLER, A.ACCEPTED),
    AssignmentRow(A.DONE, "contact", ANY, HANDLER, A.DONE),  # a report may join after the work is done
    AssignmentRow(A.ACCEPTED, "arrive", ANY, HANDLER, A.ACCEPTED),
    AssignmentRow(A.OFFERED, "progress", ANY, HANDLER, A.OFFERED),
    AssignmentRow(A.ACCEPTED, "progress", ANY, HANDLER, A.ACCEPTED),
    AssignmentRow(A.RETURN_REQUESTED, "contact", ANY, HANDLER, A.RETURN_REQUESTED),  # 首接负责: until it is decided
    AssignmentRow(A.RETURN_REQUESTED, "progress", ANY, HANDLER, A.RETURN_REQUESTED),
    AssignmentRow(A.DONE, "progress", ANY, HANDLER, A.DONE),
)

ORDER: tuple[OrderRow, ...] = ()
