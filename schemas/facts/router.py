"""What the router announces: where a report goes, and why. Every fact carries the whole report; dispatch keeps it."""

from uuid import UUID

from msgspec import Struct

from schemas.facts.intake import Alarm, Moment, ReportReceived
from schemas.vocabulary import ClassKind, Tier, Urgency, Verification


class ClassRef(Struct, frozen=True, kw_only=True):
    """A class by its key, with the name people see."""

    standard: str
    kind: ClassKind
    code: str
    name: str

    @property
    def key(self) -> str:
        """The class key as one string, `standard/kind/code`."""
        return f"{self.standard}/{self.kind}/{self.code}"


class Place(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it is: a division code with its tier and name, and a point in WGS-84 degrees where one is known."""

    division: str
    name: str
    tier: Tier
    lon: float | None = None
    lat: float | None = None
    confidence: float = 1.0


class Hop(Struct, frozen=True, kw_only=True):
    """One tier that an order passed: when, which unit, and whether by rule (its id) or by hand (who)."""

    tier: Tier
    unit: str
    at: Moment
    by: str


class Candidate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer that was considered, with its score in 0–1 and the reason."""

    value: str
    score: float
    name: str = ""
    because: str = ""


class Demand(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several demands of a report: its class, where in the report's `text` it stands (signs, from and to), and
    how sure that is."""

    class_ref: ClassRef
    start: int
    end: int
    confidence: float


class Called(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resource that was called to a matter: whose it is, how far away it was (metres as the crow flies) and how long
    it takes (minutes), and why it and not another."""

    resource_id: str
    kind: str
    name: str
    unit: str
    metres: float
    minutes: float
    why: str = ""


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What shall happen: whose it is, by which rule, through which tiers. `together`: all are told at once and the
    first to accept leads. `platforms` (110, 119, 120) are told in parallel. `demands` are there when the report makes
    several; the class is that of the first. `subjects` are the units that the report complains about: they neither
    lead nor help nor see it."""

    class_ref: ClassRef
    place: Place
    urgency: Urgency
    lead: str
    assists: tuple[str, ...] = ()
    path: tuple[Hop, ...] = ()
    together: bool = False
    platforms: tuple[str, ...] = ()
    scene: str = ""
    verification: Verification = Verification.CALL
    rule: str = ""
    rulebook_version: str = ""
    model_version: str = ""
    area_version: str = ""
    confidence: float = 1.0
    demands: tuple[Demand, ...] = ()
    subjects: tuple[str, ...] = ()
    resources: tuple[Called, ...] = ()


class OrderProposed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new order shall be opened for this report."""

    order_id: UUID
    report: ReportReceived
    plan: Plan


class ReportLinked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The report is about the matter of an order that exists; `plan` is used for a successor if that one is closed.
    `raised_to` is the centre that shall take part from now on, because the matter went up (提级)."""

    order_id: UUID
    report: ReportReceived
    plan: Plan
    why: str
    score: float = 1.0
    raised_to: str = ""


class ReportAnswered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answered on the spot: kept and counted, no order."""

    report: ReportReceived
    plan: Plan


class TriageRequested(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person shall decide: `candidates` are units ranked by score, `why` says what was not sure."""

    order_id: UUID
    report: ReportReceived
    plan: Plan
    candidates: tuple[Candidate, ...]
    why: str


class ReportTransferred(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The report belongs to another platform (110, 119, 120) and was handed over there; no order is opened."""

    report: ReportReceived
    plan: Plan
    platform: str
    why: str


class MergeProposed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Perhaps the order is about the same matter as the older one `into`: a person shall decide. `score` in 0–1 has its
    `parts`; `swept` says that both were there already, found by the sweep, else the order was just opened."""

    proposal_id: UUID
    order_id: UUID
    into: UUID
    score: float
    parts: dict[str, float]
    why: str
    proposed_at: Moment
    swept: bool = False


class AlarmRaised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Readings crossed a rule's limit; the report with `report_id` was announced for it, and only that is routed."""

    report_id: UUID
    alarm: Alarm
    raised_at: Moment


class AlarmCleared(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device is back to normal; `report_id` is the alarm's report."""

    report_id: UUID
    device_id: str
    rule: str
    value: float
    cleared_at: Moment


class DeviceSilent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device sent nothing for longer than its rule allows, by the stream's own time."""

    device_id: str
    rule: str
    last_at: Moment
    noticed_at: Moment


class DeviceFaulty(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device sent what is physically impossible."""

    device_id: str
    rule: str
    value: float
    at: Moment
