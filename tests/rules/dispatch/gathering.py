"""A special case on the table: three orders of two streets, people who act on it, and the clock that they move."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from schemas.facts import DeadlineMissed, DeadlineWarned, DeadlineWithdrawn
from schemas.vocabulary import CaseState, Role, Stage
from services.dispatch.rules.acts import Act
from services.dispatch.rules.book import Actor, Book
from services.dispatch.rules.cases.acts import (
    Refusals,
    clock_ids,
    on_case,
    on_commitment,
    on_commitment_deadline,
    open_case,
)
from services.dispatch.rules.cases.bodies import CASE_BODIES, COMMITMENT_BODIES, Opening
from services.dispatch.rules.cases.book import CaseBook
from services.dispatch.rules.cases.evolve import rebuilt
from services.dispatch.rules.cases.model import Commitment, SpecialCase
from services.dispatch.rules.cases.table import check_role
from services.dispatch.rules.opening import on_proposed
from services.dispatch.rules.order import Order
from services.dispatch.rules.past import PastChange
from tests.rules.dispatch.acting import cause, kept
from tests.rules.dispatch.town import DIRECTORY, T0, a_plan, a_report, proposed

NOTICES = {"warned": DeadlineWarned, "missed": DeadlineMissed, "undone": DeadlineWithdrawn}


def who(unit: str, role: Role = Role.DISPATCHER) -> Actor:
    """Somebody of a unit."""
    return Actor(f"{role}@{unit}", role, unit)


class Gathering:
    """One book with orders that nobody gathered yet; `case` is the special case that was opened last."""

    def __init__(self, orders: int = 3) -> None:
        self.book = CaseBook(Book(T0, DIRECTORY))
        self.ids: list[UUID] = []
        for place in range(orders):
            fact = proposed(a_report(f"gathered-{place}"), a_plan(("s1-road", "s1-clean", "k1")[place % 3]))
            on_proposed(self.book.orders, fact, kept(fact), cause())
            self.ids.append(fact.order_id)
        self.later()

    @property
    def case(self) -> SpecialCase:
        """The newest special case."""
        return list(self.book.cases.values())[-1]

    def order(self, place: int) -> Order:
        """One of the orders."""
        return self.book.orders.orders[self.ids[place]]

    def later(self, minutes: float = 1) -> "Gathering":
        """Some time passes."""
        self.book.orders.now += timedelta(minutes=minutes)
        return self

    def moment(self, minutes: float) -> str:
        """A moment from now on, as a client writes it."""
        return (self.book.now + timedelta(minutes=minutes)).isoformat()

    def opened(self, unit: str = "d1", places: tuple[int, ...] = (0, 1), **said: Any) -> "Gathering":
        """A centre opens a special case. Raises Refused."""
        body = {"title": "工地夜间施工", "reason": "同一工地", "lead": "s1", "orders": [self.ids[n] for n in places]}
        self.open_by(who(unit), **(body | said))
        return self

    def open_by(self, actor: Actor, **said: Any) -> SpecialCase:
        """Somebody opens one. Raises Refused."""
        asked = Act("open", msgspec.json.decode(msgspec.json.encode(said), type=Opening), actor, cause())
        return open_case(self.book, cause(), asked)

    def do(self, action: str, actor: Actor | None = None, *, each: bool = False, **said: Any) -> Refusals:
        """Act on the newest case as the API would, body and all. Raises Refused."""
        actor = actor or who("d1")
        assert actor.role is not None
        check_role(action, actor.role, on_commitment=False)
        body = msgspec.json.decode(msgspec.json.encode(self.words(action) | said), type=CASE_BODIES[action])
        return on_case(self.book, self.case, Act(action, body, actor, cause()), each=each)

    def on(self, one: Commitment, action: str, actor: Actor | None = None, **said: Any) -> None:
        """Act on a commitment as the API would. Raises Refused."""
        actor = actor or (who(one.unit, Role.RESPONDER) if action == "answer" else who("d1"))
        assert actor.role is not None
        check_role(action, actor.role, on_commitment=True)
        body = msgspec.json.decode(msgspec.json.encode(self.words(action) | said), type=COMMITMENT_BODIES[action])
        on_commitment(self.book, self.book.cases[one.case_id], one, Act(action, body, actor, cause()))

    def meet(self, *units: str, minutes: float = 60, **said: Any) -> list[Commitment]:
        """A meeting just now in which these units commit to something; their commitments."""
        before = len(self.case.commitments)
        made = [{"text": "做到", "unit": unit, "due": self.moment(minutes)} for unit in units]
        self.do("meeting", commitments=made, **said)
        return self.case.commitments[before:]

    def rung(self, one: Commitment, notice: str, due: datetime | None = None) -> None:
        """Supervision says something of the commitment's newest deadline."""
        fact = NOTICES[notice](
            order_id=one.case_id,
            clock_id=clock_ids(one)[-1],
            stage=Stage.COMMITMENT,
            owner=one.unit,
            due=due or one.due,
            **({"cause": "CommitmentAnswered"} if notice == "undone" else {}),
        )
        on_commitment_deadline(self.book, self.book.cases[one.case_id], fact, cause())

    def words(self, action: str) -> dict[str, Any]:
        """The least that each action must say."""
        linking = {"orders": self.ids[2:3], "reason": "同一工地"}
        return {
            "link": linking,
            "unlink": {"orders": self.ids[:1], "reason": "不是同一工地"},
            "meeting": {
                "held_at": self.moment(0),
                "units": ["s1", "s1-road"],
                "matter": "夜间施工",
                "decided": "限时整改",
                "outcome": "agreed",
            },
            "close": {"result": "solved", "conclusion": "已整改"},
            "answer": {"answer": "已做到"},
            "accept": {},
            "send_back": {"reason": "还差一步", "due": self.moment(120)},
            "withdraw": {"reason": "不再需要"},
        }[action]

    def past(self, case: SpecialCase) -> SpecialCase | None:
        """The case as its history tells it."""
        return rebuilt(
            PastChange(type(c.fact).__name__, msgspec.json.encode(c.fact).decode(), c.reason, c.private)
            for c in self.book.changes
            if c.case is case
        )

    def open_cases_of(self, order_id: UUID) -> list[UUID]:
        """The open special cases an order belongs to, counted by what was recorded of links."""
        spans = [(li.case_id, li.at, True) for li in self.book.linked if li.order_id == order_id]
        spans += [(li.case_id, li.at, False) for li in self.book.unlinked if li.order_id == order_id]
        now = {case_id: linked for case_id, _, linked in sorted(spans, key=lambda one: one[1])}
        return [case_id for case_id, linked in now.items() if linked and self.state(case_id) is CaseState.OPEN]

    def state(self, case_id: UUID) -> CaseState:
        """The state of a case."""
        return self.book.cases[case_id].state
