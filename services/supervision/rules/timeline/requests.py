"""What needs somebody's approval. A request moves nothing until it is granted; what it then moves is the policy's
(`stages`)."""

from collections.abc import Callable

from msgspec.structs import replace

from schemas.facts import (
    AssignmentReturned,
    ClassCorrected,
    OrderFact,
    OrderParked,
    OrderResumed,
    RequestDecided,
    RequestEscalated,
    RequestMade,
)
from schemas.vocabulary import AssignmentRole, RequestKind, RequestState
from services.supervision.rules.timeline.folding import above, ended, offered_again, on, parts_of, taken_back, with_part
from services.supervision.rules.timeline.shape import Ask, Part, Timeline, Turn

STILL: tuple[type[OrderFact], ...] = (OrderParked,)  # the decision says since when and until when


@on(RequestMade)
def _made(timeline: Timeline, fact: RequestMade) -> Timeline:
    turns = (Turn(fact.decider, fact.occurred_at),)
    ask = Ask(fact.request_id, fact.assignment_id, fact.kind, fact.round, fact.occurred_at, turns)
    return replace(timeline, asks=(*timeline.asks, ask))


@on(RequestEscalated)
def _escalated(timeline: Timeline, fact: RequestEscalated) -> Timeline:
    return _asks(
        timeline,
        lambda ask: (
            replace(ask, turns=(*ask.turns, Turn(fact.decider, fact.occurred_at)))
            if ask.request_id == fact.request_id
            else ask
        ),
    )


@on(RequestDecided)
def _decided(timeline: Timeline, fact: RequestDecided) -> Timeline:
    granted = fact.outcome is RequestState.GRANTED
    return _asks(
        timeline,
        lambda ask: (
            replace(ask, decided_at=fact.occurred_at, granted=granted, until=fact.until)
            if ask.request_id == fact.request_id
            else ask
        ),
    )


@on(AssignmentReturned)
def _returned(timeline: Timeline, fact: AssignmentReturned) -> Timeline:
    """Whoever returned it in time is not late: its clocks end with the asking. Whoever gets it has clocks of its own;
    the promise to the reporters runs on."""
    asked_at = next((a.made_at for a in timeline.asks if a.request_id == fact.request_id), fact.occurred_at)
    at, told = fact.occurred_at, {offer.assignment_id for offer in fact.assignments}
    timeline, offered = offered_again(timeline, fact.assignments, at)
    if fact.assignment_id not in told:
        timeline = with_part(timeline, fact.assignment_id, lambda part: ended(part, asked_at))
        timeline = taken_back(timeline, {fact.assignment_id}, at)
    new = parts_of(offered, timeline.rounds[-1].number, timeline.class_key, at)
    top, centre = above(fact.path, fact.lead)
    return replace(
        timeline,
        tier=fact.path[-1].tier if fact.path else timeline.tier,
        lead=fact.lead,
        top=top,
        centre=centre,
        parts=(*timeline.parts, *new),
    )


@on(ClassCorrected)
def _corrected(timeline: Timeline, fact: ClassCorrected) -> Timeline:
    """What still runs is counted by the right class from now on."""
    key = fact.class_ref.key
    parts = tuple(replace(part, class_key=key) if _runs(part) else part for part in timeline.parts)
    return replace(timeline, class_key=key, parts=parts)


@on(OrderResumed)
def _resumed(timeline: Timeline, fact: OrderResumed) -> Timeline:
    return _asks(
        timeline, lambda ask: replace(ask, resumed_at=fact.occurred_at) if ask.parks and not ask.resumed_at else ask
    )


def lapsed(timeline: Timeline, fact: OrderFact) -> Timeline:
    """An open request ends with what it was about, as it does in dispatch."""
    if all(ask.decided_at or ask.lapsed_at for ask in timeline.asks):
        return timeline
    over = timeline.rounds[-1].ended_at is not None
    newest = {part.assignment_id: part for part in timeline.parts}

    def step(ask: Ask) -> Ask:
        part = newest.get(ask.assignment_id)
        leads = ask.kind is RequestKind.RETURN or (part is not None and part.role is AssignmentRole.LEAD)
        if ask.decided_at or ask.lapsed_at or (part is not None and _runs(part) and leads and not over):
            return ask
        return replace(ask, lapsed_at=fact.occurred_at)

    return _asks(timeline, step)


def _runs(part: Part) -> bool:
    return part.done_at is None and part.ended_at is None


def _asks(timeline: Timeline, step: Callable[[Ask], Ask]) -> Timeline:
    return replace(timeline, asks=tuple(step(ask) for ask in timeline.asks))
