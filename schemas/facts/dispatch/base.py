"""What facts about orders share. No reporter identity here; `seq` counts 1, 2, 3 … within one order."""

from uuid import UUID

from msgspec import Struct

from schemas.facts.intake import Moment
from schemas.vocabulary import AssignmentRole, OrderStatus, Source, TicketType, Tier


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

    @property
    def aggregate_id(self) -> UUID:
        """Whose fact it is; its `seq` counts there."""
        return self.order_id


class ReportStub(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What supervision needs of a report: whose promise runs since when, and the sender's own due. `reachable` says
    that there is a number to call, `repeat_of` which report the same person sent before about the same (重复件)."""

    report_id: UUID
    source: Source
    received_at: Moment
    ticket_type: TicketType | None = None
    source_due: Moment | None = None
    reachable: bool = True
    repeat_of: UUID | None = None


class AssignmentOffer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit is asked to do its part; `parent` is the assignment it was passed on from, which stays answerable."""

    assignment_id: UUID
    unit: str
    role: AssignmentRole
    tier: Tier
    parent: UUID | None = None


class Tick(Struct, frozen=True, kw_only=True):
    """All facts recorded before `t` are published on this partition."""

    t: Moment
    partition: int
