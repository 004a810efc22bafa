"""What should have fired, beside what is stored: the clocks that follow from an order's facts, its notices, its rows.

Nothing here is taken from the clocks' own rows: deadlines come from the timeline, the policy and the calendars, what
was said from the notices; both together say what a row must look like and what must have been said by now.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.supervision.rules.stages import Clock
from services.supervision.rules.timers import MISS, Armed, Stored, arm, cancelled

GRACE = timedelta(seconds=60)  # a sweep is given this long once the Ticks have passed a moment


class Fault(StrEnum):
    """What can be wrong with a clock."""

    CLOCK_MISSING = "clock_missing"  # its facts promise it, no row keeps it
    CLOCK_EXTRA = "clock_extra"  # a row counts on that no fact promises
    CLOCK_DIFFERS = "clock_differs"  # deadline, warning, owner, row of the policy or state are not what they must be
    NOT_ARMED = "not_armed"  # its row does not owe the notice that it must give next
    NOT_WARNED = "not_warned"  # a warning should have been given by now
    NOT_MISSED = "not_missed"  # a miss should have been called by now
    MISSED_WRONGLY = "missed_wrongly"  # a miss stands that its facts do not bear out


class Standing(Struct, frozen=True):
    """The notices of one clock that stand: the deadlines for which it was last warned of and missed."""

    warned: datetime | None = None
    missed: datetime | None = None


class Difference(Struct, frozen=True):
    """One thing wrong with one clock."""

    order_id: UUID
    clock_id: UUID
    stage: str
    fault: Fault
    detail: str


def judge(
    found: Sequence[Clock],
    stored: Mapping[UUID, Stored],
    standing: Mapping[UUID, Standing],
    order_id: UUID,
    low: datetime | None,
    *,
    held: bool,
) -> list[Difference]:
    """Everything that is wrong with the clocks of one order, at one moment. `found` are the clocks that follow from its
    facts, `standing` its notices, `low` the lowest Tick of all partitions; `held`: a fact of it waits or is dead, so
    nothing may be said of it."""
    wrong: list[Difference] = []

    def say(clock_id: UUID, stage: str, fault: Fault, detail: str) -> None:
        wrong.append(Difference(order_id, clock_id, stage, fault, detail))

    known = {clock.view.clock_id for clock in found}
    gone = [cancelled(row.clock()) for id_, row in stored.items() if id_ not in known and _readable(row)]
    for clock in [*found, *gone]:
        view = clock.view
        row = stored.get(view.clock_id)
        said = standing.get(view.clock_id, Standing())
        before = None if row is None else replace(row, warned_due=said.warned, missed_due=said.missed)
        clock, armed = arm(clock, before, imported=False)
        if row is None:
            say(view.clock_id, view.stage, Fault.CLOCK_MISSING, f"due {view.due.isoformat()} by {view.policy}")
            continue
        if armed.withdrawn is not None:
            say(view.clock_id, view.stage, Fault.MISSED_WRONGLY, f"for {armed.withdrawn.isoformat()}, is {view.state}")
        late = not held and armed.at is not None and low is not None and armed.at < low - GRACE
        if late and armed.at is not None and low is not None:  # past both, the miss alone would have been said
            fault = Fault.NOT_MISSED if armed.notice == MISS or view.due < low - GRACE else Fault.NOT_WARNED
            say(view.clock_id, view.stage, fault, f"since {armed.at.isoformat()}")
        extra = view.clock_id not in known
        for detail in _differences(row, clock, armed):
            armed_only = detail.startswith("owes")
            fault = Fault.NOT_ARMED if armed_only else Fault.CLOCK_EXTRA if extra else Fault.CLOCK_DIFFERS
            if not (armed_only and late):  # said already
                say(view.clock_id, view.stage, fault, detail)
    return wrong


def _differences(row: Stored, clock: Clock, armed: Armed) -> list[str]:
    view = clock.view
    pairs: list[tuple[str, object, object]] = [
        ("stage", row.stage, view.stage.value),
        ("due", row.due, view.due),
        ("start", row.start, view.start),
        ("warns", row.warn_at, clock.warn_at),
        ("owner", row.owner, view.owner),
        ("policy", row.policy, view.policy),
        ("state", row.state, view.state.value),
        ("missed for", row.missed_due, armed.missed_due),
        ("owes its next notice", row.next_at, armed.at),
    ]
    return [f"{name} {_text(is_)}, must be {_text(must)}" for name, is_, must in pairs if is_ != must]


def _readable(row: Stored) -> bool:
    """Whether a clock can be read out of the row at all."""
    try:
        row.clock()
    except ValueError:
        return False
    return True


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
