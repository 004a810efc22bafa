"""What needs somebody's approval: asked by the unit that holds the part, decided by the centre over it. What comes of a
decision follows it: no row here is an action of its own but `request` and `resume`."""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import (
    ANY,
    CENTRE,
    HANDLER,
    LEAD,
    REMIND,
    SERVICE,
    SUPERVISE,
    AssignmentRow,
    Effect,
    OrderRow,
)

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "request", ANY, HANDLER, A.RETURN_REQUESTED, when="return"),
    AssignmentRow(A.ACCEPTED, "request", ANY, HANDLER, A.RETURN_REQUESTED, when="return"),
    # only the lead asks for time, another class, or to close without a solution
    AssignmentRow(A.ACCEPTED, "request", LEAD, HANDLER, A.ACCEPTED, when="else"),
)

_DECIDED = (*CENTRE, *SERVICE)  # by a person, or by nobody up to the last centre (街镇托底)
_HANDS_ON = (Effect.OFFERS, Effect.LEAD_SWAPS)
_ENDS = (Effect.WITHDRAWS, Effect.CONFIRMS)

ORDER = (
    OrderRow(O.DISPATCHED, "return", "", _DECIDED, O.DISPATCHED, _HANDS_ON, follows=True),
    OrderRow(O.HANDLING, "return", "", _DECIDED, O.DISPATCHED, _HANDS_ON, follows=True),
    OrderRow(O.DISPATCHED, "return", "lead accepted", _DECIDED, O.HANDLING, _HANDS_ON, follows=True),
    OrderRow(O.HANDLING, "return", "lead accepted", _DECIDED, O.HANDLING, _HANDS_ON, follows=True),
    #
    OrderRow(O.HANDLING, "parking", "", CENTRE, O.PARKED, follows=True),
    OrderRow(O.PARKED, "parking", "", CENTRE, O.PARKED, follows=True),  # again, with a later review
    OrderRow(O.PARKED, "resume", "", _DECIDED, O.HANDLING),  # by hand, or at the review date
    OrderRow(O.PARKED, "urge", "", REMIND, O.PARKED),
    OrderRow(O.PARKED, "supervise", "", SUPERVISE, O.PARKED),
    OrderRow(O.PARKED, "void", "", CENTRE, O.VOID, _ENDS),
    #
    OrderRow(O.HANDLING, "explanation", "lead, none", CENTRE, O.CLOSED, (Effect.CONFIRMS,), follows=True),
    OrderRow(O.HANDLING, "explanation", "lead, site", CENTRE, O.VERIFYING, follows=True),
    OrderRow(O.HANDLING, "explanation", "lead, sensor", CENTRE, O.VERIFYING, follows=True),
    OrderRow(O.HANDLING, "explanation", "lead, call", CENTRE, O.CALLBACK, follows=True),
)
