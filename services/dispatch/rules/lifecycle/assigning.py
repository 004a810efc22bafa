"""A unit takes its part; its centre takes the part back (收单)."""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import (
    ANY,
    ASSIST,
    CENTRE,
    CHILD,
    HANDLER,
    PARENT,
    AssignmentRow,
    Effect,
    OrderRow,
)

# with what was passed on from it
_BELOW = (Effect.WITHDRAWS, Effect.CONFIRMS)

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "accept", ANY, HANDLER, A.ACCEPTED),
    # a lead is only changed by `route` and `lead`
    AssignmentRow(A.OFFERED, "withdraw", ASSIST, CENTRE, A.WITHDRAWN),
    AssignmentRow(A.OFFERED, "withdraw", CHILD, (*PARENT, *CENTRE), A.WITHDRAWN),
    AssignmentRow(A.ACCEPTED, "withdraw", ASSIST, CENTRE, A.WITHDRAWN, _BELOW),
    AssignmentRow(A.ACCEPTED, "withdraw", CHILD, (*PARENT, *CENTRE), A.WITHDRAWN, _BELOW),
)

ORDER = (
    # told together, the first to accept leads
    OrderRow(O.DISPATCHED, "accept", "lead", HANDLER, O.HANDLING, (Effect.LEAD_SWAPS,), follows=True),
    OrderRow(O.DISPATCHED, "accept", "assist", HANDLER, O.DISPATCHED, follows=True),
    OrderRow(O.HANDLING, "accept", "assist", HANDLER, O.HANDLING, follows=True),
)
