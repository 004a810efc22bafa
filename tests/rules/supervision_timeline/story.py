"""Tells the story of an order as the facts that dispatch announces, numbered as dispatch numbers them."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from schemas.codec import message
from schemas.envelope import Outgoing, Record
from schemas.facts import (
    ArrivedOnSite,
    AssignmentAccepted,
    AssignmentDone,
    AssignmentOffer,
    AssignmentWithdrawn,
    CallbackRecorded,
    ClassRef,
    ContactMade,
    Hop,
    OrderClosed,
    OrderFact,
    OrderOpened,
    OrderRejected,
    OrderReopened,
    OrderRouted,
    OrderVoided,
    Place,
    ProgressNoted,
    ReportJoined,
    ReportStub,
    Tick,
    VerificationRecorded,
)
from schemas.ids import NAMESPACE, assignment_id_of, fact_id, order_id_of, report_id_of
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import (
    AssignmentRole,
    ClassKind,
    OrderStatus,
    Result,
    Source,
    TicketType,
    Tier,
    Urgency,
    Verification,
)

MANHOLE = ClassRef(standard="T", kind=ClassKind.PART, code="0101", name="井盖")
NOISE = ClassRef(standard="T", kind=ClassKind.EVENT, code="0201", name="噪音")
PATH = (("city", "centre-city"), ("district", "centre-district"), ("street", "street-a"))


class Story:
    """One order. Every method adds one fact; `at` is when it happened, `recorded` when dispatch wrote it (default: at
    once)."""

    def __init__(self, name: str) -> None:
        self.report = report_id_of("story", name)
        self.order_id = order_id_of(self.report)
        self.facts: list[OrderFact] = []
        self.round = 1
        self.status = OrderStatus.DISPATCHED
        self._parts = 0

    def assignment(self, place: int = 0) -> UUID:
        """The id of the assignment that was offered as number `place`."""
        units = [offer.unit for fact in self.facts for offer in getattr(fact, "assignments", ())]
        return assignment_id_of(self.order_id, units[place], place)

    def opened(self, at: datetime, **given: Any) -> "Story":
        """Opened for one report, offered to street-a, unless told otherwise."""
        in_triage = given.pop("triage", False)
        units: tuple[str, ...] = given.pop("units", ("street-a",))
        units = () if in_triage else units
        lead = "centre-district" if in_triage else units[0]
        report = ReportStub(
            report_id=self.report,
            source=given.get("source", Source.HOTLINE),
            received_at=given.pop("received_at", at),
            ticket_type=given.pop("ticket_type", TicketType.COMPLAINT),
            source_due=given.pop("source_due", None),
        )
        values: dict[str, Any] = {
            "class_ref": MANHOLE,
            "place": Place(division="D1", name="somewhere", tier=Tier.STREET),
            "urgency": Urgency.NORMAL,
            "lead": lead,
            "path": tuple(Hop(tier=Tier(tier), unit=unit, at=at, by="rule") for tier, unit in PATH),
            "assignments": self._offers(units),
            "reports": (report,),
            "source": Source.HOTLINE,
            "verification": Verification.CALL,
        }
        self.status = OrderStatus.TRIAGE if in_triage else OrderStatus.DISPATCHED
        return self.tell(OrderOpened, at, **(values | given))

    def _offers(self, units: tuple[str, ...]) -> tuple[AssignmentOffer, ...]:
        offers = []
        for place, unit in enumerate(units):
            role = AssignmentRole.ASSIST if place else AssignmentRole.LEAD
            offers.append(
                AssignmentOffer(
                    assignment_id=assignment_id_of(self.order_id, unit, self._parts),
                    unit=unit,
                    role=role,
                    tier=Tier.STREET,
                )
            )
            self._parts += 1
        return tuple(offers)

    def tell(
        self, kind: type[OrderFact], at: datetime, /, *, recorded: datetime | None = None, **given: Any
    ) -> "Story":
        """Any fact."""
        self.facts.append(
            kind(
                order_id=self.order_id,
                seq=len(self.facts) + 1,
                occurred_at=at,
                recorded_at=recorded or at,
                status=given.pop("status", self.status),
                round=self.round,
                **given,
            )
        )
        return self

    def joined(self, at: datetime, name: str, **given: Any) -> "Story":
        stub = ReportStub(
            report_id=report_id_of("story", name),
            source=Source.HOTLINE,
            received_at=given.pop("received_at", at),
            ticket_type=TicketType.COMPLAINT,
            **given,
        )
        return self.tell(ReportJoined, at, report=stub, why="near and alike")

    def accepted(
        self, at: datetime, place: int = 0, role: AssignmentRole = AssignmentRole.LEAD, **given: Any
    ) -> "Story":
        self.status = OrderStatus.HANDLING
        lead = given.pop("lead", "street-a")
        return self.tell(AssignmentAccepted, at, assignment_id=self.assignment(place), role=role, lead=lead, **given)

    def contacted(self, at: datetime, reached: bool = True, report_id: UUID | None = None, **given: Any) -> "Story":
        return self.tell(
            ContactMade, at, assignment_id=self.assignment(), reached=reached, report_id=report_id, **given
        )

    def arrived(self, at: datetime, place: int = 0) -> "Story":
        return self.tell(ArrivedOnSite, at, assignment_id=self.assignment(place))

    def noted(self, at: datetime) -> "Story":
        return self.tell(ProgressNoted, at, assignment_id=self.assignment(), note="在路上")

    def done(self, at: datetime, place: int = 0, role: AssignmentRole = AssignmentRole.LEAD, **given: Any) -> "Story":
        if role is AssignmentRole.LEAD:
            self.status = OrderStatus.VERIFYING
        given.setdefault("result", Result.SOLVED)
        return self.tell(AssignmentDone, at, assignment_id=self.assignment(place), role=role, **given)

    def withdrawn(self, at: datetime, place: int = 0) -> "Story":
        return self.tell(AssignmentWithdrawn, at, assignment_id=self.assignment(place), reason="wrong unit")

    def routed(self, at: datetime, units: tuple[str, ...], **given: Any) -> "Story":
        self.status = OrderStatus.DISPATCHED
        values: dict[str, Any] = {
            "class_ref": MANHOLE,
            "place": Place(division="D2", name="elsewhere", tier=Tier.STREET),
            "lead": units[0],
            "path": tuple(Hop(tier=Tier(tier), unit=unit, at=at, by="person") for tier, unit in PATH),
            "assignments": self._offers(units),
        }
        return self.tell(OrderRouted, at, **(values | given))

    def verified(self, at: datetime, passed: bool = True) -> "Story":
        self.status = OrderStatus.CALLBACK if passed else OrderStatus.HANDLING
        if not passed:
            self.round += 1
        return self.tell(VerificationRecorded, at, passed=passed, by=Verification.SITE)

    def called_back(self, at: datetime, reached: bool = True, report_id: UUID | None = None) -> "Story":
        return self.tell(CallbackRecorded, at, report_id=report_id or self.report, reached=reached)

    def closed(self, at: datetime, **given: Any) -> "Story":
        self.status = OrderStatus.CLOSED
        return self.tell(OrderClosed, at, result=Result.SOLVED, **given)

    def reopened(self, at: datetime, units: tuple[str, ...] = ("street-a",)) -> "Story":
        self.round += 1
        self.status = OrderStatus.DISPATCHED
        return self.tell(OrderReopened, at, reason="not solved", assignments=self._offers(units))

    def rejected(self, at: datetime) -> "Story":
        self.status = OrderStatus.REJECTED
        return self.tell(OrderRejected, at, reason="not a matter for the city")

    def voided(self, at: datetime) -> "Story":
        self.status = OrderStatus.VOID
        return self.tell(OrderVoided, at, reason="entered twice")

    def outgoing(self, first: int = 1, last: int | None = None) -> list[Outgoing]:
        """Facts `first` to `last` as messages for Kafka."""
        return [
            message(
                ORDERS_EVENTS,
                fact,
                id=fact_id(fact.order_id, "story", fact.seq),
                key=str(fact.order_id),
                source="story",
                time=fact.recorded_at,
            )
            for fact in self.facts[first - 1 : last]
        ]


_offset = 0


def records(*messages: Outgoing, partition: int = 0) -> list[Record]:
    """Messages as they would be read from one partition, each at an offset of its own."""
    global _offset
    found = []
    for each in messages:
        _offset += 1
        found.append(Record(each.topic, partition, _offset, each.key, each.value, each.headers))
    return found


def tick(t: datetime, partitions: int = ORDERS_EVENTS.partitions) -> list[Record]:
    """The same Tick on every partition."""
    found = []
    for partition in range(partitions):
        sent = message(
            ORDERS_EVENTS,
            Tick(t=t, partition=partition),
            id=uuid5(NAMESPACE, f"{t}{partition}"),
            key="tick",
            source="story",
            time=t,
        )
        found += records(sent, partition=partition)
    return found


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
