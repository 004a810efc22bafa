"""How fast an order must move. Whoever hears of danger may say so; that there is none, only a centre."""

from schemas.vocabulary import OrderStatus as O
from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle.rows import CENTRE, SERVICE, AssignmentRow, OrderRow, Who

ASSIGNMENT: tuple[AssignmentRow, ...] = ()

_HEARS = (Who(Role.AGENT), Who(Role.RESPONDER), Who(Role.DISPATCHER), Who(Role.SUPERVISOR), *SERVICE)

ORDER = (
    OrderRow(O.TRIAGE, "urgency", "raised", _HEARS, O.TRIAGE),
    OrderRow(O.DISPATCHED, "urgency", "raised", _HEARS, O.DISPATCHED),
    OrderRow(O.HANDLING, "urgency", "raised", _HEARS, O.HANDLING),
    #
    OrderRow(O.TRIAGE, "urgency", "lowered", CENTRE, O.TRIAGE),
    OrderRow(O.DISPATCHED, "urgency", "lowered", CENTRE, O.DISPATCHED),
    OrderRow(O.HANDLING, "urgency", "lowered", CENTRE, O.HANDLING),
)
