"""A request as it stands, and what the requests of one order say together."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.ids import clock_id_of
from schemas.vocabulary import RequestKind, RequestReason, RequestState, Stage


class Request(Struct, kw_only=True):
    """One request. `unit` asks, `decider` decides since `since`; `level` counts the centres that let it lie, and with
    `arbitration` the word is final. Words are what dispatch alone keeps. `stored` and `changed` say what the store has
    to do."""

    request_id: UUID
    order_id: UUID
    assignment_id: UUID
    ordinal: int
    kind: RequestKind
    reason: RequestReason
    unit: str
    decider: str
    round: int
    made_at: datetime
    since: datetime
    state: RequestState = RequestState.OPEN
    version: int = 1
    level: int = 0
    arbitration: bool = False
    suggested_unit: str = ""
    until: datetime | None = None
    class_key: str = ""
    decided_at: datetime | None = None
    decided_by: str = ""
    granted_until: datetime | None = None
    words: "Words"
    stored: bool = False
    changed: bool = False

    @property
    def open(self) -> bool:
        """Whether it waits for its decision."""
        return self.state is RequestState.OPEN

    @property
    def clock_id(self) -> UUID:
        """The clock of its decision, as supervision names it; a new one at every centre."""
        return decision_clock(self.order_id, self.round, self.request_id, self.level)


class Words(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said in words: `basis` and `evidence` of who asked, the `answer` for the reporters when it is to be
    closed without a solution, the decider's `note`."""

    basis: str = ""
    evidence: tuple[str, ...] = ()
    answer: str = ""
    note: str = ""


def decision_clock(order_id: UUID, round_: int, request_id: UUID, level: int) -> UUID:
    """The id of the clock under which a centre decides."""
    return clock_id_of(order_id, round_, Stage.DECIDE, f"{request_id}/{level}")


def review_clock(order_id: UUID, round_: int, request_id: UUID) -> UUID:
    """The id of the clock that ends at the review date of a parking."""
    return clock_id_of(order_id, round_, Stage.DECIDE, f"{request_id}/review")


def granted(requests: Iterable[Request], kind: RequestKind) -> int:
    """How many of a kind were granted."""
    return sum(r.kind is kind and r.state is RequestState.GRANTED for r in requests)


def returns_by(requests: Iterable[Request], unit: str) -> int:
    """How often a unit asked to return the order; each unit has its own count, so an innocent one is never forced
    because others were wrong before it. What lapsed was never judged and does not count."""
    return sum(r.kind is RequestKind.RETURN and r.unit == unit and r.state is not RequestState.LAPSED for r in requests)


def ruled(requests: Iterable[Request], unit: str, reason: RequestReason) -> bool:
    """Whether arbitration refused this unit a return for this reason."""
    return any(
        r.arbitration and r.state is RequestState.REFUSED and r.unit == unit and r.reason is reason
        for r in requests
        if r.kind is RequestKind.RETURN
    )
