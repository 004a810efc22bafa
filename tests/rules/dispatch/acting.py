"""A book of one order, and one line for each thing that is done to it."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from schemas.facts import DeadlineMissed, OrderOpened, OrderProposed, TriageRequested
from schemas.ids import fact_id
from schemas.vocabulary import Role, Stage, Urgency
from services.dispatch.rules import acts, lifecycle, standing
from services.dispatch.rules.acts import ON_ASSIGNMENT, ON_ORDER, Act
from services.dispatch.rules.acts.decisions import Decision, decide
from services.dispatch.rules.book import Actor, Book, KeptReport
from services.dispatch.rules.notices import on_deadline
from services.dispatch.rules.opening import on_proposed
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.past import PastChange, rebuilt
from services.dispatch.rules.requests.model import Request
from tests.rules.dispatch.themes import Saying, body_of
from tests.rules.dispatch.themes.requests import asking
from tests.rules.dispatch.town import DIRECTORY, T0, UNITS, a_plan, a_report, in_triage, proposed

_causes = count(1)


def kept(fact: OrderProposed | TriageRequested | Any) -> KeptReport:
    """A fact's report as it is kept."""
    report = fact.report
    assert report.report_id is not None
    return KeptReport(report.report_id, report, "{}", report.reporter)


def cause() -> UUID:
    """The id of a new cause."""
    return fact_id(UUID(int=7), "test", next(_causes))


def act(book: Book, order: Order, action: str, actor: Actor, on: Assignment | None = None, **said: Any) -> None:
    """Act as the API would, body and all. Raises Refused."""
    lifecycle.check_role(action, actor.who, on_assignment=on is not None)
    caller = standing.caller(book.directory, order, on, actor)
    lifecycle.check_caller(action, caller, on_assignment=on is not None)
    body = (ON_ORDER if on is None else ON_ASSIGNMENT)[action].body
    default = (
        {} if action == "request" and said else body_of(action, saying(book, order, on))
    )  # each kind has fields of its own
    raw = msgspec.json.encode(default | said)
    asked = Act(action, msgspec.json.decode(raw, type=body), actor, cause())
    if on is None:
        acts.on_order(book, order, asked)
    else:
        acts.on_assignment(book, order, on, asked)


def saying(book: Book, order: Order, on: Assignment | None, **drawn: Any) -> Saying:
    """What a body may be made of just now."""
    first = next((stub.report_id for stub in _opening(book, order).reports), None)
    taken = {a.unit for a in order.assignments if a.live}
    free = [unit.unit_id for unit in UNITS if unit.unit_id not in taken]
    below = () if on is None else tuple(unit for unit in free if DIRECTORY.is_below(unit, on.unit))
    return Saying(book.now, first, below, **({"unit": free[-1]} | drawn))


def _opening(book: Book, order: Order) -> OrderOpened:
    return next(c.fact for c in book.changes if c.order is order and isinstance(c.fact, OrderOpened))


def past_of(book: Book, order: Order) -> list[PastChange]:
    """What the history tells of an order."""
    return [
        PastChange(type(c.fact).__name__, msgspec.json.encode(c.fact).decode(), c.reason, c.private)
        for c in book.changes
        if c.order is order
    ]


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

    def beside(self) -> "Table":
        """With another order in the same street, of the same kind, that this one may be merged into."""
        plan, report = a_plan("s1-clean", urgency=Urgency.CRITICAL), a_report("other", imported=self.order.imported)
        fact = proposed(report, plan)
        on_proposed(self.book, fact, kept(fact), cause())
        return self

    def later(self, minutes: float = 1) -> "Table":
        """Some time passes."""
        self.book.now += timedelta(minutes=minutes)
        return self

    def part(self, unit: str) -> Assignment:
        """A unit's newest assignment."""
        return [a for a in self.order.assignments if a.unit == unit][-1]

    def do(self, action: str, actor: Actor, on: Assignment | None = None, /, **said: Any) -> None:
        """Act as the API would, body and all. Raises Refused."""
        act(self.book, self.order, action, actor, on, **said)

    def unit(self, unit: str, action: str, /, **said: Any) -> None:
        """A unit does something to its own newest assignment."""
        self.do(action, Actor(f"person@{unit}", Role.RESPONDER, unit), self.part(unit), **said)

    def centre(self, action: str, /, on: str = "", **said: Any) -> None:
        """The street's dispatcher does something."""
        self.do(action, Actor("dispatcher@s1", Role.DISPATCHER, "s1"), self.part(on) if on else None, **said)

    def ask(self, unit: str, kind: str, **said: Any) -> Request:
        """A unit asks for something; answers the request."""
        now = self.book.now
        body = next(b for pick in range(14) if (b := asking(Saying(now, None, pick=pick)))["kind"] == kind)
        self.unit(unit, "request", **(body | said))
        return self.order.requests[-1]

    def decide(self, request: Request, granted: bool = True, by: str = "", **said: Any) -> None:
        """Whoever decides it does, or a dispatcher of the unit `by`."""
        unit = by or request.decider
        body = msgspec.json.decode(msgspec.json.encode({"granted": granted, "note": "看过了"} | said), type=Decision)
        actor = Actor(f"dispatcher@{unit}", Role.DISPATCHER, unit)
        decide(self.book, self.order, request, Act("decision", body, actor, cause()))

    def silence(self, request: Request) -> None:
        """The decision was due, and is not there."""
        self.missed(Stage.DECIDE, request.clock_id)

    def missed(self, stage: Stage, clock_id: UUID) -> None:
        """Supervision says that a deadline was missed."""
        fact = DeadlineMissed(order_id=self.order.order_id, clock_id=clock_id, stage=stage, owner="", due=self.book.now)
        on_deadline(self.book, self.order, fact, cause())

    def past(self) -> Order | None:
        """The order as its history tells it."""
        return rebuilt(past_of(self.book, self.order))


def seen(order: Order) -> bytes:
    """Everything about an order that people can see, for comparing."""
    bare = msgspec.to_builtins(order)
    for part in (*bare["assignments"], *bare["requests"], *bare["supervisions"]):
        part["stored"] = part["changed"] = False
    return msgspec.json.encode(bare, order="sorted")


def at(moment: datetime) -> str:
    """A moment as a client writes it."""
    return moment.isoformat()
