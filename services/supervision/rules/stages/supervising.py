"""Clocks of those who have to answer a supervision."""

from schemas.vocabulary import Stage
from services.supervision.rules.stages.reader import SET_BY_HAND, Reader
from services.supervision.rules.timeline import Round, Watch


def of_watch(reader: Reader, watch: Watch, round_: Round) -> None:
    """The time to answer; a refused answer is due anew. What it is about being over ends it."""
    laps = reader.of.rounds
    ends = (lap.ended_at for lap in laps if lap.number >= watch.round and lap.ended_at is not None)
    named = None if watch.due is None else (watch.due, SET_BY_HAND)
    end, key = watch.ended_at or next(ends, None), f"{watch.supervision_id}/{watch.turn}"
    asked, owner = reader.asked(round_), watch.answerer
    reader.add(asked, Stage.ANSWER, round_, owner, watch.since, watch.answered_at, end, sooner=named, key=key)
