"""What a unit says on its way: first contact (先行联系), arrival (到场), a word in between (中途汇报)."""

from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.lifecycle.rows import HANDLER, TOP, AssignmentRow, OrderRow

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "contact", TOP, HANDLER, A.OFFERED),  # may come before acceptance
    AssignmentRow(A.ACCEPTED, "contact", TOP, HANDLER, A.ACCEPTED),
    AssignmentRow(A.DONE, "contact", TOP, HANDLER, A.DONE),  # a report may join after the work is done
    AssignmentRow(A.ACCEPTED, "arrive", TOP, HANDLER, A.ACCEPTED),
    AssignmentRow(A.ACCEPTED, "progress", TOP, HANDLER, A.ACCEPTED),
)

ORDER: tuple[OrderRow, ...] = ()
