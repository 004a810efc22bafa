"""A unit's part: taken, taken back."""

from msgspec.structs import replace

from schemas.facts import AssignmentAccepted, AssignmentWithdrawn, OrderFact
from schemas.vocabulary import AssignmentRole
from services.supervision.rules.timeline.folding import on, taken_back, with_part
from services.supervision.rules.timeline.shape import Part, Timeline

STILL: tuple[type[OrderFact], ...] = ()


@on(AssignmentAccepted)
def _accepted(timeline: Timeline, fact: AssignmentAccepted) -> Timeline:
    leads = fact.role is AssignmentRole.LEAD

    def accept(part: Part) -> Part:
        return replace(part, accepted_at=part.accepted_at or fact.occurred_at, role=fact.role, led=part.led or leads)

    if leads:  # several were told at once: the first to accept leads, who led assists
        parts = tuple(
            replace(part, role=AssignmentRole.ASSIST)
            if part.role is AssignmentRole.LEAD and part.assignment_id != fact.assignment_id and part.ended_at is None
            else part
            for part in timeline.parts
        )
        timeline = replace(timeline, parts=parts, lead=fact.lead)
    return with_part(timeline, fact.assignment_id, accept)


@on(AssignmentWithdrawn)
def _withdrawn(timeline: Timeline, fact: AssignmentWithdrawn) -> Timeline:
    return taken_back(timeline, {fact.assignment_id}, fact.occurred_at)
