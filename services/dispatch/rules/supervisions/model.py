"""A supervision as it stands."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from schemas.ids import clock_id_of
from schemas.vocabulary import Stage, SupervisionKind, SupervisionState


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was said: by whose principal and unit, and when. `accepted` is the word on the answer before."""

    at: datetime
    by: str
    unit: str
    text: str
    accepted: bool | None = None


class Words(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said in words, the first first: answers, and the words on them."""

    said: tuple[Said, ...] = ()


class Supervision(Struct, kw_only=True):
    """One supervision of an order. `answerer` has to answer since `since`, for the `turn`-th time (from 0); `by`
    accepts the answer. `made_at` is when it was opened, `cause` why it was cleared. Of one by the ladder, `rung`,
    `stage` and `due` are what was late, `clock_id` its clock. `stored` and `changed` say what the store has to do."""

    supervision_id: UUID
    order_id: UUID
    ordinal: int
    kind: SupervisionKind
    level: int
    answerer: str
    by: str
    round: int
    made_at: datetime
    since: datetime
    note: str = ""
    rung: str = ""
    stage: Stage | None = None
    due: datetime | None = None
    clock_id: UUID | None = None
    answer_due: datetime | None = None
    late: bool = False
    state: SupervisionState = SupervisionState.OPEN
    version: int = 1
    turn: int = 0
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    cause: str = ""
    withdrawn: bool = False
    words: Words = Words()
    stored: bool = False
    changed: bool = False

    @property
    def live(self) -> bool:
        """Whether somebody still has to answer or to accept."""
        return self.state in (SupervisionState.OPEN, SupervisionState.ANSWERED)

    @property
    def answer_clock(self) -> UUID:
        """The clock of its answer, as supervision names it; a new one each turn."""
        return clock_id_of(self.order_id, self.round, Stage.ANSWER, f"{self.supervision_id}/{self.turn}")
