"""Orders that move to another order or to another platform."""

from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import CENTRE, AssignmentRow, Effect, OrderRow

ASSIGNMENT: tuple[AssignmentRow, ...] = ()

_ENDS = (Effect.WITHDRAWS, Effect.CONFIRMS)

ORDER = (
    OrderRow(O.TRIAGE, "transfer", "", CENTRE, O.TRANSFERRED),
    OrderRow(O.DISPATCHED, "transfer", "", CENTRE, O.TRANSFERRED, _ENDS),
    OrderRow(O.HANDLING, "transfer", "", CENTRE, O.TRANSFERRED, _ENDS),
)
