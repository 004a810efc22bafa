"""What every action shares: how it was asked, the bodies' common words, and how its change is recorded."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

from schemas import facts
from schemas.facts import Hop
from schemas.facts.intake import Moment
from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Tier
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.order import Assignment, Order

SOMETHING = r"[^\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]"  # one sign that can be seen


def words(most: int) -> Meta:
    """The limits of a text that must say something: blanks alone, of any width, are no text."""
    return Meta(min_length=1, max_length=most, pattern=SOMETHING)


Note = Annotated[str, Meta(max_length=2_000)]
Said = Annotated[str, words(2_000)]
Title = Annotated[str, words(200)]
Name = Annotated[str, words(100)]
UnitName = Annotated[str, Meta(max_length=200, extra_json_schema={"format": "unit"})]  # or nobody
UnitId = Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema={"format": "unit"})]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every action may say: when it happened, if not just now (an offline phone tells it later)."""

    occurred_at: Moment | None = None


class Reason(Body, frozen=True, kw_only=True):
    """Why; nothing more."""

    reason: Said


class Act(Struct, frozen=True):
    """One action as asked: who, what, with which body; `cause` is the id its facts come from."""

    action: str
    body: Any
    actor: Actor
    cause: UUID


class OnAssignment(NamedTuple):
    """An action on an assignment: what it must say, and what comes of it."""

    body: type[Body]
    do: Callable[[Book, Order, Assignment, Act], None]


class OnOrder(NamedTuple):
    """An action on an order as a whole."""

    body: type[Body]
    do: Callable[[Book, Order, Act], None]


def check_apart(units: Sequence[str]) -> None:
    """Raises Refused `unit_taken` for a unit that is named twice: as lead and assist, or as two assists."""
    twice = sorted({unit for unit in units if units.count(unit) > 1})
    if twice:
        raise Refused("unit_taken", ", ".join(twice))


def latest(*moments: datetime | None) -> datetime:
    """The latest of the moments that are known."""
    return max(moment for moment in moments if moment is not None)


def last_milestone(order: Order) -> datetime:
    """Nothing that moves an order as a whole happened before the last thing its units did."""
    return latest(order.since, *(m for a in order.assignments for m in milestones(a)))


def milestones(a: Assignment) -> tuple[datetime | None, ...]:
    """What a unit did so far, and when."""
    return (a.offered_at, a.accepted_at, a.arrived_at, a.done_at)


def record(
    book: Book,
    order: Order,
    kind: type[facts.OrderFact],
    said: dict[str, Any],
    asked: Act,
    at: datetime,
    to: OrderStatus | None = None,
    *,
    target: Assignment | None = None,
    reason: str = "",
    private: str | None = None,
    round_: int | None = None,
) -> None:
    """The one change that an action makes; see `Book.record`."""
    book.record(
        order,
        kind,
        said,
        action=asked.action,
        cause=asked.cause,
        at=at,
        to=to,
        actor=asked.actor,
        target=target,
        reason=reason,
        private=private,
        round_=round_,
    )


def hops(book: Book, order: Order, lead: str, actor: Actor, at: datetime) -> tuple[Hop, ...]:
    """The way from here to the lead, over the centre that decided unless it came from there: from now on that
    centre decides about the lead's requests."""
    directory = book.directory
    passed = [hop.unit for hop in order.detail.path if hop.unit != lead and directory.is_centre(hop.unit)]
    over = directory.is_centre(actor.unit) and actor.unit != lead and passed[-1:] != [actor.unit]
    units = (actor.unit, lead) if over else (lead,)
    return tuple(Hop(tier=directory.tier_of(unit) or Tier.STREET, unit=unit, at=at, by=actor.id) for unit in units)
