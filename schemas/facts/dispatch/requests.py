"""What dispatch announces about what units ask for: made, passed up, decided, and what came of it.

Reason codes only: the words (basis, evidence, the decider's note) stay with dispatch, for they may name people.
"""

from uuid import UUID

from schemas.facts.dispatch.base import AssignmentOffer, OrderFact
from schemas.facts.intake import Moment
from schemas.facts.router import ClassRef, Hop
from schemas.vocabulary import RequestKind, RequestReason, RequestState


class RequestMade(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit asks the centre `decider`; nothing changes until that has decided. `arbitration`: its word is final."""

    request_id: UUID
    assignment_id: UUID
    kind: RequestKind
    reason: RequestReason
    decider: str
    suggested_unit: str = ""
    until: Moment | None = None
    class_key: str = ""
    arbitration: bool = False


class RequestEscalated(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Undecided in time: the centre above decides now. `level` counts the centres that let it lie."""

    request_id: UUID
    decider: str
    level: int


class RequestDecided(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """Granted, refused, or (only a return, at the last centre) left undecided. `until` is the date that was granted."""

    request_id: UUID
    assignment_id: UUID
    kind: RequestKind
    outcome: RequestState
    until: Moment | None = None


class AssignmentReturned(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A unit gave its part back (退单). `lead` and `path` are the order's from now on, `assignments` those that are new
    or have another role now; `pinned` may not be returned again as another's matter. `returns` counts those of this
    order, `ping_pong`: too many, or back with a unit that had returned it. `coordinated`: nobody said whose it is, and
    the street of the place took it (街镇托底)."""

    request_id: UUID
    assignment_id: UUID
    lead: str
    path: tuple[Hop, ...]
    assignments: tuple[AssignmentOffer, ...] = ()
    pinned: tuple[UUID, ...] = ()
    returns: int = 1
    ping_pong: bool = False
    coordinated: bool = False


class ClassCorrected(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The order's class from now on; the one it was opened with is kept."""

    request_id: UUID
    class_ref: ClassRef


class OrderParked(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """The conditions to solve it are not there (挂账): listed until solved, looked at again by `review_at`."""

    request_id: UUID
    assignment_id: UUID
    reason: RequestReason
    review_at: Moment


class OrderResumed(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """A parked order goes on: by hand, or because its review date came."""

    reason: str = ""
