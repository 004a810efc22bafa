"""The ladder at work: a notice begins it, time brings it on, a fact ends it. Each word of it is said in the transaction
of what it follows from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from schemas.envelope import Outgoing
from schemas.facts import ClockView
from schemas.vocabulary import ClockState, Stage, Urgency
from services.chassis import metrics
from services.chassis.database import Connection
from services.supervision.handlers import news
from services.supervision.rules.ladder import (
    CANCELLED,
    CLEARED,
    RAISED,
    START,
    WAITING,
    WITHDRAWN,
    Ladder,
    State,
    Step,
    becomes,
    due_now,
)
from services.supervision.rules.stages import Clock
from services.supervision.rules.timers import Armed
from services.supervision.store import rungs as store
from services.supervision.store.rungs import New, Ripe, Stored
from services.supervision.store.timers import Given

GONE = "clock gone"  # a waiting rung whose clock or whose row in the policy is no more what it was


async def begin(
    connection: Connection,
    ladder: Ladder,
    given: Sequence[Given],
    low: datetime,
    now: datetime,
    late_after: timedelta,
) -> list[Outgoing]:
    """The rungs that count from notices just given: those due are raised, the next waits. A clock that was met, if too
    late, before its miss was given presses nobody any more."""
    pressing = [
        each
        for each in given
        if each.clock.view.stage is not Stage.COMMITMENT and each.clock.view.state is ClockState.RUNNING
    ]
    if not pressing:
        return []
    urgencies = await store.urgencies(connection, list({each.clock.order_id for each in pressing}))
    new: list[New] = []
    for each in pressing:
        clock = each.clock
        steps = ladder.steps(each.notice, clock.view, clock.at, urgencies[clock.order_id])
        ready, following = due_now(steps, low)
        new += [New(clock.order_id, clock.view, step, RAISED, now - step.at > late_after) for step in ready]
        if following is not None:
            new.append(New(clock.order_id, clock.view, following, WAITING))
    times = await store.put(connection, new, now)
    return _said(new, times, now)


def _said(new: Iterable[New], times: dict[tuple[UUID, str], int], now: datetime) -> list[Outgoing]:
    said = []
    for each in new:
        count = times.get((each.view.clock_id, each.step.rung.rung_id))
        if each.state == RAISED and count is not None:
            said.append(_raised(each.order_id, each.view.stage, each.step, each.view, count, each.late, now))
    return said


def _raised(
    order_id: UUID, stage: Stage, step: Step, view: ClockView, times: int, late: bool, now: datetime
) -> Outgoing:
    metrics.RUNGS.labels(stage, step.rung.kind, str(step.rung.level)).inc()
    return news.raised(order_id, view, step, times, late, now)


async def climb(
    connection: Connection, ladder: Ladder, ripe: Sequence[Ripe], now: datetime, late_after: timedelta
) -> list[Outgoing]:
    """Raise the rungs that waited for this moment, and let the next ones wait. What its clock or the policy no longer
    bears out is cancelled."""
    up: list[tuple[Stored, bool]] = []
    gone: list[tuple[Stored, State]] = []
    following: list[New] = []
    said: list[Outgoing] = []
    for each in ripe:
        rung, stored = ladder.rung(each.stored.rung), each.stored
        if rung is None or becomes(WAITING, stored.after, stored.due, _clock(each), each.missed) != WAITING:
            gone.append((stored, CANCELLED))
            continue
        late = now - each.at > late_after
        up.append((stored, late))
        step = Step(rung, each.at)
        said.append(_raised(stored.order_id, each.view.stage, step, each.view, stored.times + 1, late, now))
        above = ladder.following(rung.rung_id, stored.after, each.view, each.warn_at, each.urgency)
        if above is not None:
            following.append(New(stored.order_id, each.view, above, WAITING))
    await store.raised(connection, up, now)
    await store.moved(connection, gone, GONE, now)
    await store.put(connection, following, now)
    return said


def _clock(ripe: Ripe) -> Clock:
    """The clock as its row tells: one that was met too late has had its rungs ended with the fact."""
    return Clock(ripe.view, ripe.warn_at)


@dataclass(slots=True)
class Rungs:
    """The rungs of one batch of facts."""

    ladder: Ladder
    stored: dict[UUID, list[Stored]]
    ended: dict[str, list[tuple[Stored, State]]] = field(default_factory=dict)
    new: list[New] = field(default_factory=list)

    def settle(
        self,
        order_id: UUID,
        urgency: Urgency,
        found: Sequence[tuple[Clock, Armed]],
        why: str,
        cause: UUID,
        now: datetime,
    ) -> list[Outgoing]:
        """What a fact (`why`, its message `cause`) makes of an order's rungs, and what is said of it."""
        standing = {clock.view.clock_id: (clock, armed) for clock, armed in found}
        said = []
        for rung in self.stored.get(order_id, ()):
            clock, armed = standing[rung.clock_id]
            state = becomes(rung.state, rung.after, rung.due, clock, armed.missed_due)
            if state == rung.state:
                continue
            self.ended.setdefault(why, []).append((rung, state))
            if state in (CLEARED, WITHDRAWN):
                said.append(news.cleared(order_id, clock.view, rung, why, state == WITHDRAWN, cause, now))
        if self.ladder.begins_early:
            self._begin(order_id, urgency, found)
        return said

    def _begin(self, order_id: UUID, urgency: Urgency, found: Sequence[tuple[Clock, Armed]]) -> None:
        """The rungs that count from the start of clocks that run."""
        known = {(rung.clock_id, rung.due) for rung in self.stored.get(order_id, ()) if rung.after == START}
        for clock, armed in found:
            runs = clock.view.state is ClockState.RUNNING and armed.notice is not None
            if runs and (clock.view.clock_id, clock.view.due) not in known:
                steps = self.ladder.steps(START, clock.view, clock.warn_at, urgency)
                self.new += [New(order_id, clock.view, step, WAITING) for step in steps[:1]]

    async def apply(self, connection: Connection, now: datetime) -> None:
        """Write them."""
        for why, rows in self.ended.items():
            await store.moved(connection, rows, why, now)
        await store.put(connection, self.new, now)
