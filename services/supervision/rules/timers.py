"""What a clock owes next, and what became wrong of what it said: the difference between a clock as it is stored and as
the facts make it now."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClockView
from schemas.vocabulary import ClockState, Light, Stage
from services.supervision.rules.stages import Clock

Notice = Literal["warn", "miss"]
WARN: Notice = "warn"
MISS: Notice = "miss"


class Stored(Struct, frozen=True, gc=False):
    """A clock as it is stored; the fields stand in the order of the query that reads them."""

    order_id: UUID
    clock_id: UUID
    stage: str
    owner: str
    start: datetime
    due: datetime
    state: str
    policy: str
    warned_due: datetime | None
    missed_due: datetime | None
    next_at: datetime | None
    round: int
    assignment_id: UUID | None
    report_id: UUID | None
    warn_at: datetime

    def differs(self, clock: Clock, armed: "Armed") -> bool:
        """Whether writing the clock would change anything."""
        view = clock.view
        return not (
            self.state == view.state
            and self.due == view.due
            and self.owner == view.owner
            and self.start == view.start
            and self.policy == view.policy
            and self.missed_due == armed.missed_due
            and self.next_at == armed.at
            and self.warn_at == clock.warn_at
        )

    def clock(self) -> Clock:
        """The clock as it is stored."""
        view = ClockView(
            clock_id=self.clock_id,
            stage=Stage(self.stage),
            owner=self.owner,
            start=self.start,
            due=self.due,
            state=ClockState(self.state),
            policy=self.policy,
            round=self.round,
            assignment_id=self.assignment_id,
            report_id=self.report_id,
        )
        return Clock(view, self.warn_at)


def cancelled(clock: Clock) -> Clock:
    """A clock after its reason went away: no longer promised, as when the class was corrected."""
    return Clock(with_state(clock.view, ClockState.CANCELLED), clock.warn_at)


class Armed(Struct, frozen=True, gc=False):
    """The notices of a clock: the deadline of a miss that was announced and stands, what comes next and when, and the
    deadline of a miss that must be taken back."""

    missed_due: datetime | None = None
    notice: Notice | None = None
    at: datetime | None = None
    withdrawn: datetime | None = None


_SILENT = Armed()


def arm(clock: Clock, before: Stored | None, *, imported: bool) -> tuple[Clock, Armed]:
    """The clock as it must be stored, and its notices. Of an imported order nothing is ever said. A miss that was
    announced stands while nothing is met by its deadline; else it is withdrawn."""
    if imported:
        return clock, _SILENT
    view = clock.view
    warned = before.warned_due if before is not None else None
    missed = before.missed_due if before is not None else None
    state, withdrawn = view.state, None
    if missed is not None:
        if missed == view.due and state is ClockState.RUNNING:
            clock = Clock(with_state(view, ClockState.MISSED), clock.warn_at, clock.unlisted)
            state = ClockState.MISSED
        elif missed != view.due or state is not ClockState.MISSED:
            missed, withdrawn = None, missed
    notice, at = _next(state, view.due, clock.warn_at, warned, missed)
    return clock, Armed(missed, notice, at, withdrawn)


def _next(
    state: ClockState, due: datetime, warn_at: datetime, warned: datetime | None, missed: datetime | None
) -> tuple[Notice | None, datetime | None]:
    if state is ClockState.RUNNING:
        return (WARN, warn_at) if warned != due and warn_at < due else (MISS, due)
    if state is ClockState.MISSED and missed != due:
        return MISS, due
    return None, None


def with_state(view: ClockView, state: ClockState) -> ClockView:
    """The same clock in another state, with the light that goes with it."""
    return ClockView(
        clock_id=view.clock_id,
        stage=view.stage,
        owner=view.owner,
        start=view.start,
        due=view.due,
        state=state,
        policy=view.policy,
        round=view.round,
        light=Light.RED if state is ClockState.MISSED else view.light,
        assignment_id=view.assignment_id,
        report_id=view.report_id,
    )


def light_of(state: ClockState, due: datetime, warn_at: datetime, now: datetime) -> Light:
    """What a supervisor sees at `now`: red when overdue or missed, yellow past the warning, else green. A clock that
    was met or cancelled is green."""
    if state is ClockState.MISSED:
        return Light.RED
    if state is not ClockState.RUNNING or now < warn_at:
        return Light.GREEN
    return Light.RED if now > due else Light.YELLOW
