"""A unit takes its part; its centre takes the part back (收单)."""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import (
    ASSIST,
    CENTRE,
    HANDLER,
    TOP,
    AssignmentRow,
    Effect,
    OrderRow,
)

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "accept", TOP, HANDLER, A.ACCEPTED),
    # a lead is only changed by `route`
    AssignmentRow(A.OFFERED, "withdraw", ASSIST, CENTRE, A.WITHDRAWN),
    AssignmentRow(A.ACCEPTED, "withdraw", ASSIST, CENTRE, A.WITHDRAWN),
)

ORDER = (
    # told together, the first to accept leads
    OrderRow(O.DISPATCHED, "accept", "lead", HANDLER, O.HANDLING, (Effect.LEAD_SWAPS,), follows=True),
    OrderRow(O.DISPATCHED, "accept", "assist", HANDLER, O.DISPATCHED, follows=True),
    OrderRow(O.HANDLING, "accept", "assist", HANDLER, O.HANDLING, follows=True),
)
