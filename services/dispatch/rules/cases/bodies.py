"""What each action on a special case, or on a commitment of one, must say."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from schemas.facts.intake import Moment
from schemas.vocabulary import MeetingOutcome, Result
from services.dispatch.rules.acts.asked import Body, Name, Note, Reason, Said, Title, UnitId, UnitName
from services.dispatch.rules.cases.model import Person

MOST_ORDERS = 1_000
Orders = Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_ORDERS)]


class Opening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the matter is called, why its orders belong together, which unit answers for it, and the first orders."""

    title: Title
    reason: Said
    lead: UnitId
    orders: Orders


class Linking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which orders, and why."""

    orders: Orders
    reason: Said


class PersonThere(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who took part, by name."""

    name: Name
    unit: UnitName = ""

    def person(self) -> Person:
        """As it is kept."""
        return Person(name=self.name, unit=self.unit)


class Commits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a unit commits to, until when."""

    text: Said
    unit: UnitId
    due: Moment


class MeetingHeld(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it was held, who took part, which matter it decided and how, what units committed to; and the earlier
    record that this one puts right."""

    held_at: Moment
    units: Annotated[tuple[UnitId, ...], Meta(min_length=1, max_length=50)]
    persons: Annotated[tuple[PersonThere, ...], Meta(max_length=100)] = ()
    matter: Said
    decided: Said
    outcome: MeetingOutcome
    commitments: Annotated[tuple[Commits, ...], Meta(max_length=20)] = ()
    corrects: UUID | None = None


class Closing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of the matter."""

    result: Result
    conclusion: Said


class AnswerIt(Body, frozen=True, kw_only=True):
    """What was done; `occurred_at` says when, if it is told late."""

    answer: Said


class AcceptIt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is needed."""

    note: Note = ""


class SendBack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is still missing, and until when."""

    reason: Said
    due: Moment


CASE_BODIES: dict[str, type[Struct]] = {
    "link": Linking,
    "unlink": Linking,
    "meeting": MeetingHeld,
    "close": Closing,
}
COMMITMENT_BODIES: dict[str, type[Struct]] = {
    "answer": AnswerIt,
    "accept": AcceptIt,
    "send_back": SendBack,
    "withdraw": Reason,
}


def committing(body: object) -> tuple[str, ...]:
    """The units that commit to something in a body."""
    return tuple(one.unit for one in body.commitments) if isinstance(body, MeetingHeld) else ()


def orders_in(body: object) -> tuple[UUID, ...]:
    """The orders that a body names."""
    return body.orders if isinstance(body, Opening | Linking) else ()
