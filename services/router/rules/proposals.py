"""Two orders that may be one matter: the question that is put to a dispatcher."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from schemas.facts import MergeProposed
from schemas.ids import proposal_id_of
from services.router.rules.atlas import Atlas
from services.router.rules.merge import Link, Matter, Score, Suggest, choose


def proposed(order_id: UUID, into: UUID, score: Score, now: datetime, *, swept: bool = False) -> MergeProposed:
    """The question whether an order is the matter of another. Its id is the same whichever of the two is named first,
    so it is asked once."""
    return MergeProposed(
        proposal_id=proposal_id_of(order_id, into),
        order_id=order_id,
        into=into,
        score=round(score.total, 4),
        parts={name: round(part, 4) for name, part in score.parts},
        why=score.because,
        proposed_at=now,
        swept=swept,
    )


def at_birth(order_id: UUID, found: Suggest | None, now: datetime) -> MergeProposed | None:
    """What to ask about an order that was just opened; nothing where the other one has ended, for then there is nothing
    to merge it into."""
    if found is None or found.matter.closed:
        return None
    return proposed(order_id, found.matter.order_id, found.score, now)


def swept(this: Matter, around: Iterable[Matter], atlas: Atlas, now: datetime) -> MergeProposed | None:
    """What to ask about an order that is there already: the best of the open ones around it that were there no later.
    Of two that were opened at once the one with the lower id counts as the older, so one of them asks and not both."""
    older = [one for one in around if not one.closed and _age(one) < _age(this)]
    found, _ = choose(older, this, atlas)
    if this.closed or not isinstance(found, Link | Suggest):
        return None
    return proposed(this.order_id, found.matter.order_id, found.score, now, swept=True)


def _age(matter: Matter) -> tuple[datetime, UUID]:
    return matter.opened_at, matter.order_id
