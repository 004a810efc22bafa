"""A part passed on, one more unit pulled in, an answer sent back, another lead."""

from msgspec.structs import replace

from schemas.facts import AssignmentOffered, AssignmentSentBack, LeadChanged, OrderFact
from schemas.vocabulary import AssignmentRole
from services.supervision.rules.timeline.folding import above, on, parts_of, promoted, with_part
from services.supervision.rules.timeline.shape import Timeline

STILL: tuple[type[OrderFact], ...] = ()


@on(AssignmentOffered)
def _offered(timeline: Timeline, fact: AssignmentOffered) -> Timeline:
    (part,) = parts_of((fact.offer,), timeline.rounds[-1].number, timeline.class_key, fact.occurred_at)
    return replace(timeline, parts=(*timeline.parts, replace(part, due=fact.due)))


@on(AssignmentSentBack)
def _sent_back(timeline: Timeline, fact: AssignmentSentBack) -> Timeline:
    """Its limits run on as if it had not been done."""
    return with_part(timeline, fact.assignment_id, lambda part: replace(part, done_at=None))


@on(LeadChanged)
def _lead_changed(timeline: Timeline, fact: LeadChanged) -> Timeline:
    """Who led before goes on under its own limits; who leads now gets new ones."""
    at = fact.occurred_at
    timeline = with_part(timeline, fact.before, lambda part: replace(part, role=AssignmentRole.ASSIST))
    if any(part.assignment_id == fact.offer.assignment_id for part in timeline.parts):
        timeline = promoted(timeline, fact.offer, at)
    else:
        new = parts_of((fact.offer,), timeline.rounds[-1].number, timeline.class_key, at)
        timeline = replace(timeline, parts=(*timeline.parts, *new))
    top, centre = above(fact.path, fact.lead)
    return replace(timeline, lead=fact.lead, top=top, centre=centre, tier=fact.path[-1].tier)
