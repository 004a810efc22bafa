"""What a unit says on its way."""

from msgspec.structs import replace

from schemas.facts import ArrivedOnSite, ContactMade, OrderFact, ProgressNoted
from services.supervision.rules.timeline.folding import on, with_part
from services.supervision.rules.timeline.shape import Contact, Timeline

STILL: tuple[type[OrderFact], ...] = (ProgressNoted,)


@on(ContactMade)
def _contacted(timeline: Timeline, fact: ContactMade) -> Timeline:
    if not fact.reached:
        return timeline
    contact = Contact(timeline.rounds[-1].number, fact.occurred_at)
    voices = tuple(
        replace(voice, contacts=(*voice.contacts, contact)) if fact.report_id in (None, voice.report_id) else voice
        for voice in timeline.voices
    )
    return replace(timeline, voices=voices)


@on(ArrivedOnSite)
def _arrived(timeline: Timeline, fact: ArrivedOnSite) -> Timeline:
    return with_part(
        timeline, fact.assignment_id, lambda part: replace(part, arrived_at=part.arrived_at or fact.occurred_at)
    )
