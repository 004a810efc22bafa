"""What other platforms are told by webhook, as it is published (`schemas/generated/json/webhooks`): a message is
`{"type", "timestamp", "data"}`, signed as the Standard Webhooks specification says. Fields may be added, none goes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from schemas.vocabulary import (
    HandoverMode,
    HandoverState,
    HandoverStep,
    OrderStatus,
    Result,
    Source,
    Stage,
    SupervisionKind,
    TicketType,
    Urgency,
)

Moment = Annotated[datetime, Meta(tz=True)]


class UnitTold(Struct, kw_only=True):
    """A unit; of another platform its own name."""

    unit_id: str
    name: str
    tier: str | None = None


class ClassTold(Struct, kw_only=True):
    """A class of matters."""

    standard: str
    kind: str
    code: str
    name: str


class PlaceTold(Struct, kw_only=True):
    """Where it is: the division, and the point (WGS-84, degrees) where one is known."""

    division: str
    name: str
    lon: float | None = None
    lat: float | None = None


class OrderTold(Struct, kw_only=True):
    """The order in brief; more fields may stand beside these."""

    order_id: UUID
    number: str
    status: OrderStatus
    urgency: Urgency
    source: Source
    class_: ClassTold = field(name="class")
    place: PlaceTold
    lead: UnitTold
    opened_at: Moment


class ReportTold(Struct, kw_only=True):
    """What was reported. `reporter` is masked; `GET /v1/handovers/{id}?reveal=PURPOSE` shows him once it is signed."""

    report_id: UUID
    number: str
    source: Source
    received_at: Moment
    text: str = ""
    title: str = ""
    address: str = ""
    ticket_type: TicketType | None = None
    source_due: Moment | None = None
    reporter: dict[str, Any] | None = None


class NumberTold(Struct, kw_only=True):
    """The number under which a sender knows a report."""

    source: Source
    number: str


class HandoverTold(Struct, kw_only=True):
    """A hand-over to the platform that is told. `version` grows with every change of it."""

    handover_id: UUID
    platform: str
    mode: HandoverMode
    state: HandoverState
    version: int
    reason: str
    offered_at: Moment
    offered_by: UnitTold
    order: OrderTold
    source_numbers: list[NumberTold]
    ended_at: Moment | None = None
    reports: list[ReportTold] = []
    cause: Literal["recalled", "unsigned", "order_ended"] | None = None


class ReceiptSaid(Struct, kw_only=True):
    """How far it got; `ended` says how it ended without a result, `platform` who says it when it is no unit of ours."""

    step: HandoverStep
    at: Moment
    unit: UnitTold | None = None
    platform: str = ""
    result: Result | None = None
    ended: OrderStatus | None = None
    answer: str = ""


class ReceiptTold(Struct, kw_only=True):
    """What became of a matter that the platform handed to us, under its own number; without an order when it was
    settled without work."""

    source_number: str
    report_id: UUID
    number: str
    received_at: Moment
    order_number: str | None = None
    order_status: OrderStatus | None = None
    receipt: ReceiptSaid


class ToldAbout(Struct, kw_only=True):
    """One urge or supervision, or what became of it. No person is named; `link` shows the order to who may see it.
    `level`, `answerer` and `by` are a supervision's; `cause` says what cleared it, `late` that the system told it only
    now."""

    event: Literal["urged", "supervised", "answered", "sent_back", "accepted", "cleared"]
    order_id: UUID
    order_number: str
    class_: ClassTold = field(name="class")
    division: str
    place: str
    urgency: Urgency
    lead: UnitTold
    at: Moment
    link: str
    supervision_id: UUID | None = None
    why: SupervisionKind | None = None
    level: int | None = None
    stage: Stage | None = None
    due: Moment | None = None
    answerer: UnitTold | None = None
    by: UnitTold | None = None
    answer_due: Moment | None = None
    cause: str | None = None
    late: bool = False


class ToldTogether(Struct, kw_only=True):
    """What a channel of the policy is told: one thing at once, or in a digest what waited."""

    digest: bool
    items: list[ToldAbout]


class SupervisionTold(Struct, kw_only=True, tag_field="type", tag="supervision.told"):
    """Urges and supervisions that concern whom the channel speaks for."""

    timestamp: Moment
    data: ToldTogether


class HandoverOffered(Struct, kw_only=True, tag_field="type", tag="handover.offered"):
    """Somebody is asked to sign for it within minutes; until then it stays with us."""

    timestamp: Moment
    data: HandoverTold


class HandoverReturned(Struct, kw_only=True, tag_field="type", tag="handover.returned"):
    """It is no longer to be signed: taken back, unsigned in time, or its order has ended."""

    timestamp: Moment
    data: HandoverTold


class ReceiptGiven(Struct, kw_only=True, tag_field="type", tag="receipt.given"):
    """Signed for, arrived, what came of it, closed."""

    timestamp: Moment
    data: ReceiptTold


WEBHOOKS = {kind.__name__: kind for kind in (HandoverOffered, HandoverReturned, ReceiptGiven, SupervisionTold)}
