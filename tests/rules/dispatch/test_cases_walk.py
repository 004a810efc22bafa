"""Random walks through special cases: whatever people and clocks do in whatever order, what always holds holds after
every step, and the history tells the same cases and orders as those that were changed."""

from collections import Counter
from random import Random
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import HealthCheck, given, settings
from msgspec import Struct
from msgspec.structs import replace

from schemas import facts
from schemas.refusals import Refused
from schemas.vocabulary import CaseState, CommitmentState, Role
from services.dispatch.rules.book import Actor
from services.dispatch.rules.cases import table
from services.dispatch.rules.cases.model import Commitment, SpecialCase
from services.dispatch.rules.past import rebuilt
from tests.rules.dispatch.acting import past_of, seen
from tests.rules.dispatch.gathering import NOTICES, Gathering, who
from tests.rules.dispatch.town import DIRECTORY

UNITS = ("d1", "s1", "s1-road", "city", "k1")
CENTRES = ("d1", "s1", "city")
ACTIONS = (
    "open",
    "open",
    *table.ON_CASE,
    "meeting",
    "bulk",
    *table.ON_COMMITMENT,
    "answer",
    "missed",
    "undone",
    "warned",
)
FINAL = (CommitmentState.KEPT, CommitmentState.WITHDRAWN)


class Step(Struct, frozen=True):
    """One thing that happens: `wild` is anything by anybody, else somebody does it who may, to something that waits."""

    wild: bool
    action: str
    unit: str
    role: Role
    pick: int
    places: tuple[int, ...]
    ago: float | None


STEPS = st.lists(
    st.builds(
        Step,
        wild=st.sampled_from((True, False, False)),
        action=st.sampled_from(ACTIONS),
        unit=st.sampled_from((*CENTRES, *UNITS)),
        role=st.sampled_from((Role.DISPATCHER, Role.DISPATCHER, Role.RESPONDER)),
        pick=st.integers(0, 1000),
        places=st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
        ago=st.sampled_from([None, None, 0.5, 3.0, 50.0, -5.0]),
    ),
    min_size=8,
    max_size=40,
)


def step(found: Gathering, asked: Step) -> None:
    """Do it. Raises Refused."""
    actor = who(asked.unit, asked.role)
    orders = [found.ids[place] for place in asked.places]
    held = list(found.book.cases.values())
    if asked.action == "open" and (asked.wild or not held or asked.pick % 4 == 0):
        actor = actor if asked.wild else who("d1")
        found.open_by(actor, title="t", reason="r", lead="s1", orders=orders)
        return
    if not held:
        return
    case = held[asked.pick % len(held)]
    found.book.cases[case.case_id] = found.book.cases.pop(case.case_id)  # the newest is the one that is acted upon
    made = case.commitments
    one = made[asked.pick % len(made)] if made else None
    if not asked.wild:
        asked, actor, one = sensible(asked, case, one)
    if asked.action == "meeting":
        units = {"commitments": [{"text": "t", "unit": asked.unit, "due": found.moment(asked.pick % 90)}]}
        found.do("meeting", actor, held_at=found.moment(-(asked.ago or 0)), **(units if asked.pick % 3 else {}))
    elif asked.action in ("link", "unlink"):
        found.do(asked.action, actor, orders=orders)
    elif asked.action == "bulk":
        found.do(("link", "unlink")[asked.pick % 2], actor, each=True, orders=orders)
    elif asked.action == "close":
        found.do("close", actor)
    elif one is not None and asked.action in table.ON_COMMITMENT:
        said: dict[str, Any] = {}
        if asked.action == "answer" and asked.ago is not None:
            said["occurred_at"] = found.moment(-asked.ago)
        if asked.action == "send_back":
            said["due"] = found.moment(asked.pick % 60)
        found.on(one, asked.action, actor, **said)
    elif one is not None and asked.action in NOTICES:
        found.rung(one, asked.action)


def sensible(asked: Step, case: SpecialCase, one: Commitment | None) -> tuple[Step, Actor, Commitment | None]:
    """The same, by somebody who may do it; about a commitment, what can be done to it just then."""
    waits = [each for each in case.commitments if each.open]
    if asked.action not in table.ON_COMMITMENT or not waits:
        return asked, who(case.centre), one
    one = waits[asked.pick % len(waits)]
    may = [row.action for row in table.COMMITMENTS if row.state is one.state and row.action != "withdraw"]
    action = may[asked.pick // 7 % len(may)] if asked.pick % 5 else "withdraw"
    judge = "city" if one.unit == case.centre else case.centre
    actor = who(one.unit, Role.RESPONDER) if action == "answer" else who(judge)
    return replace(asked, action=action, ago=None), actor, one


def check(found: Gathering) -> None:
    """What always holds."""
    for order_id in found.ids:
        belongs = found.open_cases_of(order_id)
        assert len(belongs) <= 1, "an order in at most one open case"
        held = found.book.orders.orders[order_id].detail.case_id
        assert belongs in ([], [held])
    for case in found.book.cases.values():
        assert case.state is CaseState.OPEN or not any(one.open for one in case.commitments)
        assert case.linked >= 0
        assert msgspec.to_builtins(found.past(case)) == bare(case), "the history tells the same"
        for one in case.commitments:
            check_times(one)
    for change in found.book.changes:
        if isinstance(change.fact, facts.CommitmentAccepted | facts.CommitmentSentBack | facts.CommitmentWithdrawn):
            one = change.case.commitment(change.fact.commitment_id)
            assert one is not None and one.unit not in DIRECTORY.acts_for(change.fact.unit), (
                "nobody judges his own word"
            )


def check_times(one: Commitment) -> None:
    """Times of a commitment only go on."""
    assert one.made_at <= one.since < one.due
    if one.state is CommitmentState.ANSWERED:
        assert one.answered_at is not None and one.since <= one.answered_at
    if one.state in FINAL:
        assert one.decided_at is not None and one.decided_at >= max(one.since, one.answered_at or one.since)
    assert one.state is not CommitmentState.KEPT or one.answered_at is not None


def bare(case: SpecialCase) -> Any:
    """A case as people can see it."""
    return msgspec.to_builtins(case)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_whatever_happens_what_always_holds_holds(steps: list[Step]) -> None:
    found = Gathering(4)
    for asked in steps:
        found.later(7)
        before = {case.case_id: msgspec.json.encode(case) for case in found.book.cases.values()}
        made, said = len(found.book.changes), len(found.book.orders.changes)
        try:
            step(found, asked)
        except Refused:
            assert (len(found.book.changes), len(found.book.orders.changes)) == (made, said), "a refusal says nothing"
            after = {case.case_id: msgspec.json.encode(case) for case in found.book.cases.values()}
            assert before == after
        check(found)
    for case in found.book.cases.values():
        mine = [c.fact for c in found.book.changes if c.case is case]
        assert [fact.seq for fact in mine] == list(range(1, len(mine) + 1))
        recorded = [fact.recorded_at for fact in mine]
        assert recorded == sorted(set(recorded)), "strictly one after the other"
    for order in found.book.orders.orders.values():
        past = rebuilt(past_of(found.book.orders, order))
        assert past is not None and seen(past) == seen(order)


def test_the_walks_reach_what_they_shall_prove() -> None:
    seen_states: Counter[Any] = Counter()
    dice = Random(7)
    for _ in range(60):
        found = Gathering(4)
        for _ in range(40):
            asked = Step(
                wild=dice.choice((True, False, False)),
                action=dice.choice(ACTIONS),
                unit=dice.choice((*CENTRES, *UNITS)),
                role=dice.choice((Role.DISPATCHER, Role.DISPATCHER, Role.RESPONDER)),
                pick=dice.randrange(1000),
                places=tuple(dice.randrange(4) for _ in range(dice.randint(1, 3))),
                ago=dice.choice((None, None, 0.5, 3.0)),
            )
            found.later(7)
            try:
                step(found, asked)
            except Refused as refused:
                seen_states[refused.code] += 1
        for case in found.book.cases.values():
            seen_states[case.state, bool(case.commitments)] += 1
            seen_states.update(one.state for one in case.commitments)
            seen_states["missed"] += any(one.missed_due for one in case.commitments)
            seen_states["again"] += any(one.asked > 1 for one in case.commitments)
    wanted = [
        *CommitmentState,
        *((state, True) for state in CaseState),
        "missed",
        "again",
        "case_taken",
        "own_commitment",
    ]
    assert all(seen_states[each] >= 3 for each in [*wanted, "commitments_open"]), seen_states
