"""The special cases of one transaction while something is decided, and the changes that come of it.

`orders` is the book of the orders that are linked or unlinked with them: both are written together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.facts import CaseFact, SpecialCaseOpened
from schemas.ids import fact_id
from schemas.vocabulary import CaseState
from services.dispatch.rules.book import SYSTEM, Actor, Book
from services.dispatch.rules.cases.evolve import fold, opened
from services.dispatch.rules.cases.model import SpecialCase

TICK = timedelta(microseconds=1)


class CaseChange(Struct):
    """One change of a special case: its fact, and what only the history keeps."""

    case: SpecialCase
    fact: CaseFact
    id: UUID
    action: str
    tier: str
    reason: str
    version: int
    private: str | None


class Link(Struct, frozen=True):
    """An order was linked to a special case, or unlinked, at a recorded moment."""

    case_id: UUID
    order_id: UUID
    at: datetime


@dataclass(slots=True)
class CaseBook:
    """`others` are the states of special cases that named orders belong to and nobody acts on here; `holders` the units
    that hold orders linked to a case in which a unit outside the centre's boundary shall commit to something."""

    orders: Book
    cases: dict[UUID, SpecialCase] = field(default_factory=dict)
    others: dict[UUID, CaseState] = field(default_factory=dict)
    holders: dict[UUID, frozenset[str]] = field(default_factory=dict)
    changes: list[CaseChange] = field(default_factory=list)
    linked: list[Link] = field(default_factory=list)
    unlinked: list[Link] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The database's clock."""
        return self.orders.now

    def is_open(self, case_id: UUID) -> bool:
        """Whether a special case takes part in "at most one open one"."""
        case = self.cases.get(case_id)
        return (case.state if case is not None else self.others.get(case_id)) is CaseState.OPEN

    def record(
        self,
        case: SpecialCase | UUID,
        kind: type[CaseFact],
        said: Mapping[str, Any],
        *,
        action: str,
        cause: UUID,
        at: datetime,
        actor: Actor = SYSTEM,
        reason: str = "",
        private: Mapping[str, Any] | None = None,
    ) -> SpecialCase:
        """One change of a special case, or of one that is only an id yet, its opening: makes its fact out of what is
        `said`, folds it, keeps it. `private` stays with dispatch."""
        fact = kind(
            case_id=case if isinstance(case, UUID) else case.case_id,
            seq=1 if isinstance(case, UUID) else case.seq + 1,
            occurred_at=at,
            recorded_at=self.now if isinstance(case, UUID) else max(self.now, case.recorded_at + TICK),
            actor=actor.id,
            unit=actor.unit,
            **said,
        )
        told = dict(private or {})
        if isinstance(case, UUID):
            assert isinstance(fact, SpecialCaseOpened)
            case = opened(fact, told)
            self.cases[case.case_id] = case
        else:
            fold(case, fact, told)
        tier = self.orders.directory.tier_of(actor.unit)
        self.changes.append(
            CaseChange(
                case,
                fact,
                fact_id(cause, kind.__name__),
                action,
                tier.value if tier is not None else "",
                reason,
                case.version,
                msgspec.json.encode(told).decode() if told else None,
            )
        )
        return case
