"""What the sender of a report is told under its own number: signed, arrived, what came of it, closed. Read off the
facts of the report's order, so nothing has to be kept for it."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from schemas import facts
from schemas.facts import ReportReceived
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
    """The receipts of an order, the first first."""
    given = (receipt_of(fact_of(change), change.private) for change in past)
    return [receipt for receipt in given if receipt is not None]


def settled(state: str, report: ReportReceived, at: datetime, conclusion: str = "") -> Receipt | None:
    """What the sender of a report is told that was settled without work: `answered` (with the answer, or what repeats
    are told) or `transferred`, at a moment; None for any other state."""
    if state == "answered":
        text = report.answered.text if report.answered is not None else conclusion
        return Receipt(HandoverStep.RESULT, at, result=Result.EXPLAINED, answer=text)
    if state == "transferred":
        return Receipt(HandoverStep.RESULT, at, ended=OrderStatus.TRANSFERRED)
    return None


def receipt_of(fact: facts.OrderFact, private: str | None) -> Receipt | None:
    """What one change tells the senders of an order's reports, if anything: the lead's acceptance, an arrival, a
    result, an end. `private` is the JSON that only the history keeps."""
    at, unit = fact.occurred_at, fact.unit
    if isinstance(fact, facts.AssignmentAccepted) and fact.role is AssignmentRole.LEAD:
        return Receipt(HandoverStep.SIGNED, at, unit)
    if isinstance(fact, facts.ArrivedOnSite):
        return Receipt(HandoverStep.ARRIVED, at, unit)
    if isinstance(fact, facts.AssignmentDone) and fact.role is AssignmentRole.LEAD:
        return Receipt(HandoverStep.RESULT, at, unit, result=fact.result, answer=answer_in(private))
    if isinstance(fact, facts.HandoverReported):
        return Receipt(fact.step, at, platform=fact.platform, answer=answer_in(private))
    if isinstance(fact, facts.OrderClosed):
        return Receipt(HandoverStep.CLOSED, at, unit, result=fact.result)
    if type(fact) in _ENDS:
        platform = getattr(fact, "platform", "")
        return Receipt(HandoverStep.RESULT, at, unit, platform=platform, ended=_ENDS[type(fact)])
    return None
