"""A part passed on, one more unit pulled in, an answer sent back, another lead."""

from uuid import UUID

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact
from schemas.facts.intake import Moment
from schemas.facts.router import Hop


class AssignmentOffered(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit that holds `assignment_id` passed it on (转派), or asked one more unit to assist (协办); `due` is when it
    wants the answer, where that is earlier than the policy does."""

    assignment_id: UUID
    offer: AssignmentOffer
    note: str = ""
    due: Moment | None = None


class AssignmentSentBack(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The unit that passed a part on did not take the answer: the part is taken up again. Not rework, no new round."""

    assignment_id: UUID
    reason: str


class LeadChanged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Another unit leads from now on, with an assignment of its own; who led before (`before`) goes on as an assist."""

    lead: str
    offer: AssignmentOffer
    before: UUID
    path: tuple[Hop, ...]
    reason: str
