"""An order as its clocks see it: what happened and when, never what is due."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.vocabulary import AssignmentRole, RequestKind, Source, TicketType, Tier, Urgency


class Part(Struct, frozen=True, array_like=True, gc=False):
    """One unit's part of an order in one round, with the class it was given under. `resumed`: taken up again after a
    failed check, so there is nothing to accept. `parent`: the assignment it was passed on from; `due`: when whoever
    passed it on wants the answer. An assist that becomes the lead begins a new `stint` of its assignment, with limits
    of its own; `led`: it leads, or has led."""

    assignment_id: UUID
    unit: str
    role: AssignmentRole
    tier: Tier
    round: int
    class_key: str
    offered_at: datetime
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    done_at: datetime | None = None
    ended_at: datetime | None = None
    resumed: bool = False
    parent: UUID | None = None
    due: datetime | None = None
    stint: int = 0
    led: bool = False


class Contact(Struct, frozen=True, array_like=True, gc=False):
    """A reporter was reached by a unit in a round."""

    round: int
    at: datetime


class Callback(Struct, frozen=True, array_like=True, gc=False):
    """The centre called a reporter in a round, or he rated by himself; `reached`: nothing more is due to him."""

    round: int
    at: datetime
    reached: bool


class Promise(Struct, frozen=True, array_like=True, gc=False):
    """What was promised where a report lay before it moved here: since when, by which class, urgency, tier and round,
    and since when somebody led who was to contact its reporter. `arrived_at` is when it moved."""

    arrived_at: datetime
    since: datetime
    class_key: str
    urgency: Urgency
    tier: Tier
    round: int
    contact_from: datetime | None = None


class Voice(Struct, frozen=True, array_like=True):
    """One report on the order: the promise made to whoever sent it, counted from its own receipt. `round` is the one
    it came in; `promise` what it brought along, for that round; `away` when it moved to another order."""

    report_id: UUID
    source: Source
    ticket_type: TicketType | None
    received_at: datetime
    source_due: datetime | None
    round: int
    contacts: tuple[Contact, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    promise: Promise | None = None
    away: bool = False


class Round(Struct, frozen=True, array_like=True, gc=False):
    """One round. `verify_from` and `callback_from`: since when the result waits for its check or its call-backs;
    `answered_at`: when the answer was approved; `ended_at`: closed, or gone any other way."""

    number: int
    started_at: datetime
    rework: bool = False
    verify_from: datetime | None = None
    verified_at: datetime | None = None
    callback_from: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class Pace(Struct, frozen=True, array_like=True, gc=False):
    """The urgency that held until a moment."""

    urgency: Urgency
    until: datetime


class Handover(Struct, frozen=True, array_like=True, gc=False):
    """Another platform is asked in a round; `signed_at` when a named person there signed, `ended_at` when it went back
    unsigned."""

    handover_id: UUID
    platform: str
    round: int
    offered_at: datetime
    signed_at: datetime | None = None
    ended_at: datetime | None = None


class Turn(Struct, frozen=True, array_like=True, gc=False):
    """A centre that has a request before it, since when."""

    decider: str
    since: datetime


class Ask(Struct, frozen=True, array_like=True):
    """One request: every centre it lay before, and what became of it. `until` is the date that was granted; of a
    parking `resumed_at` is when the order went on; `lapsed_at` when what it was about ended first."""

    request_id: UUID
    assignment_id: UUID
    kind: RequestKind
    round: int
    made_at: datetime
    turns: tuple[Turn, ...]
    decided_at: datetime | None = None
    granted: bool = False
    until: datetime | None = None
    resumed_at: datetime | None = None
    lapsed_at: datetime | None = None

    @property
    def parks(self) -> bool:
        """Whether it is a parking that was granted."""
        return self.granted and self.kind is RequestKind.PARKING


class Watch(Struct, frozen=True, array_like=True, gc=False):
    """A supervision whose answer is due: from whom, since when, for the how-manieth time (`turn` from 0), and by when,
    where somebody said so. `ended_at`: what it was about is over, or its answer was accepted."""

    supervision_id: UUID
    answerer: str
    round: int
    since: datetime
    due: datetime | None = None
    turn: int = 0
    answered_at: datetime | None = None
    ended_at: datetime | None = None


class Timeline(Struct, frozen=True, array_like=True):
    """One order as its clocks see it. `top` is the first unit of the path, `centre` the last one before the lead;
    `triage_from` and `decided_at` frame the decision of a triage, `triage_by` is whose it is or was; `paces` are
    what urgencies held before this one, the first first."""

    order_id: UUID
    source: Source
    class_key: str
    urgency: Urgency
    division: str
    tier: Tier
    lead: str
    top: str
    centre: str
    opened_at: datetime
    parts: tuple[Part, ...]
    voices: tuple[Voice, ...]
    rounds: tuple[Round, ...]
    triage_from: datetime | None = None
    decided_at: datetime | None = None
    imported: bool = False
    void: bool = False
    paces: tuple[Pace, ...] = ()
    handovers: tuple[Handover, ...] = ()
    asks: tuple[Ask, ...] = ()
    triage_by: str = ""
    watches: tuple[Watch, ...] = ()

    @property
    def aggregate_id(self) -> UUID:
        """Whose timeline it is."""
        return self.order_id

    @property
    def is_open(self) -> bool:
        """Whether other terms could still move its clocks: what ended stays as it was judged, and the past is past."""
        return self.rounds[-1].ended_at is None and not self.imported
