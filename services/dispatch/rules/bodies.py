"""What each action must say: the body of its request, as strict as the action needs."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from schemas.facts.intake import Moment, Short
from schemas.vocabulary import Result, Satisfaction

Note = Annotated[str, Meta(max_length=2_000)]
Said = Annotated[str, Meta(min_length=1, max_length=2_000)]
AnswerText = Annotated[str, Meta(min_length=1, max_length=10_000)]
UnitId = Annotated[str, Meta(min_length=1, max_length=200)]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every action may say: when it happened, if not just now (an offline phone tells it later)."""

    occurred_at: Moment | None = None


class Accept(Body, frozen=True, kw_only=True):
    """Nothing more."""


class Contact(Body, frozen=True, kw_only=True):
    """Whether a reporter was reached, and which."""

    reached: bool
    report_id: UUID | None = None


class Arrive(Body, frozen=True, kw_only=True):
    """Nothing more."""


class Progress(Body, frozen=True, kw_only=True):
    """A word in between."""

    note: Said


class Finish(Body, frozen=True, kw_only=True):
    """What came of it, and the answer the reporters are given."""

    result: Result
    answer: AnswerText


class Withdraw(Body, frozen=True, kw_only=True):
    """Why a unit's part is taken back."""

    reason: Said


class Confirm(Body, frozen=True, kw_only=True):
    """Nothing more."""


class Route(Body, frozen=True, kw_only=True):
    """Whose it is; `class` only to correct it, as a key `standard/kind/code`."""

    lead: UnitId
    assists: Annotated[tuple[UnitId, ...], Meta(max_length=20)] = ()
    class_key: Short | None = field(default=None, name="class")
    reason: Note = ""


class Urge(Body, frozen=True, kw_only=True):
    """A word with the reminder."""

    note: Note = ""


class Supervise(Body, frozen=True, kw_only=True):
    """How high it goes: 1 the dispatching centre, 2 the centre above, 3 the city."""

    level: Annotated[int, Meta(ge=1, le=3)] = 1
    note: Note = ""


class Verify(Body, frozen=True, kw_only=True):
    """Whether the work passed."""

    passed: bool
    note: Note = ""


class Callback(Body, frozen=True, kw_only=True):
    """What the reporter said, if reached."""

    report_id: UUID
    reached: bool
    satisfied: Satisfaction | None = None
    solved: bool | None = None


class Close(Body, frozen=True, kw_only=True):
    """A word with it."""

    reason: Note = ""


class Reason(Body, frozen=True, kw_only=True):
    """Why: of reopening, rejecting and voiding."""

    reason: Said


class Transfer(Body, frozen=True, kw_only=True):
    """To which platform, and why."""

    platform: Annotated[str, Meta(min_length=1, max_length=50)]
    reason: Said


class ImportClose(Body, frozen=True, kw_only=True):
    """When a past order was closed."""

    closed_at: Moment
    result: Result | None = None


BODIES: dict[str, type[Body]] = {
    "accept": Accept,
    "contact": Contact,
    "arrive": Arrive,
    "progress": Progress,
    "finish": Finish,
    "withdraw": Withdraw,
    "confirm": Confirm,
    "route": Route,
    "urge": Urge,
    "supervise": Supervise,
    "verify": Verify,
    "callback": Callback,
    "close": Close,
    "reopen": Reason,
    "reject": Reason,
    "void": Reason,
    "transfer": Transfer,
    "import_close": ImportClose,
}
