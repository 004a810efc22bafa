"""Who else takes part: a part passed on to a unit below (转派), one more unit pulled in (协办), another lead (换主办).

Whoever passed a part on stays answerable: it takes the answer or sends it back, and finishes after it.
"""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle.rows import (
    ANY,
    CENTRE,
    CHILD,
    DECIDERS,
    HOLDER,
    LEAD,
    PARENT,
    SERVICE,
    AssignmentRow,
    Effect,
    OrderRow,
    Relation,
    Who,
)

_PASS_ON = (*HOLDER, Who(Role.DISPATCHER, Relation.CENTRE))

ASSIGNMENT = (
    AssignmentRow(A.ACCEPTED, "pass_on", ANY, _PASS_ON, A.ACCEPTED, (Effect.OFFERS,)),
    AssignmentRow(A.DONE, "send_back", CHILD, PARENT, A.ACCEPTED, (Effect.TAKES_UP,)),
    AssignmentRow(A.OFFERED, "pull_in", LEAD, (*CENTRE, *SERVICE), A.OFFERED, (Effect.OFFERS,)),
    AssignmentRow(A.ACCEPTED, "pull_in", LEAD, (*HOLDER, *CENTRE, *SERVICE), A.ACCEPTED, (Effect.OFFERS,)),
)

_SWAPS = (Effect.LEAD_SWAPS, Effect.OFFERS)

ORDER = (
    OrderRow(O.DISPATCHED, "lead", "", DECIDERS, O.DISPATCHED, _SWAPS),
    OrderRow(O.HANDLING, "lead", "", DECIDERS, O.DISPATCHED, _SWAPS),
    # it works on its part already
    OrderRow(O.DISPATCHED, "lead", "lead accepted", DECIDERS, O.HANDLING, (Effect.LEAD_SWAPS,)),
    OrderRow(O.HANDLING, "lead", "lead accepted", DECIDERS, O.HANDLING, (Effect.LEAD_SWAPS,)),
)
