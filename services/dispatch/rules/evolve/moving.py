"""What folds share: an assignment offered, moved, settled."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from schemas.facts import AssignmentOffer, OrderFact, ReportStub
from schemas.vocabulary import AssignmentStatus as A
from services.dispatch.rules.order import Assignment, Order, Voice


def offered(order: Order, offer: AssignmentOffer, ordinal: int, at: datetime) -> Assignment:
    """The assignment that an offer makes."""
    return Assignment(
        assignment_id=offer.assignment_id,
        order_id=order.order_id,
        unit=offer.unit,
        role=offer.role,
        tier=offer.tier,
        ordinal=ordinal,
        offered_at=at,
        parent=offer.parent,
    )


def move(a: Assignment, status: A | None = None, actor: str = "") -> None:
    """Another status or another one who worked on it: its version moves."""
    if status is not None:
        a.status = status
    if actor and actor not in a.actors:
        a.actors = (*a.actors, actor)
    a.version += 1
    a.changed = True


def target(order: Order, fact: Any) -> Assignment:
    """The assignment that a fact names."""
    found = order.assignment(fact.assignment_id)
    assert found is not None, f"fact {fact.seq} names an assignment its order does not have"
    return found


def take_back(order: Order, a: Assignment, status: A = A.WITHDRAWN) -> None:
    """A part is withdrawn (or returned), and what was passed on from it with it; whoever is done there is confirmed."""
    below = order.below(a)
    move(a, status)
    settle(below)


def settle(parts: Iterable[Assignment]) -> None:
    """Whoever is done is confirmed; what is still open (when an order ends, or the part above) is withdrawn."""
    for a in parts:
        if a.status is A.DONE:
            move(a, A.CONFIRMED)
        elif a.live:
            move(a, A.WITHDRAWN)


def noted(order: Order, fact: OrderFact) -> None:
    """Nothing moves."""


def voice_of(stub: ReportStub) -> Voice:
    """The report as its order keeps it."""
    return Voice(report_id=stub.report_id, source=stub.source, received_at=stub.received_at, reachable=stub.reachable)


def ask_again(order: Order, *, contact: bool) -> None:
    """A new round: every reporter is called and rates anew; with `contact` he is also contacted anew."""
    order.proposed, order.warned = "", False
    order.voices = [
        Voice(
            report_id=voice.report_id,
            source=voice.source,
            received_at=voice.received_at,
            reachable=voice.reachable,
            contacted_at=None if contact else voice.contacted_at,
        )
        for voice in order.voices
    ]
