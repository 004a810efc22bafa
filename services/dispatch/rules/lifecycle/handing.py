"""Orders that are handed to another platform. Until somebody there signs they stay what they are and with whom they are
(首接负责); a responder may ask for the police in one tap.
"""

from schemas.vocabulary import AssignmentStatus as A
from schemas.vocabulary import OrderStatus as O
from schemas.vocabulary import Role
from services.dispatch.rules.lifecycle.rows import ANY, CENTRE, HANDLER, AssignmentRow, Effect, OrderRow, Who

_PLATFORM = (Who(Role.GATEWAY),)
_ENDS = (Effect.WITHDRAWS, Effect.CONFIRMS)
_OPEN = (O.TRIAGE, O.DISPATCHED, O.HANDLING, O.VERIFYING, O.CALLBACK)
_BEFORE_THE_ANSWER = _OPEN[:3]

OF_WAITING_HANDOVER = frozenset({"recall"})  # can only be done while a hand-over waits for its signature

ASSIGNMENT = (
    AssignmentRow(A.OFFERED, "police", ANY, HANDLER, A.OFFERED),
    AssignmentRow(A.ACCEPTED, "police", ANY, HANDLER, A.ACCEPTED),
)

ORDER = (
    *(OrderRow(status, "transfer", "", CENTRE, status) for status in _BEFORE_THE_ANSWER),
    *(OrderRow(status, "recall", "", CENTRE, status) for status in _OPEN),
    OrderRow(O.TRIAGE, "sign", "transfer", _PLATFORM, O.TRANSFERRED, follows=True),
    OrderRow(O.DISPATCHED, "sign", "transfer", _PLATFORM, O.TRANSFERRED, _ENDS, follows=True),
    OrderRow(O.HANDLING, "sign", "transfer", _PLATFORM, O.TRANSFERRED, _ENDS, follows=True),
    *(OrderRow(status, "sign", "help", _PLATFORM, status, follows=True) for status in _OPEN),
)
