"""Tells the story of a special case as the facts that dispatch announces, numbered as dispatch numbers them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.codec import message
from schemas.envelope import Outgoing
from schemas.facts import (
    CaseFact,
    CommitmentAnswered,
    CommitmentRung,
    CommitmentSentBack,
    CommitmentWithdrawn,
    Committed,
    MeetingRecorded,
    SpecialCaseOpened,
)
from schemas.ids import case_id_of, clock_id_of, commitment_id_of, fact_id, meeting_id_of
from schemas.topics import ORDERS_EVENTS
from schemas.vocabulary import DeadlineNotice, MeetingOutcome
from services.supervision.rules.cases import CaseTimeline, fold_case


class CaseStory:
    """One special case. Every method adds one fact; `at` is when it happened, `recorded` when dispatch wrote it."""

    def __init__(self, name: str) -> None:
        self.case_id = case_id_of("story", name)
        self.facts: list[CaseFact] = []
        self.made: list[UUID] = []

    def tell(self, kind: type[CaseFact], at: datetime, recorded: datetime | None = None, **said: Any) -> "CaseStory":
        """Any fact."""
        written = recorded or at
        seq = len(self.facts) + 1
        self.facts.append(kind(case_id=self.case_id, seq=seq, occurred_at=at, recorded_at=written, **said))
        return self

    def opened(self, at: datetime) -> "CaseStory":
        """Opened by the district's centre."""
        return self.tell(SpecialCaseOpened, at, lead="street-a", division="D1", unit="centre-district")

    def met(self, at: datetime, *commits: tuple[str, datetime]) -> "CaseStory":
        """Units met, and committed to something until then."""
        meeting_id = meeting_id_of(self.case_id, len(self.facts) + 1)
        new = [
            Committed(commitment_id=commitment_id_of(meeting_id, n), unit=unit, due=due)
            for n, (unit, due) in enumerate(commits)
        ]
        self.made += [one.commitment_id for one in new]
        said = {"meeting_id": meeting_id, "units": ("street-a",), "outcome": MeetingOutcome.AGREED}
        return self.tell(MeetingRecorded, at, **said, commitments=tuple(new))

    def answered(self, at: datetime, place: int = 0, recorded: datetime | None = None) -> "CaseStory":
        """A unit did what it committed to as number `place`."""
        return self.tell(CommitmentAnswered, at, recorded, commitment_id=self.made[place])

    def sent_back(self, at: datetime, due: datetime, place: int = 0) -> "CaseStory":
        """The centre wants more."""
        return self.tell(CommitmentSentBack, at, commitment_id=self.made[place], due=due)

    def withdrawn(self, at: datetime, place: int = 0) -> "CaseStory":
        """The centre lets it go."""
        return self.tell(CommitmentWithdrawn, at, commitment_id=self.made[place])

    def rung(self, at: datetime, notice: DeadlineNotice, due: datetime, place: int = 0) -> "CaseStory":
        """Dispatch kept what we said of a deadline."""
        return self.tell(CommitmentRung, at, commitment_id=self.made[place], notice=notice, due=due)

    def clock(self, place: int = 0, asked: int = 1) -> UUID:
        """The id of a commitment's clock, the first time it was asked for or a later one."""
        return clock_id_of(self.case_id, asked, "commitment", str(self.made[place]))

    def timeline(self) -> CaseTimeline:
        """All facts folded."""
        found: CaseTimeline | None = None
        for fact in self.facts:
            found = fold_case(found, fact)
        assert found is not None
        return found

    def outgoing(self, first: int = 1, last: int | None = None) -> list[Outgoing]:
        """Facts `first` to `last` as messages for Kafka."""
        return [
            message(
                ORDERS_EVENTS,
                fact,
                id=fact_id(fact.case_id, "story", fact.seq),
                key=str(fact.case_id),
                source="story",
                time=fact.recorded_at,
            )
            for fact in self.facts[first - 1 : last]
        ]
