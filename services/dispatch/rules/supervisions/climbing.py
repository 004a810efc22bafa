"""What the ladder makes of orders: an urge, a supervision, or its end. None of it moves the order's version."""

from typing import Any
from uuid import UUID

from schemas.facts import OrderFact, RungCleared, RungRaised, Supervised, SupervisionCleared, Urged
from schemas.vocabulary import RequestKind, RungKind
from services.dispatch.rules import lifecycle
from services.dispatch.rules.book import Book
from services.dispatch.rules.order import Order
from services.dispatch.rules.requests.model import review_clock
from services.dispatch.rules.supervisions import parties
from services.dispatch.rules.supervisions.parties import RINGS

SERVICE = lifecycle.Caller(lifecycle.SYSTEM, frozenset({lifecycle.Relation.SERVICE}))


def on_raised(book: Book, order: Order, fact: RungRaised, cause: UUID) -> None:
    """An urge, or a supervision with who answers and who accepts. An order that ended takes none, nor one that was
    imported; nobody is supervised for the review date of a parking, which ran out as it should."""
    action = "urge" if fact.kind is RungKind.URGE else "supervise"
    if order.imported or action not in lifecycle.order_actions(order.status, SERVICE):
        return
    if fact.kind is RungKind.SUPERVISE and _is_review(order, fact.clock_id):
        return
    directory = book.directory
    owner = parties.seen_from(directory, order, fact.stage, fact.owner)
    told = parties.reached(directory, order, owner, (p for p in fact.receivers if p not in RINGS))
    said: dict[str, Any] = {
        "note": f"{fact.stage} {fact.owner}".rstrip(),
        "clock_id": fact.clock_id,
        "rung": fact.rung,
        "stage": fact.stage,
        "due": fact.due,
        "told": told,
        "ring": parties.reached(directory, order, owner, (p for p in fact.receivers if p in RINGS)),
        "late": fact.late,
    }
    kind: type[OrderFact] = Urged
    if fact.kind is RungKind.SUPERVISE:
        kind = Supervised
        answerer = parties.unit_of(directory, order, owner, fact.answers) or directory.heir(order.lead)
        said |= {"level": fact.level, "supervision_id": fact.supervision_id, "answerer": answerer}
        said["by"] = parties.over(directory, order, answerer, told)
    book.record(order, kind, said, action=action, cause=cause, at=max(book.now, order.since), reason=fact.stage)


def on_cleared(book: Book, order: Order, fact: RungCleared, cause: UUID) -> None:
    """What a supervision was about is over. One that ended before stays as it ended."""
    one = next((s for s in order.supervisions if s.supervision_id == fact.supervision_id and s.live), None)
    if one is None:
        return
    said = {"supervision_id": fact.supervision_id, "cause": fact.cause, "withdrawn": fact.withdrawn}
    at = max(book.now, one.since)
    book.record(order, SupervisionCleared, said, action="clear", cause=cause, at=at, reason=fact.cause)


def _is_review(order: Order, clock_id: UUID) -> bool:
    parkings = (r for r in order.requests if r.kind is RequestKind.PARKING)
    return any(review_clock(order.order_id, r.round, r.request_id) == clock_id for r in parkings)
