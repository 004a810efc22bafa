"""What needs somebody's approval."""

from services.dispatch.rules.lifecycle.rows import AssignmentRow, OrderRow

ASSIGNMENT: tuple[AssignmentRow, ...] = ()

ORDER: tuple[OrderRow, ...] = ()
