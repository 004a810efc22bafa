"""Finished, checked, called back, closed, reopened: each apart from the others (design §6.5)."""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle.rows import (
    ANY,
    CALLERS,
    CENTRE,
    CHECK,
    CHILD,
    CITIZEN,
    HANDLER,
    OVERSIGHT,
    PARENT,
    PHONE,
    TOP,
    AssignmentRow,
    Effect,
    OrderRow,
    Relation,
    Who,
)

ASSIGNMENT = (
    # what was passed on and is done is thereby signed
    AssignmentRow(A.ACCEPTED, "finish", ANY, HANDLER, A.DONE, (Effect.CONFIRMS,)),
    AssignmentRow(A.DONE, "confirm", TOP, CENTRE, A.CONFIRMED),
    AssignmentRow(A.DONE, "confirm", CHILD, PARENT, A.CONFIRMED),
)

_REWORK = (Effect.NEW_ROUND, Effect.TAKES_UP)
_AGAIN = (Effect.NEW_ROUND, Effect.OFFERS, Effect.CONFIRMS)

ORDER = (
    OrderRow(O.DISPATCHED, "finish", "assist", HANDLER, O.DISPATCHED, follows=True),
    OrderRow(O.HANDLING, "finish", "assist", HANDLER, O.HANDLING, follows=True),
    # a consultation needs no check
    OrderRow(O.HANDLING, "finish", "lead, none", HANDLER, O.CLOSED, (Effect.CONFIRMS,), follows=True),
    OrderRow(O.HANDLING, "finish", "lead, site", HANDLER, O.VERIFYING, follows=True),
    OrderRow(O.HANDLING, "finish", "lead, sensor", HANDLER, O.VERIFYING, follows=True),
    OrderRow(O.HANDLING, "finish", "lead, call", HANDLER, O.CALLBACK, follows=True),
    #
    OrderRow(O.VERIFYING, "verify", "failed", CHECK, O.HANDLING, _REWORK),
    OrderRow(O.VERIFYING, "verify", "passed, somebody to call", CHECK, O.CALLBACK),
    OrderRow(O.VERIFYING, "verify", "passed, nobody to call", CHECK, O.CLOSED, (Effect.CONFIRMS,)),
    #
    OrderRow(O.HANDLING, "callback", "", CALLERS, O.HANDLING),  # before the answer: a bad word only warns (预警)
    OrderRow(O.VERIFYING, "callback", "", CALLERS, O.VERIFYING),
    OrderRow(O.CALLBACK, "callback", "", CALLERS, O.CALLBACK),  # a bad word proposes reopening, a person decides
    OrderRow(O.CALLBACK, "rate", "", CITIZEN, O.CALLBACK),
    OrderRow(O.CLOSED, "rate", "", CITIZEN, O.CLOSED),
    OrderRow(O.CALLBACK, "dismiss", "", OVERSIGHT, O.CALLBACK),  # what was proposed
    OrderRow(O.CLOSED, "dismiss", "", OVERSIGHT, O.CLOSED),
    OrderRow(O.CALLBACK, "close", "", PHONE, O.CLOSED, (Effect.CONFIRMS,)),
    #
    OrderRow(O.CALLBACK, "reopen", "", OVERSIGHT, O.DISPATCHED, _AGAIN),
    # 终结: the centre above the one that decided
    OrderRow(O.CLOSED, "conclude", "", (Who(Role.DISPATCHER, Relation.ABOVE),), O.CLOSED),
    OrderRow(O.CLOSED, "reopen", "", OVERSIGHT, O.DISPATCHED, _AGAIN),
)
