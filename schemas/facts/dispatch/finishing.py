"""Finished, checked, called back, closed, reopened."""

from uuid import UUID

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact, ReportStub
from schemas.vocabulary import AssignmentRole, CallKind, Result, Satisfaction, Verification


class AssignmentDone(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit finished its part. What could not be done (办不成) has a person who answers for the hard case
    (`hard_case`); `photos` are the attachments that show the work."""

    assignment_id: UUID
    role: AssignmentRole
    result: Result
    hard_case: bool = False
    photos: tuple[UUID, ...] = ()


class AssignmentConfirmed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit's result was taken as done."""

    assignment_id: UUID


class VerificationRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who did not handle it looked (or the sensor did); a failed check is rework, a new round."""

    passed: bool
    by: Verification
    note: str = ""


class CallbackRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A reporter was called; only a call of the kind `centre` scores. `unrated`: the last attempt of those that are
    due did not reach him (未评价); `proposes`: what he said asks for reopening, and a person decides."""

    report_id: UUID
    reached: bool
    satisfied: Satisfaction | None = None
    solved: bool | None = None
    kind: CallKind = CallKind.CENTRE
    unrated: bool = False
    proposes: bool = False


class RatingReceived(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A reporter rated by himself (好差评); `corrected` takes the place of what he said in this round before. What he
    wrote stays with dispatch."""

    report_id: UUID
    satisfied: Satisfaction
    solved: bool
    corrected: bool = False
    proposes: bool = False


class ReopeningDismissed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A person looked at what asked for reopening, and it stays as it is."""

    reason: str


class OrderClosed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Closed, and apart from that: what came of it."""

    result: Result | None = None
    imported: bool = False


class OrderConcluded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Whatever could be done was done and said (终结): from now on a repeat is told so, and opens no order."""


class RepeatAnswered(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A repeat about an order that was concluded: its sender is told the conclusion."""

    report: ReportStub


class OrderReopened(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A new round; the lead's assignment is offered anew."""

    reason: str
    assignments: tuple[AssignmentOffer, ...]
