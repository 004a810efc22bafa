"""The state of orders while a batch or a write is decided, and the changes that come of it.

A `Book` holds the orders of one transaction. `record` makes the one fact of one change, numbers it, folds it into the
order (`evolve.fold`), and keeps it for history and outbox. It reads no clock: `now` is given.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from schemas.facts import ClockView, MergeProposed, OrderFact, Reporter, ReportReceived
from schemas.ids import fact_id
from schemas.vocabulary import HandoverMode, HandoverState, OrderStatus, Role
from services.dispatch.rules import lifecycle
from services.dispatch.rules.changes import Picture
from services.dispatch.rules.directory import Directory
from services.dispatch.rules.evolve import fold, tell
from services.dispatch.rules.handover import Handover
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.repeats import Earlier

TICK = timedelta(microseconds=1)


class Actor(Struct, frozen=True):
    """Who does something: a principal's id, role and unit; all empty for a message of another service."""

    id: str = ""
    role: Role | None = None
    unit: str = ""

    @property
    def who(self) -> str:
        """The name of the role in the lifecycle tables."""
        return self.role.value if self.role is not None else lifecycle.SYSTEM


SYSTEM = Actor()


class KeptReport(Struct):
    """A report as it is kept: the body without its reporter, who is kept apart. `state` is how it came to its order:
    opened, linked, answered or transferred."""

    report_id: UUID
    report: ReportReceived
    body: str
    reporter: Reporter | None
    order_id: UUID | None = None
    state: str = ""
    repeat_of: UUID | None = None


class Waiting(Struct):
    """A fact that waits for an order (a link) or a report (an alarm's clearing) that is not known yet."""

    cause: UUID
    waits_for: UUID
    kind: str
    body: bytes


class Change(Struct):
    """One change: its fact and what only the history keeps: how the order stood after it (`urgency` to `closed_at`),
    and which fields it `changed`."""

    order: Order
    fact: OrderFact
    id: UUID
    action: str
    tier: str
    reason: str
    old_version: int
    new_version: int
    order_version: int
    assignment_id: UUID | None
    private: str | None
    urgency: str
    lead: str
    class_key: str
    division: str
    closed_at: datetime | None
    changed: str


@dataclass(slots=True)
class Book:
    """The orders of one transaction. `known` maps reports that are kept already to their order, `pasts` holds the facts
    recorded before of orders that may move, `merged_on` the orders that one was merged into, one after the other,
    `open_parts` the orders split off one that have not ended; `moved` are reports on their way to another order,
    `attachments` those of an order with what they show, `clocks` those of orders of which a unit asks for time,
    `questions` are whether two orders are one."""

    now: datetime
    directory: Directory
    orders: dict[UUID, Order] = field(default_factory=dict)
    known: dict[UUID, UUID | None] = field(default_factory=dict)
    attachments: dict[UUID, dict[UUID, str]] = field(default_factory=dict)
    waiting: dict[UUID, list[Waiting]] = field(default_factory=dict)
    clocks: dict[UUID, tuple[ClockView, ...]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    opened: dict[UUID, Order] = field(default_factory=dict)
    touched: dict[UUID, Order] = field(default_factory=dict)
    kept: list[KeptReport] = field(default_factory=list)
    parked: list[Waiting] = field(default_factory=list)
    released: list[UUID] = field(default_factory=list)
    pasts: dict[UUID, list[OrderFact]] = field(default_factory=dict)
    merged_on: dict[UUID, list[UUID]] = field(default_factory=dict)
    open_parts: dict[UUID, list[UUID]] = field(default_factory=dict)
    handovers: dict[UUID, Handover] = field(default_factory=dict)
    earlier: dict[UUID, list[Earlier]] = field(default_factory=dict)
    moved: dict[UUID, UUID] = field(default_factory=dict)
    questions: list[MergeProposed] = field(default_factory=list)
    _ordinals: Counter[tuple[UUID, str]] = field(default_factory=Counter)

    def keep(self, kept: KeptReport, order_id: UUID | None, state: str) -> None:
        """Keep a report, as part of an order or on its own."""
        kept.order_id, kept.state = order_id, state
        self.kept.append(kept)
        self.known[kept.report_id] = order_id

    def move(self, reports: Iterable[UUID], order_id: UUID) -> None:
        """Hang reports on another order."""
        for report_id in reports:
            self.moved[report_id] = self.known[report_id] = order_id

    def past(self, order: Order) -> list[OrderFact]:
        """Every fact of an order, the first first: those recorded before, where they were asked for, and this
        transaction's."""
        return [*self.pasts.get(order.order_id, ()), *(c.fact for c in self.changes if c.order is order)]

    def waiting_handover(self, order_id: UUID, platform: str = "") -> Handover | None:
        """The hand-over of an order that waits for its signature, to one platform if it is named; of several the one
        that would take the order away, then the oldest."""
        offered = [
            h
            for h in self.handovers.values()
            if h.state is HandoverState.OFFERED and h.order_id == order_id and platform in ("", h.platform)
        ]
        return min(offered, key=lambda h: (h.mode is not HandoverMode.TRANSFER, h.offered_at), default=None)

    def record(
        self,
        order: Order,
        kind: type[OrderFact],
        said: dict[str, Any],
        *,
        action: str,
        cause: UUID,
        at: datetime,
        to: OrderStatus | None = None,
        actor: Actor = SYSTEM,
        target: Assignment | None = None,
        round_: int | None = None,
        reason: str = "",
        private: str | None = None,
    ) -> None:
        """One change of an order: makes its fact out of what is `said`, folds it, keeps it. `target` is the assignment
        whose version the change moves; without one it is the order's. `private` is JSON that only the history keeps."""
        fact = kind(
            order_id=order.order_id,
            seq=order.seq + 1,
            occurred_at=at,
            recorded_at=max(self.now, order.recorded_at + TICK),
            status=order.status if to is None else to,
            round=order.round if round_ is None else round_,
            actor=actor.id,
            unit=actor.unit,
            **said,
        )
        old = order.version if target is None else target.version
        before = Picture(order, target)
        fold(order, fact)
        if private is not None:
            tell(order, fact, private)
        self.touched[order.order_id] = order
        self.note(
            order,
            fact,
            cause=cause,
            action=action,
            unit=actor.unit,
            reason=reason,
            versions=(old, order.version if target is None else target.version),
            assignment_id=None if target is None else target.assignment_id,
            private=private,
            changed=before.changed(fact),
        )

    def note(
        self,
        order: Order,
        fact: OrderFact,
        *,
        cause: UUID,
        action: str,
        unit: str = "",
        reason: str = "",
        versions: tuple[int, int],
        assignment_id: UUID | None = None,
        private: str | None = None,
        changed: str = "",
    ) -> None:
        """Keep the change that a fact, folded already, stands for."""
        name = type(fact).__name__
        ordinal = self._ordinals[cause, name]
        self._ordinals[cause, name] += 1
        tier = self.directory.tier_of(unit)
        self.changes.append(
            Change(
                order,
                fact,
                fact_id(cause, name, ordinal),
                action,
                tier.value if tier is not None else "",
                reason,
                *versions,
                order.version,
                assignment_id,
                private,
                order.urgency,
                order.lead,
                order.detail.class_ref.key,
                order.detail.place.division,
                order.closed_at,
                changed,
            )
        )
