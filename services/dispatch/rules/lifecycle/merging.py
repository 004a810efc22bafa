"""Orders that become one, and orders that become several."""

from schemas.vocabulary import OrderStatus as O
from services.dispatch.rules.lifecycle.rows import CENTRE, AssignmentRow, Effect, OrderRow

ASSIGNMENT: tuple[AssignmentRow, ...] = ()

# What its units still do is withdrawn; what is done stays done, for it may come back.
_MERGES = (Effect.WITHDRAWS,)

ORDER = (
    OrderRow(O.TRIAGE, "merge", "", CENTRE, O.MERGED),
    OrderRow(O.DISPATCHED, "merge", "", CENTRE, O.MERGED, _MERGES),
    OrderRow(O.HANDLING, "merge", "", CENTRE, O.MERGED, _MERGES),
    OrderRow(O.VERIFYING, "merge", "", CENTRE, O.MERGED),
    OrderRow(O.CALLBACK, "merge", "", CENTRE, O.MERGED),
    # it stands again as it did, by the status it was merged in; its work is offered anew
    OrderRow(O.MERGED, "unmerge", "triage", CENTRE, O.TRIAGE),
    OrderRow(O.MERGED, "unmerge", "dispatched", CENTRE, O.DISPATCHED, (Effect.OFFERS,)),
    OrderRow(O.MERGED, "unmerge", "handling", CENTRE, O.DISPATCHED, (Effect.OFFERS,)),
    OrderRow(O.MERGED, "unmerge", "verifying", CENTRE, O.VERIFYING),
    OrderRow(O.MERGED, "unmerge", "callback", CENTRE, O.CALLBACK),
    # the rest of the ticket goes on as it was; the new orders are opened beside it
    OrderRow(O.TRIAGE, "split", "", CENTRE, O.TRIAGE),
    OrderRow(O.DISPATCHED, "split", "", CENTRE, O.DISPATCHED),
    OrderRow(O.HANDLING, "split", "", CENTRE, O.HANDLING),
)
