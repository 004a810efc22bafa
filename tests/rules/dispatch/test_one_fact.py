"""Every change of every order is exactly one fact, with the next number; what changes nothing says nothing.

Walks are those of test_walks; here all orders of the book are watched, not only the one that is acted upon.
"""

from collections import defaultdict
from uuid import UUID

from hypothesis import HealthCheck, given, settings

from schemas.facts import AssignmentDone, OrderFact, RequestDecided, VerificationRecorded
from schemas.refusals import Refused
from tests.rules.dispatch.acting import Table, seen
from tests.rules.dispatch.test_walks import STEPS, Step, step, tables

# What may have a second change follow at once, each with a fact of its own: a part that is finished or checked closes
# an order that needs nothing more, a decision is carried out.
LEADS_ON = (AssignmentDone, VerificationRecorded, RequestDecided)


def whole(table: Table) -> dict[UUID, bytes]:
    """All orders as they can be seen."""
    return {order_id: seen(order) for order_id, order in table.book.orders.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), STEPS)
def test_every_change_of_an_order_is_one_fact(table: Table, steps: list[Step]) -> None:
    last = {order_id: order.seq for order_id, order in table.book.orders.items()}
    for asked in steps:
        table.later()
        before, made = whole(table), len(table.book.changes)
        refused = False
        try:
            step(table, asked)
        except Refused:
            refused = True
        said: dict[UUID, list[OrderFact]] = defaultdict(list)
        for change in table.book.changes[made:]:
            assert change.fact.order_id == change.order.order_id
            said[change.order.order_id].append(change.fact)
        after = whole(table)
        assert not (refused and said), "a refusal says nothing"
        for order_id, order in table.book.orders.items():
            facts = said[order_id]
            assert [fact.seq for fact in facts] == list(range(last.get(order_id, 0) + 1, order.seq + 1))
            assert bool(facts) == (before.get(order_id) != after[order_id]), "no change without its fact"
            last[order_id] = order.seq
            assert len(facts) <= 1 or (isinstance(facts[0], LEADS_ON) and len(set(map(type, facts))) == len(facts)), (
                facts
            )
