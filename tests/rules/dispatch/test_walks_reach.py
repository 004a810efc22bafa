"""The random walks are worth something only if they get everywhere: every action, every effect, every status."""

import random
from collections import Counter

import msgspec

from schemas.refusals import Refused
from schemas.vocabulary import OrderStatus, Source, Verification
from services.dispatch.rules import lifecycle
from services.dispatch.rules.lifecycle import Effect
from tests.rules.dispatch.acting import Table, seen
from tests.rules.dispatch.observed import effects
from tests.rules.dispatch.test_walks import ACTORS, UNITS, Step, step
from tests.rules.dispatch.town import a_plan, a_report, in_triage, proposed

# nobody in town imports; parking needs an approval first, concluding a repeat: each has tests of its own
SELDOM = {"import_close", "resume", "conclude"}
WALKS, STEPS = 300, 40
OVER = (OrderStatus.VOID, OrderStatus.REJECTED, OrderStatus.TRANSFERRED)


def a_table(chance: random.Random) -> Table:
    """A new order of any kind."""
    report = a_report(source=chance.choice(list(Source)), imported=chance.random() < 0.15)
    if chance.random() < 0.1:
        return Table(in_triage(report)).beside()
    lead, *assists = chance.sample(UNITS, chance.randint(1, 4))
    plan = a_plan(lead, *assists, verification=chance.choice(list(Verification)), together=chance.random() < 0.3)
    return Table(proposed(report, plan)).beside()


def test_the_walks_reach_every_action_every_effect_and_every_status() -> None:
    chance = random.Random(20260302)
    done: Counter[str] = Counter()
    happened: Counter[Effect] = Counter()
    statuses: Counter[str] = Counter()
    deepest = 0
    for _ in range(WALKS):
        table = a_table(chance)
        for _ in range(STEPS):
            before = msgspec.json.decode(seen(table.order))
            asked = Step(
                pick=chance.randrange(1_000_000),
                wild=None,
                who=chance.choice(ACTORS),
                unit=chance.choice(UNITS),
                ago=None,
                flag=chance.random() < 0.6,
                units=tuple(chance.sample(UNITS, chance.randint(0, 2))),
            )
            if table.order.status in OVER:
                break
            table.later()
            try:
                action, on = step(table, asked)
            except Refused:
                continue
            done[action] += 1
            happened.update(effects(before, msgspec.json.decode(seen(table.order)), on and on.assignment_id))
            statuses[table.order.status] += 1
            deepest = max([deepest, *(depth(table, a.assignment_id) for a in table.order.assignments)])
    actions = {*lifecycle.ASSIGNMENT_ACTIONS, *lifecycle.ORDER_ACTIONS} - SELDOM
    assert actions <= set(done), f"never done: {sorted(actions - set(done))}"
    assert set(Effect) <= set(happened), f"never seen: {set(Effect) - set(happened)}"
    roles = {str(actor.role) for actor in ACTORS}
    reachable = {row.to for row in lifecycle.ORDER_TABLE for who in row.who if who.role in roles}
    reachable -= {OrderStatus.PARKED}
    assert reachable <= set(statuses), f"never reached: {reachable - set(statuses)}"
    assert deepest >= 2, "a part passed on, and on"


def depth(table: Table, assignment_id: object) -> int:
    """How many times it was passed on."""
    parents = {a.assignment_id: a.parent for a in table.order.assignments}
    count, above = 0, parents.get(assignment_id)  # type: ignore[call-overload]
    while above is not None:
        count, above = count + 1, parents.get(above)
    return count
