"""An order as it stood at a past moment: its first facts, folded again."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from schemas.codec import FACTS
from schemas.facts import (
    OrderFact,
    OrderMerged,
    OrderOpened,
    OrderSplit,
    OrderUnmerged,
    ReportJoined,
    ReportsMoved,
)
from schemas.vocabulary import OrderStatus
from services.dispatch.rules.evolve import fold, opened, tell
from services.dispatch.rules.order import Order

_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in FACTS.items() if issubclass(kind, OrderFact)}

_ABOUT_REPORTS = {
    kind.__name__ for kind in (OrderOpened, ReportJoined, OrderMerged, OrderUnmerged, ReportsMoved, OrderSplit)
}


class PastChange(msgspec.Struct, frozen=True):
    """One history row as far as the fold needs it: the fact's type and JSON, the reason, and the private JSON."""

    type: str
    body: str
    reason: str = ""
    private: str | None = None


def fact_of(change: PastChange) -> OrderFact:
    """The fact of a change."""
    fact: OrderFact = _DECODERS[change.type].decode(change.body)
    return fact


def rebuilt(changes: Iterable[PastChange]) -> Order | None:
    """The order after these changes, which are in the order of their `seq` from 1; None when there are none."""
    order: Order | None = None
    for change in changes:
        fact: Any = fact_of(change)
        if order is None:
            assert isinstance(fact, OrderOpened), "a history begins with the opening"
            text = msgspec.json.decode(change.private).get("text", "") if change.private is not None else ""
            order = opened(fact, change.reason if fact.status is OrderStatus.TRIAGE else "", text)
            continue
        fold(order, fact)
        if change.private is not None:
            tell(order, fact, change.private)
    return order


def answer_in(private: str | None) -> str:
    """The answer that was given with a change, by its private JSON; "" for none."""
    return "" if private is None else str(msgspec.json.decode(private).get("answer", ""))


def reports_in(changes: Iterable[PastChange]) -> set[UUID]:
    """The reports that hung on the order after these changes."""
    found: set[UUID] = set()
    for change in changes:
        if change.type not in _ABOUT_REPORTS:
            continue
        fact: Any = fact_of(change)
        if isinstance(fact, OrderOpened):
            found |= {stub.report_id for stub in fact.reports}
        elif isinstance(fact, ReportJoined):
            found.add(fact.report.report_id)
        elif isinstance(fact, OrderSplit):
            found -= {report for part in fact.parts for report in part.reports}
        elif isinstance(fact, OrderMerged) or (isinstance(fact, ReportsMoved) and fact.away):
            found -= {moved.report.report_id for moved in fact.reports}
        else:
            found |= {moved.report.report_id for moved in fact.reports}
    return found
