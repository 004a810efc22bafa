"""Orders that move to another order or to another platform, and the reports that go with them."""

from uuid import UUID

from msgspec import Struct

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact, ReportStub
from schemas.facts.intake import Moment
from schemas.facts.router import ClassRef
from schemas.vocabulary import HandoverEnd, HandoverMode, HandoverStep, Tier, Urgency


class Promise(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reporter was promised where his report lay first, and what goes with it for ever: `since` when it counts,
    by which class, urgency, tier and round its limits were chosen, and since when somebody led who was to contact
    him (None: nobody did yet)."""

    since: Moment
    class_key: str
    urgency: Urgency
    tier: Tier
    round: int = 1
    contact_from: Moment | None = None


class MovedReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report on its way to another order; `contacted_at` when its reporter was first reached."""

    report: ReportStub
    promise: Promise
    contacted_at: Moment | None = None


class OrderMerged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """It is the matter of another order (并单): its reports went over, and what its units still had to do was
    `withdrawn`."""

    into: UUID
    reports: tuple[MovedReport, ...]
    withdrawn: tuple[UUID, ...] = ()
    reason: str = ""


class OrderUnmerged(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """It was a matter of its own after all: its reports came home, and what was withdrawn is offered anew."""

    out_of: UUID
    reports: tuple[MovedReport, ...]
    assignments: tuple[AssignmentOffer, ...] = ()
    reason: str = ""


class ReportsMoved(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Reports came from the order `other`, or with `away` went to it. `assignments` are assists that came with them,
    `withdrawn` those that went again; `subjects` whom the reports that came complain about."""

    other: UUID
    reports: tuple[MovedReport, ...]
    away: bool = False
    assignments: tuple[AssignmentOffer, ...] = ()
    withdrawn: tuple[UUID, ...] = ()
    subjects: tuple[str, ...] = ()


class SplitPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the orders that a split opened, and the reports that went there."""

    order_id: UUID
    class_ref: ClassRef
    lead: str
    reports: tuple[UUID, ...] = ()


class OrderSplit(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A second demand was found in it (拆单): each of `parts` is an order of its own from now on. This one keeps the
    promise to the reporters and cannot be finished before its parts are."""

    parts: tuple[SplitPart, ...]


class OrderTransferred(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Signed for by another platform: from now on it is theirs."""

    platform: str
    reason: str
    handover_id: UUID | None = None


class HandoverOffered(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Another platform is asked to take the order, or to come along; it stays here until somebody there signs."""

    handover_id: UUID
    platform: str
    mode: HandoverMode
    reason: str = ""


class HandoverSigned(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The other platform comes along; the order stays where it is."""

    handover_id: UUID
    platform: str


class HandoverReturned(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The other platform does not take it, or nobody there signed in time, or the sender took it back."""

    handover_id: UUID
    platform: str
    cause: HandoverEnd
    reason: str = ""


class HandoverReported(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The other platform says how far it got (回执), also long after the order has ended here."""

    handover_id: UUID
    platform: str
    step: HandoverStep
