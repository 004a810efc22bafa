"""What dispatch announces about orders. No reporter identity here; `seq` counts 1, 2, 3 … within one order."""

from uuid import UUID

from msgspec import Struct

from schemas.facts.intake import Moment
from schemas.facts.router import Candidate, ClassRef, Hop, Place
from schemas.vocabulary import (
    AssignmentRole,
    OrderStatus,
    Result,
    Satisfaction,
    Source,
    TicketType,
    Tier,
    Urgency,
    Verification,
)


class OrderFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every fact about an order carries. `occurred_at` is when it happened (clocks use it), `recorded_at` when
    dispatch's database wrote it (strictly increasing per order); `actor` is a principal's id, `unit` the unit he
    acted for, `status` the order's status after the change."""

    order_id: UUID
    seq: int
    occurred_at: Moment
    recorded_at: Moment
    status: OrderStatus
    round: int = 1
    actor: str = ""
    unit: str = ""


class ReportStub(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What supervision needs of a report: whose promise runs since when, and the sender's own due."""

    report_id: UUID
    source: Source
    received_at: Moment
    ticket_type: TicketType | None = None
    source_due: Moment | None = None


class AssignmentOffer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit is asked to do its part."""

    assignment_id: UUID
    unit: str
    role: AssignmentRole
    tier: Tier


class OrderOpened(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A new order, with its path and first assignments (none in triage, where `lead` is the deciding centre)."""

    class_ref: ClassRef
    place: Place
    urgency: Urgency
    lead: str
    path: tuple[Hop, ...]
    assignments: tuple[AssignmentOffer, ...]
    reports: tuple[ReportStub, ...]
    source: Source
    verification: Verification
    rule: str = ""
    together: bool = False
    platforms: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    recurrence_of: UUID | None = None
    imported: bool = False


class ReportJoined(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """One more report about the same matter; its promise runs from its own receipt."""

    report: ReportStub
    why: str


class OrderRouted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A person decided a triage, or sent the order elsewhere: its class, place, lead and assignments from now on."""

    class_ref: ClassRef
    place: Place
    lead: str
    path: tuple[Hop, ...]
    assignments: tuple[AssignmentOffer, ...]
    withdrawn: tuple[UUID, ...] = ()


class AssignmentAccepted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit took its part; `lead` when it thereby became the lead."""

    assignment_id: UUID
    role: AssignmentRole
    lead: str


class ContactMade(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit contacted a reporter (先行联系); `reached` False keeps the clock running."""

    assignment_id: UUID
    reached: bool
    report_id: UUID | None = None


class ArrivedOnSite(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit is on the spot (到场)."""

    assignment_id: UUID


class ProgressNoted(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A word in between (中途汇报); an automatic note on an order that no unit holds yet names no assignment."""

    note: str
    assignment_id: UUID | None = None


class AssignmentDone(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit finished its part."""

    assignment_id: UUID
    role: AssignmentRole
    result: Result


class AssignmentConfirmed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit's result was taken as done."""

    assignment_id: UUID


class AssignmentWithdrawn(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The dispatching centre took a unit's part back (收单)."""

    assignment_id: UUID
    reason: str


class VerificationRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who did not handle it looked (or the sensor did); a failed check is rework, a new round."""

    passed: bool
    by: Verification
    note: str = ""


class CallbackRecorded(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The centre called a reporter."""

    report_id: UUID
    reached: bool
    satisfied: Satisfaction | None = None
    solved: bool | None = None


class OrderClosed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Closed, and apart from that: what came of it."""

    result: Result | None = None
    imported: bool = False


class OrderReopened(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A new round; the lead's assignment is offered anew."""

    reason: str
    assignments: tuple[AssignmentOffer, ...]


class OrderRejected(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Not a matter for the city (不受理), with the reason the reporters are told."""

    reason: str


class OrderTransferred(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Handed to another platform."""

    platform: str
    reason: str


class OrderVoided(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Entered in error; dropped from all counts."""

    reason: str


class Urged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A reminder before the deadline (催办); `clock_id` when a clock caused it."""

    note: str = ""
    clock_id: UUID | None = None


class Supervised(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A supervision (督办) after a deadline or by a leader's hand."""

    level: int
    note: str = ""
    clock_id: UUID | None = None


class Tick(Struct, frozen=True, kw_only=True):
    """All facts recorded before `t` are published on this partition."""

    t: Moment
    partition: int
