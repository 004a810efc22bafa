"""What supervision announces: clocks and what became of them.

A commitment's clock (stage `commitment`) belongs to a special case: there `order_id` is the id of the case, which is
the message's key like that of an order.
"""

from uuid import UUID

from msgspec import Struct

from schemas.facts.intake import Moment
from schemas.vocabulary import ClockState, FindingKind, Light, RungKind, Stage


class ClockView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One running time limit: whose (`owner` is a unit, or the city for `total`), since when, until when, by which
    policy row."""

    clock_id: UUID
    stage: Stage
    owner: str
    start: Moment
    due: Moment
    state: ClockState
    policy: str
    round: int = 1
    light: Light = Light.GREEN
    assignment_id: UUID | None = None
    report_id: UUID | None = None


class ClocksSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The clocks of an order as they stand after its fact `seq`."""

    order_id: UUID
    seq: int
    clocks: tuple[ClockView, ...]


class DeadlineWarned(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A clock used up its warning share; once per (clock, notice, due). `late`: its moment had long passed, after a
    standstill; people hear of those together."""

    order_id: UUID
    clock_id: UUID
    stage: Stage
    owner: str
    due: Moment
    late: bool = False


class DeadlineMissed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A clock's due passed unmet, with all facts recorded before it known; once per (clock, notice, due). `late`: its
    moment had long passed, after a standstill; people hear of those together."""

    order_id: UUID
    clock_id: UUID
    stage: Stage
    owner: str
    due: Moment
    late: bool = False


class DeadlineWithdrawn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that came late shows that the deadline was not missed after all."""

    order_id: UUID
    clock_id: UUID
    stage: Stage
    owner: str
    due: Moment
    cause: str


class RungRaised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rung of the ladder was due at `at` and its clock was still not met; once per (clock, rung, due), and anew when
    it was taken back in between. `supervision_id` is the id of what it opens, `receivers` and `answers` say by a
    `Party` or as `unit:ID` whom it reaches and who has to answer. `late`: its moment had long passed."""

    order_id: UUID
    clock_id: UUID
    stage: Stage
    owner: str
    due: Moment
    supervision_id: UUID
    rung: str
    kind: RungKind
    at: Moment
    receivers: tuple[str, ...]
    answers: str
    level: int = 0
    late: bool = False


class RungCleared(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rung was raised for is over, and why: the clock was met or ended (`cause` is the fact that did it);
    `withdrawn` when the deadline was not missed after all."""

    order_id: UUID
    clock_id: UUID
    stage: Stage
    owner: str
    due: Moment
    supervision_id: UUID
    rung: str
    kind: RungKind
    cause: str
    level: int = 0
    withdrawn: bool = False


class FindingRaised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A detector found something: of an order, or (without `order_id`) of a unit. `at` is when it became so, `reason`
    says why in figures; no person, no text of a report. Announced again if it was withdrawn and came true after all."""

    finding_id: UUID
    kind: FindingKind
    unit: str
    division: str
    at: Moment
    reason: str
    order_id: UUID | None = None


class FindingWithdrawn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact that came late shows that a finding was none."""

    finding_id: UUID
    kind: FindingKind
    unit: str
    cause: str
    order_id: UUID | None = None
