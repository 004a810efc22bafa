"""Finished, checked, called back, closed, reopened."""

from uuid import UUID

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact
from schemas.vocabulary import AssignmentRole, Result, Satisfaction, Verification


class AssignmentDone(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit finished its part."""

    assignment_id: UUID
    role: AssignmentRole
    result: Result


class AssignmentConfirmed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit's result was taken as done."""

    assignment_id: UUID


class VerificationRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who did not handle it looked (or the sensor did); a failed check is rework, a new round."""

    passed: bool
    by: Verification
    note: str = ""


class CallbackRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The centre called a reporter."""

    report_id: UUID
    reached: bool
    satisfied: Satisfaction | None = None
    solved: bool | None = None


class OrderClosed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Closed, and apart from that: what came of it."""

    result: Result | None = None
    imported: bool = False


class OrderReopened(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A new round; the lead's assignment is offered anew."""

    reason: str
    assignments: tuple[AssignmentOffer, ...]
