"""What supervision says to the world: its facts as messages for `supervision.events`."""

from datetime import datetime
from uuid import UUID

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import ClocksSet, ClockView, DeadlineMissed, DeadlineWarned, DeadlineWithdrawn
from schemas.ids import fact_id
from schemas.topics import SUPERVISION_EVENTS
from services.supervision.rules.timers import WARN, Notice

_SOURCE = "paidan/supervision"


def clocks_set(order_id: UUID, seq: int, clocks: tuple[ClockView, ...], cause: UUID, now: datetime) -> Outgoing:
    """The clocks of an order after its fact `seq`, whose message was `cause`."""
    fact = ClocksSet(order_id=order_id, seq=seq, clocks=clocks)
    return message(
        SUPERVISION_EVENTS, fact, id=fact_id(cause, "ClocksSet"), key=str(order_id), source=_SOURCE, time=now
    )


def noticed(notice: Notice, order_id: UUID, view: ClockView, times: int, now: datetime, *, late: bool) -> Outgoing:
    """A warning or a miss of a clock, given for the `times`-th time for this deadline, perhaps late."""
    kind = DeadlineWarned if notice == WARN else DeadlineMissed
    fact = kind(order_id=order_id, clock_id=view.clock_id, stage=view.stage, owner=view.owner, due=view.due, late=late)
    return message(
        SUPERVISION_EVENTS,
        fact,
        id=fact_id(view.clock_id, f"{kind.__name__}\x1f{view.due.isoformat()}", times),
        key=str(order_id),
        source=_SOURCE,
        time=now,
    )


def withdrawn(order_id: UUID, view: ClockView, due: datetime, why: str, cause: UUID, now: datetime) -> Outgoing:
    """A miss of deadline `due` that the message `cause` undid."""
    fact = DeadlineWithdrawn(
        order_id=order_id, clock_id=view.clock_id, stage=view.stage, owner=view.owner, due=due, cause=why
    )
    return message(
        SUPERVISION_EVENTS,
        fact,
        id=fact_id(cause, f"DeadlineWithdrawn\x1f{view.clock_id.hex}"),
        key=str(order_id),
        source=_SOURCE,
        time=now,
    )
