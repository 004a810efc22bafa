"""A special case as it stands, with its meetings and commitments: plain structs that facts are folded into."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.vocabulary import CaseState, CommitmentState, MeetingOutcome, Result


class Person(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who took part in a meeting, for which unit."""

    name: str
    unit: str = ""


class Meeting(Struct, kw_only=True, omit_defaults=True):
    """One meeting (会商), as it was recorded; never changed but for which later record `corrected_by` names it."""

    meeting_id: UUID
    held_at: datetime
    recorded_at: datetime
    by: str
    units: tuple[str, ...]
    outcome: MeetingOutcome
    persons: tuple[Person, ...] = ()
    matter: str = ""
    decided: str = ""
    corrects: UUID | None = None
    corrected_by: UUID | None = None


class Commitment(Struct, kw_only=True):
    """What one unit committed to. `since` is when it was last asked for (the meeting, or the sending back), `asked` how
    often; `missed_due` the last deadline that was missed, which stays. `changed` and `stored` say what the store has
    to do."""

    commitment_id: UUID
    case_id: UUID
    meeting_id: UUID
    ordinal: int
    unit: str
    due: datetime
    made_at: datetime
    since: datetime
    text: str = ""
    state: CommitmentState = CommitmentState.OPEN
    version: int = 1
    asked: int = 1
    answered_at: datetime | None = None
    answer: str = ""
    decided_at: datetime | None = None
    note: str = ""
    missed_due: datetime | None = None
    stored: bool = False
    changed: bool = True

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in (CommitmentState.OPEN, CommitmentState.ANSWERED)

    @property
    def last_at(self) -> datetime:
        """When something last happened to it; nothing later can have happened before."""
        return max(self.since, self.answered_at or self.since, self.decided_at or self.since)


class SpecialCase(Struct, kw_only=True):
    """A special case. `centre` opened it and decides about it, `lead` is the unit that answers for the matter; `linked`
    is how many orders belong to it. `version` moves with whatever a person does to the case or a commitment of it,
    never with what supervision says."""

    case_id: UUID
    centre: str
    lead: str
    division: str
    opened_at: datetime
    recorded_at: datetime
    title: str = ""
    reason: str = ""
    state: CaseState = CaseState.OPEN
    version: int = 1
    seq: int = 0
    linked: int = 0
    closed_at: datetime | None = None
    result: Result | None = None
    conclusion: str = ""
    meetings: list[Meeting] = []
    commitments: list[Commitment] = []
    stored: bool = False

    def commitment(self, commitment_id: UUID) -> Commitment | None:
        """The commitment of that id."""
        return next((c for c in self.commitments if c.commitment_id == commitment_id), None)

    def meeting(self, meeting_id: UUID) -> Meeting | None:
        """The meeting of that id."""
        return next((m for m in self.meetings if m.meeting_id == meeting_id), None)
