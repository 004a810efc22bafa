"""An order and its assignments as they stand: plain structs that facts are folded into (`evolve`)."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from schemas.facts import Called, Candidate, ClassRef, Hop, Place
from schemas.vocabulary import (
    AssignmentRole,
    AssignmentStatus,
    OrderStatus,
    RequestKind,
    Result,
    Satisfaction,
    Source,
    Tier,
    Urgency,
    Verification,
)
from services.dispatch.rules.lifecycle import LIVE, Part, part_of
from services.dispatch.rules.requests.model import Request, granted
from services.dispatch.rules.supervisions.model import Supervision

GONE = frozenset({AssignmentStatus.WITHDRAWN, AssignmentStatus.RETURNED})
CITIZEN_SOURCES = frozenset({Source.HOTLINE, Source.POLICE, Source.ONE_STOP, Source.PLATFORM})
UNTOLD = datetime.min.replace(tzinfo=UTC)


class Assignment(Struct, kw_only=True):
    """One unit's part of an order. `parent` is the assignment it was passed on from, `told_at` when its offer was
    recorded, `stood_since` when it was recorded as it now stands in its unit's queue, `hard_case_owner` who
    answers for what could not be done (值班班长), `actors` are the principals that
    worked on it, `pinned` says that whose it is was decided for good, `changed` and `stored` what the store has to
    do."""

    assignment_id: UUID
    order_id: UUID
    unit: str
    role: AssignmentRole
    tier: Tier
    ordinal: int
    offered_at: datetime
    parent: UUID | None = None
    status: AssignmentStatus = AssignmentStatus.OFFERED
    version: int = 1
    accepted_at: datetime | None = None
    contacted_at: datetime | None = None
    arrived_at: datetime | None = None
    done_at: datetime | None = None
    result: Result | None = None
    answer: str = ""
    hard_case_owner: str = ""
    actors: tuple[str, ...] = ()
    told_at: datetime = UNTOLD
    stood_since: datetime = UNTOLD
    pinned: bool = False
    stored: bool = False
    changed: bool = False

    @property
    def live(self) -> bool:
        """Whether the unit still has something to do."""
        return self.status in LIVE

    @property
    def part(self) -> Part:
        """What it is in its order, as the lifecycle's tables call it."""
        return part_of(self.role, passed_on=self.parent is not None)


class Voice(Struct, kw_only=True, omit_defaults=True):
    """One report on an order, and how it stands with whoever sent it; never who he is. Contact is the first one since
    the order was opened or reopened; calls and ratings are those of the present round: `attempts` counts the calls of
    the centre that did not reach him, `unrated` says that he will be asked no more (未评价). `satisfied` and `solved`
    are what he said last, on the telephone or (`rated_at`) by himself. `answer` is what he is told, if not what all
    are told."""

    report_id: UUID
    source: Source
    received_at: datetime
    reachable: bool = True
    contacted_at: datetime | None = None
    called_at: datetime | None = None
    attempts: int = 0
    unrated: bool = False
    rated_at: datetime | None = None
    satisfied: Satisfaction | None = None
    solved: bool | None = None
    comment: str = ""
    answer: str = ""

    @property
    def citizen(self) -> bool:
        """Whether somebody waits for a call."""
        return self.source in CITIZEN_SOURCES

    @property
    def settled(self) -> bool:
        """Whether this round asks nothing more of him: he was called, rated, or is 未评价."""
        return self.called_at is not None or self.rated_at is not None or self.unrated


class Stood(Struct, frozen=True):
    """How an assignment stood in its unit's queue, from one recorded moment until another."""

    assignment_id: UUID
    order_id: UUID
    unit: str
    status: AssignmentStatus
    actors: tuple[str, ...]
    stood_since: datetime
    until: datetime


class Detail(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of an order is read whole and never searched. `parts` are the orders that were split off it, `split_from`
    the one it was split off itself, `text` what of that one's ticket it is about, `conclusion` what repeats
    are told (终结), `case_id` the special case it was linked to last."""

    class_ref: ClassRef
    place: Place
    path: tuple[Hop, ...]
    rule: str = ""
    together: bool = False
    platforms: tuple[str, ...] = ()
    resources: tuple[Called, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    why: str = ""
    parts: tuple[UUID, ...] = ()
    split_from: UUID | None = None
    text: str = ""
    conclusion: str = ""
    case_id: UUID | None = None


class Order(Struct, kw_only=True):
    """A work order. `since` is when it came into its status, `recorded_at` when its last fact was recorded;
    `left` is how its assignments stood in queues before, `proposed` what somebody's bad word asks for (`reopen`) until
    a person decides; `warned` that a call before the answer went badly (预警工单); `class_intake` is the class it was
    opened with; `coordinated` says that nobody owned it and the street of the place took it; a parked one was parked
    by the request `parked_by` and is looked at again by `review_at`. `version` moves with status, class, place, lead
    and reports."""

    order_id: UUID
    status: OrderStatus
    urgency: Urgency
    source: Source
    verification: Verification
    lead: str
    detail: Detail
    opened_at: datetime
    since: datetime
    recorded_at: datetime
    version: int = 1
    seq: int = 0
    round: int = 1
    closed_at: datetime | None = None
    result: Result | None = None
    imported: bool = False
    proposed: str = ""
    warned: bool = False
    recurrence_of: UUID | None = None
    merged_into: UUID | None = None
    subjects: tuple[str, ...] = ()
    class_intake: str = ""
    coordinated: bool = False
    parked_by: UUID | None = None
    review_at: datetime | None = None
    assignments: list[Assignment] = []
    voices: list[Voice] = []
    left: list[Stood] = []
    requests: list[Request] = []
    supervisions: list[Supervision] = []

    @property
    def citizens(self) -> bool:
        """Whether somebody waits for a call."""
        return any(voice.citizen for voice in self.voices)

    @property
    def solved(self) -> bool | None:
        """Whether the matter is solved, which is not whether the order is closed: what the lead says, unless a citizen
        says that it is not; None while nobody has said anything."""
        if self.result is None:
            return None
        return self.result is Result.SOLVED and not any(voice.solved is False for voice in self.voices)

    def voice(self, report_id: UUID) -> Voice | None:
        """How it stands with one reporter."""
        return next((voice for voice in self.voices if voice.report_id == report_id), None)

    @property
    def returns(self) -> int:
        """How many returns of it were granted."""
        return granted(self.requests, RequestKind.RETURN)

    def request(self, request_id: UUID) -> Request:
        """The request of that id, which it must have."""
        return next(r for r in self.requests if r.request_id == request_id)

    def supervision(self, supervision_id: UUID) -> Supervision:
        """The supervision of that id, which it must have."""
        return next(s for s in self.supervisions if s.supervision_id == supervision_id)

    def assignment(self, assignment_id: UUID) -> Assignment | None:
        """The assignment of that id."""
        return next((a for a in self.assignments if a.assignment_id == assignment_id), None)

    def below(self, above: Assignment) -> list[Assignment]:
        """What was passed on from an assignment, at any depth, and is not taken back; nearest first."""
        found = [above]
        for one in found:
            found += [a for a in self.assignments if a.parent == one.assignment_id and a.status not in GONE]
        return found[1:]

    def leading(self) -> Assignment | None:
        """The lead's present assignment; None in triage, where the deciding centre leads without one."""
        leads = [a for a in self.assignments if a.role is AssignmentRole.LEAD and a.status not in GONE]
        return leads[-1] if leads else None
