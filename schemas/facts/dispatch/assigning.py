"""A unit's part: taken, taken back."""

from uuid import UUID

from schemas.facts.dispatch.base import OrderFact
from schemas.vocabulary import AssignmentRole


class AssignmentAccepted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit took its part; `lead` when it thereby became the lead."""

    assignment_id: UUID
    role: AssignmentRole
    lead: str


class AssignmentWithdrawn(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The dispatching centre took a unit's part back (收单)."""

    assignment_id: UUID
    reason: str
