"""An order and its assignments as they stand: plain structs that facts are folded into (`evolve`)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.facts import Candidate, ClassRef, Hop, Place
from schemas.vocabulary import (
    AssignmentRole,
    AssignmentStatus,
    OrderStatus,
    Result,
    Source,
    Tier,
    Urgency,
    Verification,
)
from services.dispatch.rules.lifecycle import LIVE, Part, part_of

GONE = frozenset({AssignmentStatus.WITHDRAWN, AssignmentStatus.RETURNED})


class Assignment(Struct, kw_only=True):
    """One unit's part of an order. `parent` is the assignment it was passed on from, `actors` are the principals that
    worked on it, `changed` and `stored` say what the store has to do."""

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
    actors: tuple[str, ...] = ()
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


class Detail(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of an order is read whole and never searched. `parts` are the orders that were split off it, `split_from`
    the one it was split off itself, `text` what of that one's ticket it is about."""

    class_ref: ClassRef
    place: Place
    path: tuple[Hop, ...]
    rule: str = ""
    together: bool = False
    platforms: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    why: str = ""
    parts: tuple[UUID, ...] = ()
    split_from: UUID | None = None
    text: str = ""


class Order(Struct, kw_only=True):
    """A work order. `since` is when it came into its status, `recorded_at` when its last fact was recorded;
    `citizens` says that somebody waits for a call; `version` moves with status, class, place, lead and reports."""

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
    citizens: bool = False
    recurrence_of: UUID | None = None
    merged_into: UUID | None = None
    subjects: tuple[str, ...] = ()
    assignments: list[Assignment] = []

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
