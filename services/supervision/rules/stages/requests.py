"""Clocks of those who decide what units ask for."""

from schemas.vocabulary import Stage
from services.supervision.rules.asks import reviewed_at
from services.supervision.rules.stages.reader import REVIEW_DATE, Reader
from services.supervision.rules.timeline import Ask, Round


def of_ask(reader: Reader, ask: Ask, round_: Round) -> None:
    """A clock for each centre that a request lies before, and one until the review of what was parked."""
    timeline, asked = reader.of, reader.asked(round_)
    for level, turn in enumerate(ask.turns):
        last = level + 1 == len(ask.turns)
        end = ask.lapsed_at if last else ask.turns[level + 1].since
        at = ask.decided_at if last else None
        key = f"{ask.request_id}/{level}"
        reader.add(asked, Stage.DECIDE, round_, turn.decider, turn.since, at, end, key=key)
    if ask.parks and ask.decided_at and ask.until:
        at, end = reviewed_at(timeline.asks, ask), timeline.rounds[-1].ended_at
        owner, review = ask.turns[-1].decider, (ask.until, REVIEW_DATE)
        key = f"{ask.request_id}/review"
        reader.add(None, Stage.DECIDE, round_, owner, ask.decided_at, at, end, sooner=review, key=key)
