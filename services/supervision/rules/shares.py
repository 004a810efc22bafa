"""Who used how much of a promise: every moment from a report's receipt to its answer belongs to exactly one holder.

At any moment the first of these that applies holds the order:

| stage    | holder                                    | while                                                        |
|----------|-------------------------------------------|--------------------------------------------------------------|
| intake   | nobody                                    | the report was received and no order is open yet             |
| paused   | nobody                                    | a granted deferral or parking lets the promise stand still   |
| triage   | the deciding centre                       | nobody has decided whose it is                               |
| decide   | the centre that the request lies before   | the lead asked to return the order                           |
| verify   | the dispatching centre                    | the lead is done and the answer is not approved              |
| accept   | the lead, or whoever it passed it on to   | it has not accepted                                          |
| handle   | the same                                  | it has                                                       |
| dispatch | the dispatching centre                    | nobody leads                                                 |

So the parts add up to the whole, in real time and in the time that the promise is counted in. Assists run beside their
lead and use nothing of their own. Who passed a part on stays answerable for it; the time is his who had it in hand.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from schemas.vocabulary import AssignmentRole, RequestKind, Stage
from services.supervision.rules.clock import Pause
from services.supervision.rules.limits import Terms
from services.supervision.rules.stages import Promises, promised, run_from
from services.supervision.rules.stages.reader import Reader
from services.supervision.rules.timeline import Part, Timeline

INTAKE, PAUSED = "intake", "paused"  # what no unit holds


class Use(Struct, frozen=True):
    """One stretch of a promise: what it was waiting for, in whose hands ("" for nobody's), [since, until)."""

    stage: str
    unit: str
    since: datetime
    until: datetime


class Share(Struct, frozen=True):
    """What one unit used of a promise at one stage, in microseconds of real time and of the promise's own time."""

    stage: str
    unit: str
    real: int
    counted: int


def uses(timeline: Timeline, promises: Promises, place: int, report: int, now: datetime) -> list[Use]:
    """How the promise of voice number `report` in round number `place` (both from 0) was used until it was answered,
    ended, or `now`: in order, without a gap, neighbours told apart. Empty where the round promised that report
    nothing, or before its start."""
    run = run_from(timeline.rounds, place)
    frame = promised(timeline.voices[report], timeline.rounds[place], run)
    if frame is None:
        return []
    start, answered, ended = frame
    stop = min(moment for moment in (answered, ended, now) if moment is not None)
    pauses = Reader(timeline, promises, None).moved(Stage.TOTAL, run).pauses
    found: list[Use] = []
    points = sorted({start, stop, *(at for at in _turns(timeline, pauses) if start < at < stop)})
    for since, until in zip(points, points[1:], strict=False):
        if since >= stop:
            break
        stage, unit = _holder(timeline, pauses, since)
        if found and (found[-1].stage, found[-1].unit) == (stage, unit):
            found[-1] = Use(stage, unit, found[-1].since, until)
        else:
            found.append(Use(stage, unit, since, until))
    return found


def shares(found: Sequence[Use], terms: Terms, policy: str) -> list[Share]:
    """The same added up by stage and unit, in the order of first use. `policy` is the clock's: the name of a row, or of
    whoever set its deadline, which counts in real time."""
    limit = terms.limit(policy) if terms.knows(policy) else None
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for use in found:
        key = (use.stage, use.unit)
        real, counted = sums.get(key, (0, 0))
        sums[key] = (
            real + terms.spent(None, use.since, use.until),
            counted + terms.spent(limit, use.since, use.until),
        )
    return [Share(stage, unit, real, counted) for (stage, unit), (real, counted) in sums.items()]


def _turns(timeline: Timeline, pauses: Sequence[Pause]) -> Iterator[datetime]:
    """Every moment at which the holder may change."""
    moments: list[datetime | None] = [timeline.opened_at, timeline.triage_from, timeline.decided_at]
    for begin, end in pauses:
        moments += (begin, end)
    for lap in timeline.rounds:
        moments += (lap.started_at, lap.verify_from, lap.verified_at, lap.answered_at)
    for part in timeline.parts:
        moments += (part.offered_at, part.accepted_at, part.done_at, part.ended_at)
    for ask in timeline.asks:
        moments += (ask.made_at, ask.decided_at, ask.lapsed_at, *(turn.since for turn in ask.turns))
    return (moment for moment in moments if moment is not None)


def _holder(timeline: Timeline, pauses: Sequence[Pause], at: datetime) -> tuple[str, str]:
    if at < timeline.opened_at:
        return INTAKE, ""
    if any(begin <= at < end for begin, end in pauses):
        return PAUSED, ""
    if timeline.triage_from is not None and _within(at, timeline.triage_from, timeline.decided_at):
        return Stage.TRIAGE, timeline.triage_by
    for ask in timeline.asks:
        if ask.kind is RequestKind.RETURN and _within(at, ask.made_at, ask.decided_at or ask.lapsed_at):
            return Stage.DECIDE, [turn.decider for turn in ask.turns if turn.since <= at or turn is ask.turns[0]][-1]
    round_ = [lap for lap in timeline.rounds if lap.started_at <= at or lap is timeline.rounds[0]][-1]
    if round_.verify_from is not None and _within(at, round_.verify_from, round_.verified_at or round_.answered_at):
        return Stage.VERIFY, timeline.centre
    lead = _lead(timeline, round_.number, at)
    if lead is None:
        return Stage.DISPATCH, timeline.centre
    if lead.done_at is not None and lead.done_at <= at:
        return Stage.VERIFY, timeline.centre
    in_hand = _in_hand(timeline, lead, at)
    accepted = in_hand.resumed or (in_hand.accepted_at is not None and in_hand.accepted_at <= at)
    return (Stage.HANDLE if accepted else Stage.ACCEPT), in_hand.unit


def _lead(timeline: Timeline, round_: int, at: datetime) -> Part | None:
    """Who leads at a moment: the newest that began to lead. Of several who were told at once, the first until another
    accepts in its place."""
    led = [p for p in timeline.parts if p.led and p.round == round_ and _within(at, p.offered_at, p.ended_at)]
    return max(led, key=lambda p: (p.offered_at, _took_over(p, at)), default=None)


def _took_over(part: Part, at: datetime) -> bool:
    return part.role is AssignmentRole.LEAD and part.accepted_at is not None and part.accepted_at <= at


def _in_hand(timeline: Timeline, lead: Part, at: datetime) -> Part:
    """The part itself, or the deepest one that it was passed on to and that is not done."""
    seen = {lead.assignment_id}
    while True:
        below = next(
            (
                p
                for p in timeline.parts
                if p.parent == lead.assignment_id
                and p.assignment_id not in seen
                and p.role is AssignmentRole.ASSIST
                and _within(at, p.offered_at, _earlier(p.done_at, p.ended_at))
            ),
            None,
        )
        if below is None:
            return lead
        seen.add(below.assignment_id)
        lead = below


def _within(at: datetime, since: datetime, until: datetime | None) -> bool:
    return since <= at and (until is None or at < until)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)
