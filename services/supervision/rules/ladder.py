"""The ladder: which rungs a clock has, when each is due, and what becomes of one when the clock moves. Pure.

A rung presses somebody. It is raised at its moment while its clock is not met, once per (clock, rung, due); a clock
that is met or ends before a rung was raised never raises it, and what was raised is cleared with the cause.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from schemas.city import Limit
from schemas.facts import ClockView
from schemas.ladder import Rung
from schemas.vocabulary import ClockState, RungKind, Stage, Urgency
from services.supervision.rules.limits import Terms
from services.supervision.rules.stages import Clock, set_to

After = Literal["start", "warn", "miss"]
State = Literal["waiting", "raised", "cancelled", "cleared", "withdrawn"]
START: After = "start"
WAITING: State = "waiting"
RAISED: State = "raised"
CANCELLED: State = "cancelled"  # never raised: its clock was met, ended or moved before
CLEARED: State = "cleared"  # was raised; its clock was met or ended since
WITHDRAWN: State = "withdrawn"  # was raised; the deadline was not missed after all, or is another one now
_RUNS = (ClockState.RUNNING, ClockState.MISSED)


class Step(Struct, frozen=True, gc=False):
    """A rung of one clock, and when it is due."""

    rung: Rung
    at: datetime


class Ladder:
    """The rungs of a city, tied to its calendars: the newest policy's, whichever version gave a clock its limit."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._rungs = terms.policy.ladder
        self._by_name = {rung.rung_id: rung for rung in self._rungs}
        self.begins_early = any(rung.after == START for rung in self._rungs)
        self._found: dict[tuple[After, Stage, Urgency], tuple[Rung, ...]] = {}

    def rung(self, name: str) -> Rung | None:
        """The rung of that name; None when the policy has it no longer."""
        return self._by_name.get(name)

    def steps(self, after: After, view: ClockView, warn_at: datetime, urgency: Urgency) -> list[Step]:
        """The rungs that begin to count with the start, the warning or the miss of a clock, the first due first."""
        rungs = self._matching(after, view.stage, urgency)
        found = [Step(rung, self._at(rung, view, warn_at)) for rung in rungs]
        return sorted(found, key=lambda step: step.at) if len(found) > 1 else found

    def following(self, rung: str, after: After, view: ClockView, warn_at: datetime, urgency: Urgency) -> Step | None:
        """The rung that comes after this one on the same clock; None at the top."""
        steps = self.steps(after, view, warn_at, urgency)
        place = next((n for n, step in enumerate(steps) if step.rung.rung_id == rung), len(steps))
        return steps[place + 1] if place + 1 < len(steps) else None

    def _matching(self, after: After, stage: Stage, urgency: Urgency) -> tuple[Rung, ...]:
        key = (after, stage, urgency)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(rung for rung in self._rungs if _holds(rung, *key))
        return found

    def _at(self, rung: Rung, view: ClockView, warn_at: datetime) -> datetime:
        if rung.share:
            return self._share_used(rung.share, view)
        anchor = {"start": view.start, "warn": warn_at, "miss": view.due}[rung.after]
        if not rung.delay:
            return anchor
        limit = Limit(rung.rung_id, view.stage, rung.delay, rung.unit, calendar=rung.calendar)
        return self._terms.due(limit, anchor).at

    def _share_used(self, share: float, view: ClockView) -> datetime:
        """When a share of the limit is used up, in the limit's own time; of a deadline that somebody set in real
        time."""
        try:
            limit = self._terms.limit(view.policy)
        except KeyError:
            return set_to(view.start, view.due, share).warn_at
        limit = self._terms.bound(replace(limit, warn=share), view.owner)
        return self._terms.warn_at(limit, view.start, view.due)


def _holds(rung: Rung, after: After, stage: Stage, urgency: Urgency) -> bool:
    if rung.after != after or (rung.urgencies and urgency not in rung.urgencies) or stage is Stage.COMMITMENT:
        return False
    if rung.stages:
        return stage in rung.stages
    return stage is not Stage.ANSWER or rung.kind is RungKind.URGE


def due_now(steps: Iterable[Step], low: datetime) -> tuple[list[Step], Step | None]:
    """Of steps in the order they are due: those whose moment the lowest Tick has passed, and the next one to wait
    for."""
    now: list[Step] = []
    for step in steps:
        if step.at >= low:
            return now, step
        now.append(step)
    return now, None


def becomes(state: State, after: After, due: datetime, clock: Clock, missed: datetime | None) -> State:
    """What a rung in this state, raised or to be raised for the deadline `due`, is after its clock stands as it now
    does; `missed` is the deadline for which a miss was announced and stands."""
    runs = clock.view.state in _RUNS and not clock.over and clock.view.due == due
    late = after != "miss" or missed == due
    if runs and late:
        return state if state in (WAITING, RAISED) else WAITING
    if state == WAITING:
        return CANCELLED
    if state == RAISED:
        return CLEARED if clock.view.due == due and (missed == due or after != "miss") else WITHDRAWN
    return state
