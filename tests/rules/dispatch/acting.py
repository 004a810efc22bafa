"""A book of one order, and one line for each thing that is done to it."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from schemas.facts import OrderProposed, TriageRequested
from schemas.ids import fact_id
from schemas.vocabulary import Role
from services.dispatch.rules import assignments, lifecycle, orders
from services.dispatch.rules.assignments import Act
from services.dispatch.rules.bodies import BODIES
from services.dispatch.rules.book import Actor, Book, KeptReport
from services.dispatch.rules.opening import on_proposed
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.past import PastChange, rebuilt
from tests.rules.dispatch.town import DIRECTORY, T0, a_plan, a_report, in_triage, proposed

_causes = count(1)
DEFAULTS: dict[str, dict[str, Any]] = {
    "contact": {"reached": True},
    "progress": {"note": "on the way"},
    "finish": {"result": "solved", "answer": "done"},
    "withdraw": {"reason": "not needed"},
    "route": {"lead": "s1-road"},
    "verify": {"passed": True},
    "reopen": {"reason": "not solved"},
    "reject": {"reason": "not a matter for the city"},
    "void": {"reason": "entered twice"},
    "transfer": {"platform": "110", "reason": "a crime"},
    "import_close": {"closed_at": T0.isoformat()},
}


def kept(fact: OrderProposed | TriageRequested | Any) -> KeptReport:
    """A fact's report as it is kept."""
    report = fact.report
    assert report.report_id is not None
    return KeptReport(report.report_id, report, "{}", report.reporter)


def cause() -> UUID:
    """The id of a new cause."""
    return fact_id(UUID(int=7), "test", next(_causes))


class Table:
    """One order on the table, and a clock that people move."""

    def __init__(self, fact: OrderProposed | TriageRequested | None = None) -> None:
        self.book = Book(T0, DIRECTORY)
        self.fact = fact or proposed(a_report(), a_plan())
        on_proposed(self.book, self.fact, kept(self.fact), cause())
        self.order: Order = self.book.orders[self.fact.order_id]

    @classmethod
    def in_triage(cls) -> "Table":
        """An order that waits for a decision."""
        return cls(in_triage())

    def later(self, minutes: float = 1) -> "Table":
        """Some time passes."""
        self.book.now += timedelta(minutes=minutes)
        return self

    def part(self, unit: str) -> Assignment:
        """A unit's newest assignment."""
        return [a for a in self.order.assignments if a.unit == unit][-1]

    def do(self, action: str, actor: Actor, on: Assignment | None = None, **said: Any) -> None:
        """Act as the API would, body and all. Raises Refused."""
        lifecycle.check_role(action, actor.who)
        raw = msgspec.json.encode(DEFAULTS.get(action, {}) | self._report(action) | said)
        asked = Act(action, msgspec.json.decode(raw, type=BODIES[action]), actor, cause())
        if on is None:
            orders.act(self.book, self.order, asked)
        else:
            assignments.act(self.book, self.order, on, asked)

    def unit(self, unit: str, action: str, **said: Any) -> None:
        """A unit does something to its own newest assignment."""
        self.do(action, Actor(f"person@{unit}", Role.RESPONDER, unit), self.part(unit), **said)

    def centre(self, action: str, on: str = "", **said: Any) -> None:
        """The street's dispatcher does something."""
        self.do(action, Actor("dispatcher@s1", Role.DISPATCHER, "s1"), self.part(on) if on else None, **said)

    def past(self) -> Order | None:
        """The order as its history tells it."""
        return rebuilt(
            PastChange(type(c.fact).__name__, msgspec.json.encode(c.fact).decode(), c.reason, c.private)
            for c in self.book.changes
            if c.order is self.order
        )

    def _report(self, action: str) -> dict[str, Any]:
        return {"report_id": str(self.fact.report.report_id), "reached": True} if action == "callback" else {}


def seen(order: Order) -> bytes:
    """Everything about an order that people can see, for comparing."""
    bare = msgspec.to_builtins(order)
    for part in bare["assignments"]:
        part["stored"] = part["changed"] = False
    return msgspec.json.encode(bare, order="sorted")


def at(moment: datetime) -> str:
    """A moment as a client writes it."""
    return moment.isoformat()
