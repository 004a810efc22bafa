"""What supervision says to the world: its facts as messages for `supervision.events`."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import (
    ClocksSet,
    ClockView,
    DeadlineMissed,
    DeadlineWarned,
    DeadlineWithdrawn,
    FindingRaised,
    FindingWithdrawn,
    RungCleared,
    RungRaised,
)
from schemas.ids import fact_id, rung_id_of
from schemas.topics import SUPERVISION_EVENTS
from services.supervision.rules.detectors import Finding
from services.supervision.rules.ladder import Step
from services.supervision.rules.timers import WARN, Notice
from services.supervision.store.rungs import Stored

_SOURCE = "paidan/supervision"


def clocks_set(order_id: UUID, seq: int, clocks: tuple[ClockView, ...], cause: UUID, now: datetime) -> Outgoing:
    """The clocks of an order after its fact `seq`, whose message was `cause`."""
    fact = ClocksSet(order_id=order_id, seq=seq, clocks=clocks)
    return _said(fact, fact_id(cause, "ClocksSet"), order_id, now)


def noticed(notice: Notice, order_id: UUID, view: ClockView, times: int, now: datetime, *, late: bool) -> Outgoing:
    """A warning or a miss of a clock, given for the `times`-th time for this deadline, perhaps late."""
    kind = DeadlineWarned if notice == WARN else DeadlineMissed
    fact = kind(order_id=order_id, clock_id=view.clock_id, stage=view.stage, owner=view.owner, due=view.due, late=late)
    return _said(fact, fact_id(view.clock_id, f"{kind.__name__}\x1f{view.due.isoformat()}", times), order_id, now)


def withdrawn(order_id: UUID, view: ClockView, due: datetime, why: str, cause: UUID, now: datetime) -> Outgoing:
    """A miss of deadline `due` that the message `cause` undid."""
    fact = DeadlineWithdrawn(
        order_id=order_id, clock_id=view.clock_id, stage=view.stage, owner=view.owner, due=due, cause=why
    )
    return _said(fact, fact_id(cause, f"DeadlineWithdrawn\x1f{view.clock_id.hex}"), order_id, now)


def raised(order_id: UUID, view: ClockView, step: Step, times: int, late: bool, now: datetime) -> Outgoing:
    """A rung of the ladder is due and its clock not met, for the `times`-th time with this deadline."""
    rung, id_ = step.rung, _opens(view.clock_id, step.rung.rung_id, view.due, times)
    fact = RungRaised(
        order_id=order_id,
        clock_id=view.clock_id,
        stage=view.stage,
        owner=view.owner,
        due=view.due,
        supervision_id=id_,
        rung=rung.rung_id,
        kind=rung.kind,
        at=step.at,
        receivers=rung.receivers,
        answers=rung.answers,
        level=rung.level,
        late=late,
    )
    return _said(fact, fact_id(id_, "RungRaised"), order_id, now)


def cleared(
    order_id: UUID, view: ClockView, rung: Stored, why: str, withdrawn: bool, cause: UUID, now: datetime
) -> Outgoing:
    """What a rung was raised for is over, by the message `cause`."""
    id_ = _opens(rung.clock_id, rung.rung, rung.due, rung.times)
    fact = RungCleared(
        order_id=order_id,
        clock_id=rung.clock_id,
        stage=view.stage,
        owner=view.owner,
        due=rung.due,
        supervision_id=id_,
        rung=rung.rung,
        kind=rung.kind,
        cause=why,
        level=rung.level,
        withdrawn=withdrawn,
    )
    return _said(fact, fact_id(cause, f"RungCleared\x1f{id_.hex}"), order_id, now)


def _opens(clock_id: UUID, rung: str, due: datetime, times: int) -> UUID:
    return rung_id_of(clock_id, rung, due.astimezone(UTC).isoformat(), times)


def finding_raised(finding: Finding, times: int, now: datetime) -> Outgoing:
    """Something that a detector found, for the `times`-th time."""
    fact = FindingRaised(
        finding_id=finding.finding_id,
        kind=finding.kind,
        unit=finding.unit,
        division=finding.division,
        at=finding.at,
        reason=finding.reason,
        order_id=finding.order_id,
    )
    return _said(fact, fact_id(finding.finding_id, "FindingRaised", times), finding.order_id or finding.finding_id, now)


def finding_withdrawn(finding: Finding, times: int, cause: str, now: datetime) -> Outgoing:
    """A finding that was none, after it had been raised for the `times`-th time."""
    fact = FindingWithdrawn(
        finding_id=finding.finding_id, kind=finding.kind, unit=finding.unit, cause=cause, order_id=finding.order_id
    )
    return _said(
        fact, fact_id(finding.finding_id, "FindingWithdrawn", times), finding.order_id or finding.finding_id, now
    )


def _said(fact: Struct, id_: UUID, of: UUID, now: datetime) -> Outgoing:
    """A fact about one order, case or finding, as it goes out."""
    return message(SUPERVISION_EVENTS, fact, id=id_, key=str(of), source=_SOURCE, time=now)
