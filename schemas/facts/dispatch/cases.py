"""Special cases (专项, 类案): many orders about one matter, the meetings about it, and what units committed to there.

A special case is an aggregate of its own: its facts carry `case_id` and count 1, 2, 3 … within it. That an order
belongs to one is a fact of the order. Titles, reasons, names of people and what was said stay with dispatch.
"""

from uuid import UUID

from msgspec import Struct

from schemas.facts.dispatch.base import OrderFact
from schemas.facts.intake import Moment
from schemas.vocabulary import DeadlineNotice, MeetingOutcome, Result


class OrderLinked(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """It is one of the orders about the matter of a special case from now on; nothing else about it changes."""

    case_id: UUID
    reason: str = ""


class OrderUnlinked(OrderFact, frozen=True, kw_only=True, omit_defaults=True):
    """It is no order of that special case after all."""

    case_id: UUID
    reason: str = ""


class CaseFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every fact about a special case carries. `occurred_at` is when it happened (clocks use it), `recorded_at`
    when dispatch's database wrote it (strictly increasing per case); `actor` is a principal's id, `unit` the unit he
    acted for."""

    case_id: UUID
    seq: int
    occurred_at: Moment
    recorded_at: Moment
    actor: str = ""
    unit: str = ""

    @property
    def aggregate_id(self) -> UUID:
        """Whose fact it is; its `seq` counts there."""
        return self.case_id


class Committed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one unit committed to in a meeting, until when."""

    commitment_id: UUID
    unit: str
    due: Moment


class SpecialCaseOpened(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """A centre (`unit`) gathers `orders` about one matter; `lead` is the unit that answers for it, `division` where the
    centre is at home."""

    lead: str
    division: str
    orders: tuple[UUID, ...] = ()


class SpecialCaseLinked(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """More orders belong to it."""

    orders: tuple[UUID, ...]


class SpecialCaseUnlinked(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """Orders that do not belong to it after all."""

    orders: tuple[UUID, ...]


class MeetingRecorded(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """Units met about it (会商) and decided something. `occurred_at` is when they met: what was committed to counts
    from then. A correction is a record of its own that names the one it `corrects`."""

    meeting_id: UUID
    units: tuple[str, ...]
    outcome: MeetingOutcome
    commitments: tuple[Committed, ...] = ()
    corrects: UUID | None = None


class CommitmentAnswered(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """Its unit says that it did what it committed to."""

    commitment_id: UUID


class CommitmentAccepted(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """The centre agrees that it was kept."""

    commitment_id: UUID


class CommitmentSentBack(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """The centre does not agree: more is to be done, until `due`."""

    commitment_id: UUID
    due: Moment


class CommitmentWithdrawn(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """The centre releases its unit from it."""

    commitment_id: UUID


class CommitmentRung(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """Supervision said something of its deadline `due`: it comes near, it was missed, or was not
    missed after all."""

    commitment_id: UUID
    notice: DeadlineNotice
    due: Moment


class SpecialCaseClosed(CaseFact, frozen=True, kw_only=True, omit_defaults=True):
    """The matter is dealt with, and no commitment is open."""

    result: Result
