"""Clocks of units: the decision of a triage, each unit's part, the check of a result, a hand-over."""

from datetime import datetime

from schemas.vocabulary import Stage
from services.supervision.rules.clock import prolonged
from services.supervision.rules.stages.reader import PARENT_DUE, Reader
from services.supervision.rules.timeline import Handover, Part, Round


def of_triage(reader: Reader) -> None:
    """Until somebody decided whose it is."""
    timeline = reader.of
    if timeline.triage_from is not None:
        first = timeline.rounds[0]
        asked, start, at = reader.asked(first), timeline.triage_from, timeline.decided_at
        reader.add(asked, Stage.TRIAGE, first, timeline.triage_by, start, at, first.ended_at)


def of_part(reader: Reader, part: Part, round_: Round, place: int) -> None:
    """A unit's limits, from the offer on; a centre also has to pass on what it does not handle itself."""
    of = reader.of
    end = round_.ended_at
    if end is None and place + 1 < len(of.rounds):
        end = of.rounds[place + 1].started_at
    if part.ended_at is not None and (end is None or part.ended_at < end):
        end = part.ended_at
    asked = (of.source, reader.ticket_type, part.class_key, of.urgency, part.tier, round_.number)
    over = part.done_at or end  # whoever is done has nothing left to accept, and nowhere to go
    stages = [(Stage.ARRIVE, part.arrived_at, over), (Stage.HANDLE, part.done_at, end)]
    if not part.resumed:
        stages.insert(0, (Stage.ACCEPT, part.accepted_at, over))
    if part.unit in reader.promises.centres:
        stages.insert(0, (Stage.DISPATCH, _passed_on(reader, part), over))
    for stage, at, until in stages:
        granted, sooner = reader.moved(stage, (round_,), part.assignment_id), None
        if stage is Stage.HANDLE and part.due is not None:
            sooner = (prolonged(part.due, part.offered_at, granted.pauses), PARENT_DUE)
        start = part.offered_at
        reader.add(asked, stage, round_, part.unit, start, at, until, part=part, sooner=sooner, granted=granted)


def _passed_on(reader: Reader, part: Part) -> datetime | None:
    """When the first unit below was asked for this part, in the round and stint that it belongs to."""
    return min(
        (p.offered_at for p in reader.of.parts if p.parent == part.assignment_id and p.offered_at >= part.offered_at),
        default=None,
    )


def of_check(reader: Reader, round_: Round, since: datetime) -> None:
    """Until the result was looked at."""
    end = round_.ended_at or round_.answered_at
    reader.add(reader.asked(round_), Stage.VERIFY, round_, reader.of.centre, since, round_.verified_at, end)


def of_handover(reader: Reader, handover: Handover, round_: Round) -> None:
    """The other platform's time to sign; the sender's own clocks run on meanwhile."""
    asked, start = reader.asked(round_), handover.offered_at
    end, key = handover.ended_at or round_.ended_at, str(handover.handover_id)
    reader.add(asked, Stage.SIGN, round_, handover.platform, start, handover.signed_at, end, key=key)
