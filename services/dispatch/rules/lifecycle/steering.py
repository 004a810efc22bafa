"""What centres do to an order as a whole: route it, remind of it, end it."""

from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import (
    CENTRE,
    IMPORT,
    REMIND,
    SUPERVISE,
    AssignmentRow,
    Effect,
    OrderRow,
)

ASSIGNMENT: tuple[AssignmentRow, ...] = ()

_ROUTES = (Effect.OFFERS, Effect.LEAD_SWAPS, Effect.WITHDRAWS)
_ENDS = (Effect.WITHDRAWS, Effect.CONFIRMS)

ORDER = (
    OrderRow(O.TRIAGE, "route", "", CENTRE, O.DISPATCHED, _ROUTES),
    OrderRow(O.DISPATCHED, "route", "", CENTRE, O.DISPATCHED, _ROUTES),
    OrderRow(O.HANDLING, "route", "", CENTRE, O.DISPATCHED, _ROUTES),
    # an assist that works becomes the lead
    OrderRow(O.DISPATCHED, "route", "lead accepted", CENTRE, O.HANDLING, _ROUTES),
    OrderRow(O.HANDLING, "route", "lead accepted", CENTRE, O.HANDLING, _ROUTES),
    #
    OrderRow(O.TRIAGE, "urge", "", REMIND, O.TRIAGE),
    OrderRow(O.DISPATCHED, "urge", "", REMIND, O.DISPATCHED),
    OrderRow(O.HANDLING, "urge", "", REMIND, O.HANDLING),
    OrderRow(O.VERIFYING, "urge", "", REMIND, O.VERIFYING),
    OrderRow(O.CALLBACK, "urge", "", REMIND, O.CALLBACK),
    #
    OrderRow(O.TRIAGE, "supervise", "", SUPERVISE, O.TRIAGE),
    OrderRow(O.DISPATCHED, "supervise", "", SUPERVISE, O.DISPATCHED),
    OrderRow(O.HANDLING, "supervise", "", SUPERVISE, O.HANDLING),
    OrderRow(O.VERIFYING, "supervise", "", SUPERVISE, O.VERIFYING),
    OrderRow(O.CALLBACK, "supervise", "", SUPERVISE, O.CALLBACK),
    #
    OrderRow(O.TRIAGE, "reject", "", CENTRE, O.REJECTED),
    OrderRow(O.DISPATCHED, "reject", "", CENTRE, O.REJECTED, _ENDS),
    #
    OrderRow(O.TRIAGE, "void", "", CENTRE, O.VOID),
    OrderRow(O.DISPATCHED, "void", "", CENTRE, O.VOID, _ENDS),
    OrderRow(O.HANDLING, "void", "", CENTRE, O.VOID, _ENDS),
    OrderRow(O.VERIFYING, "void", "", CENTRE, O.VOID, _ENDS),
    OrderRow(O.CALLBACK, "void", "", CENTRE, O.VOID, _ENDS),
    #
    OrderRow(O.TRIAGE, "import_close", "", IMPORT, O.CLOSED),
    OrderRow(O.DISPATCHED, "import_close", "", IMPORT, O.CLOSED, _ENDS),
    OrderRow(O.HANDLING, "import_close", "", IMPORT, O.CLOSED, _ENDS),
    OrderRow(O.VERIFYING, "import_close", "", IMPORT, O.CLOSED, _ENDS),
    OrderRow(O.CALLBACK, "import_close", "", IMPORT, O.CLOSED, _ENDS),
)
