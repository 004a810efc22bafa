"""What the sender of a report is told under its own number: signed, arrived, what came of it. Read off the facts of the
report's order, so nothing has to be kept for it."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from schemas import facts
from schemas.vocabulary import AssignmentRole, HandoverStep, OrderStatus, Result
from services.dispatch.rules.past import PastChange, answer_in, fact_of

_ENDS = {
    facts.OrderRejected: OrderStatus.REJECTED,
    facts.OrderTransferred: OrderStatus.TRANSFERRED,
    facts.OrderVoided: OrderStatus.VOID,
}


class Receipt(Struct, frozen=True):
    """One word to the sender. `ended` says how it ended without a result: rejected, transferred, void; `platform` who
    says it when it is not a unit of this city's centres."""

    step: HandoverStep
    at: datetime
    unit: str = ""
    platform: str = ""
    result: Result | None = None
    ended: OrderStatus | None = None
    answer: str = ""


def receipts(past: Iterable[PastChange]) -> list[Receipt]:
    """The receipts of an order, the first first: the lead's acceptance, the first arrival of each unit, each result."""
    found: list[Receipt] = []
    for change in past:
        fact = fact_of(change)
        at, unit = fact.occurred_at, fact.unit
        if isinstance(fact, facts.AssignmentAccepted) and fact.role is AssignmentRole.LEAD:
            found.append(Receipt(HandoverStep.SIGNED, at, unit))
        elif isinstance(fact, facts.ArrivedOnSite):
            found.append(Receipt(HandoverStep.ARRIVED, at, unit))
        elif isinstance(fact, facts.AssignmentDone) and fact.role is AssignmentRole.LEAD:
            found.append(Receipt(HandoverStep.RESULT, at, unit, result=fact.result, answer=answer_in(change)))
        elif isinstance(fact, facts.HandoverReported):
            found.append(Receipt(fact.step, at, platform=fact.platform, answer=answer_in(change)))
        elif type(fact) in _ENDS:
            platform = getattr(fact, "platform", "")
            found.append(Receipt(HandoverStep.RESULT, at, unit, platform=platform, ended=_ENDS[type(fact)]))
    return found
