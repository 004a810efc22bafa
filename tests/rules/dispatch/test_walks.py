"""Random walks through an order's life: whatever people, sensors and clocks do in whatever order, what always holds
(design §6) holds after every step, and the history tells the same order as the one that was changed."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
import msgspec
from hypothesis import HealthCheck, given, settings
from msgspec import Struct

from schemas.facts import AlarmCleared, DeadlineMissed, DeadlineWithdrawn, RungCleared, RungRaised
from schemas.ids import clock_id_of
from schemas.refusals import Refused
from schemas.vocabulary import (
    AssignmentRole,
    AssignmentStatus,
    OrderStatus,
    Role,
    RungKind,
    Source,
    Stage,
    Verification,
)
from services.dispatch.rules import lifecycle, shapes
from services.dispatch.rules.book import Actor
from services.dispatch.rules.notices import on_cleared, on_deadline
from services.dispatch.rules.opening import join
from services.dispatch.rules.order import Assignment, Order
from services.dispatch.rules.standing import reporter_of
from services.dispatch.rules.supervisions import climbing
from tests.rules.dispatch.acting import Table, at, cause, kept, saying, seen
from tests.rules.dispatch.observed import effects, named
from tests.rules.dispatch.themes import body_of
from tests.rules.dispatch.town import DIRECTORY, a_plan, a_report, in_triage, linked, proposed

UNITS = ("s1-road", "s1-clean", "k1", "volunteer", "s1", "s1-police", "road-crew", "patcher", "clean-crew")
GONE = (AssignmentStatus.WITHDRAWN, AssignmentStatus.RETURNED)
PEOPLE = st.sampled_from(
    [Actor(f"{role}@{unit}", role, unit) for role in Role for unit in ("s1", *UNITS)]
    + [Actor(f"person@{unit}", Role.RESPONDER, unit) for unit in UNITS]
)
ACTORS = [Actor(f"person@{unit}", Role.RESPONDER, unit) for unit in UNITS]
ACTORS += [Actor(f"{role}@s1", role, "s1") for role in (Role.AGENT, Role.DISPATCHER, Role.SUPERVISOR, Role.INSPECTOR)]
# besides once each, where it may be done
LIKELY = ("accept", "accept", "accept", "finish", "pass_on", "pass_on", "request", "request", "resume", "resume")
AUTOMATIC = ("join", "cleared", "missed", "undone", "decided", "decided", "silence", "rung", "rung", "rung_cleared")
ENDS = ("void", "merge", "reject", "transfer", "import_close")
WILD = st.sampled_from([*lifecycle.ASSIGNMENT_ACTIONS, *lifecycle.ORDER_ACTIONS, *AUTOMATIC])
# how long ago, in minutes, the client says it happened; below zero is ahead of the server's clock
AGO = st.sampled_from([None, None, None, None, -5.0, -1.0, 0.0, 0.5, 3.0, 60.0])


class Step(Struct, frozen=True):
    """One thing that happens: `wild` is anything by anybody, else the `pick`-th of what is allowed just then."""

    pick: int
    wild: str | None
    who: Actor
    unit: str
    ago: float | None
    flag: bool
    units: tuple[str, ...]


STEPS = st.lists(
    st.builds(
        Step,
        pick=st.integers(0, 10_000),
        wild=st.one_of(st.none(), st.none(), st.none(), WILD),
        who=PEOPLE,
        unit=st.sampled_from(UNITS),
        ago=AGO,
        flag=st.booleans(),
        units=st.lists(st.sampled_from(UNITS), max_size=2).map(tuple),
    ),
    min_size=10,
    max_size=40,
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A new order of any kind."""
    source = draw(st.sampled_from(Source))
    report = a_report(source=source, imported=draw(st.sampled_from([False, False, True])))
    if draw(st.integers(0, 4)) == 0:
        return Table(in_triage(report)).beside()
    lead, *assists = draw(st.lists(st.sampled_from(UNITS), unique=True, min_size=1, max_size=4))
    verification = draw(st.sampled_from(Verification))
    plan = a_plan(lead, *assists, verification=verification, together=draw(st.booleans()))
    return Table(proposed(report, plan)).beside()


def options(table: Table, ends: bool) -> list[tuple[str, Actor, Assignment | None]]:
    """What may be done to the order just now, by whoever it is that may."""
    found: list[tuple[str, Actor, Assignment | None]] = []
    order, waiting = table.order, table.book.waiting_handover(table.order.order_id) is not None
    for a in order.assignments:
        above = None if a.parent is None else order.assignment(a.parent)
        near = {a.unit, order.lead, above.unit if above is not None else ""}
        for actor in (one for one in ACTORS if one.role is not Role.RESPONDER or one.unit in near):
            allowed = shapes.assignment_actions(DIRECTORY, order, a, actor)
            found += [(action, actor, a) for action in allowed]
    callers = [Actor(reporter_of(voice.report_id), Role.CITIZEN) for voice in order.voices[:1]]
    for actor in (*ACTORS, *callers):
        allowed = shapes.order_actions(DIRECTORY, order, actor, waiting=waiting)
        found += [(action, actor, None) for action in allowed if ends or action not in ENDS]
    return found


def step(table: Table, asked: Step) -> tuple[str, Assignment | None]:
    """One thing that happens, sensible or not; what it was, and on which assignment."""
    order = table.order
    possible = options(table, ends=asked.pick % 11 == 0)
    on: Assignment | None
    if asked.wild is None and possible:
        distinct = sorted({action for action, _, _ in possible})
        kinds = [*distinct, *(action for action in LIKELY if action in distinct)]
        kind = kinds[asked.pick % len(kinds)]
        among = [one for one in possible if one[0] == kind]
        action, who, on = among[asked.pick // len(kinds) % len(among)]
    else:
        action, who = asked.wild or "join", asked.who
        parts = [a for a in order.assignments if a.unit in (who.unit, asked.unit)]
        on = parts[-1] if parts and action in lifecycle.ASSIGNMENT_ACTIONS else None
        if on is None and action in lifecycle.ASSIGNMENT_ACTIONS and action not in lifecycle.ORDER_ACTIONS:
            return "", None
    waiting = [r for r in order.requests if r.open]
    if waiting and asked.pick % 3 == 0:
        action = "decided" if asked.pick % 2 else "silence"
    if action in ("decided", "silence"):
        for request in waiting[:1]:
            table.decide(request, asked.flag) if action == "decided" else table.silence(request)
            return request.kind, order.assignment(request.assignment_id)
        return "", None
    if action in AUTOMATIC:
        automatic(table, action)
        return ("verify" if action == "cleared" else action), None
    drawn = {"flag": asked.flag, "unit": asked.unit, "units": asked.units, "pick": asked.pick}
    said = body_of(action, saying(table.book, order, on, **drawn))
    if asked.ago is not None and "closed_at" not in said:
        said["occurred_at"] = at(table.book.now - timedelta(minutes=asked.ago))
    table.do(action, who, on, **said)
    return action, on


def automatic(table: Table, kind: str) -> None:
    """What other services say about the order."""
    order = table.order
    if kind == "join":
        link = linked(order.order_id, a_report())
        join(table.book, order.order_id, link.plan, kept(link), cause(), "alike")
        return
    if kind == "cleared":
        report_id = table.fact.report.report_id
        assert report_id is not None
        fact = AlarmCleared(report_id=report_id, device_id="w1", rule="low", value=1.0, cleared_at=table.book.now)
        on_cleared(table.book, order, fact, cause())
        return
    said: dict[str, Any] = {
        "order_id": order.order_id,
        "clock_id": clock_id_of(order.order_id, 1, "handle", ""),
        "stage": Stage.HANDLE,
        "owner": "s1-road",
        "due": table.book.now,
    }
    if kind == "undone":
        on_deadline(table.book, order, DeadlineWithdrawn(**said, cause="came late"), cause())
    elif kind == "rung":
        raised = RungRaised(
            **said, supervision_id=uuid4(), rung="r", kind=RungKind.SUPERVISE, at=table.book.now, level=1,
            receivers=("duty_phone", "dispatching_centre"), answers="owner",
        )  # fmt: skip
        climbing.on_raised(table.book, order, raised, cause())
    elif kind == "rung_cleared":
        for one in [s for s in order.supervisions if s.live][:1]:
            cleared = RungCleared(
                **said, supervision_id=one.supervision_id, rung="r", kind=RungKind.SUPERVISE, cause="AssignmentDone"
            )
            climbing.on_cleared(table.book, order, cleared, cause())
    else:
        on_deadline(table.book, order, DeadlineMissed(**said), cause())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), STEPS)
def test_what_always_holds_holds_after_every_step(table: Table, steps: list[Step]) -> None:
    for number, asked in enumerate(steps):
        table.later(1 + number % 3)
        before = msgspec.json.decode(seen(table.order))
        made = len(table.book.changes)
        try:
            action, on = step(table, asked)
        except Refused:
            assert msgspec.json.decode(seen(table.order)) == before, "a refusal changes nothing"
            assert len(table.book.changes) == made
        else:
            check_effects(before, msgspec.json.decode(seen(table.order)), action, on)
        check_lead(table.order)
        check_work(table.order)
        check_tree(table.order)
        check_times(table)
        check_voices(table.order)
        check_versions(table, before, msgspec.json.decode(seen(table.order)), made)
    past = table.past()
    assert past is not None and seen(past) == seen(table.order)


def check_effects(before: dict[str, Any], after: dict[str, Any], action: str, on: Assignment | None) -> None:
    """Nothing happens beside an action that its line in the tables does not name."""
    target = None if on is None else on.assignment_id
    assert effects(before, after, target) <= named(before, after, action, target), action


def check_lead(order: Order) -> None:
    """An open order has exactly one lead, and never no owner."""
    assert order.lead
    leads = [a for a in order.assignments if a.role is AssignmentRole.LEAD and a.status not in GONE]
    if order.status is OrderStatus.TRIAGE:
        assert not order.assignments
    elif order.status not in lifecycle.ENDED:
        standing = [a for a in leads if a.status is not AssignmentStatus.CONFIRMED] or leads[-1:]
        assert [a.unit for a in standing] == [order.lead]
    live = [a.unit for a in order.assignments if a.live]
    assert len(live) == len(set(live)), "no unit holds two parts at once"


def check_work(order: Order) -> None:
    """Nothing is finished while an assist works; nothing works on an order that ended."""
    if order.status in (OrderStatus.VERIFYING, OrderStatus.CALLBACK, *lifecycle.ENDED):
        assert not any(a.live for a in order.assignments)
    if order.status is OrderStatus.HANDLING:
        assert any(a.live and a.role is AssignmentRole.LEAD for a in order.assignments)
    assert (order.closed_at is not None) == (order.status is OrderStatus.CLOSED)


def check_tree(order: Order) -> None:
    """What was passed on hangs on an open part, and nobody is done before what he passed on is."""
    for a in order.assignments:
        above, seen = a, set()
        while above.parent is not None:
            assert above.assignment_id not in seen, "a ring"
            seen.add(above.assignment_id)
            found = order.assignment(above.parent)
            assert found is not None, "a parent of another order"
            assert a.role is AssignmentRole.ASSIST
            above = found
            if a.live:
                assert above.live and above.accepted_at is not None
        if a.status in (AssignmentStatus.DONE, AssignmentStatus.CONFIRMED):
            assert not any(x.live for x in order.below(a))
        if a.status is AssignmentStatus.DONE and a.parent is not None:
            assert above.status not in GONE


def check_voices(order: Order) -> None:
    """Every report is heard once and for itself; a bad word waits for a person, and nothing closes over it."""
    assert len({voice.report_id for voice in order.voices}) == len(order.voices)
    if order.proposed:
        assert order.status in (OrderStatus.CALLBACK, OrderStatus.CLOSED, OrderStatus.VOID)
    for voice in order.voices:
        assert voice.contacted_at is None or voice.contacted_at >= order.opened_at
        assert not voice.unrated or voice.attempts >= (DIRECTORY.callback.attempts if voice.reachable else 1)
        assert voice.satisfied is None or voice.settled


def check_times(table: Table) -> None:
    """Times are monotone, and the numbers of facts have no gap."""
    order = table.order
    assert order.since >= order.opened_at
    for a in order.assignments:
        stamps = [t for t in (a.offered_at, a.accepted_at, a.arrived_at, a.done_at) if t is not None]
        assert stamps == sorted(stamps)
        assert a.contacted_at is None or a.contacted_at >= a.offered_at
        assert a.offered_at >= order.opened_at
    facts = [c.fact for c in table.book.changes if c.order is order]
    assert [f.seq for f in facts] == list(range(1, order.seq + 1))
    recorded = [f.recorded_at for f in facts]
    assert recorded == sorted(set(recorded)), "recorded_at increases strictly"
    assert all(f.occurred_at <= f.recorded_at for f in facts)
    moves = [f for f, g in zip(facts, [None, *facts], strict=False) if g is None or f.status is not g.status]
    assert [f.occurred_at for f in moves] == sorted(f.occurred_at for f in moves)


def check_versions(table: Table, before: dict[str, Any], after: dict[str, Any], made: int) -> None:
    """The order's version moves exactly when status, urgency, class, place, lead or reports do; an assignment's with
    it."""

    def told(o: dict[str, Any]) -> tuple[Any, ...]:
        return (o["status"], o["urgency"], o["lead"], o["detail"]["class_ref"], o["detail"]["place"])

    changes = table.book.changes[made:]
    mine = [c for c in changes if c.order is table.order]
    moved = told(before) != told(after) or any(c.action in ("join", "route", "split", "conclude") for c in mine)
    assert (after["version"] > before["version"]) == moved
    old = {a["assignment_id"]: a for a in before["assignments"]}
    for a in after["assignments"]:
        known = old.get(a["assignment_id"])
        if known is not None and a != known:
            assert a["version"] > known["version"]
    assert len(mine) == after["seq"] - before["seq"]
    assert after["round"] >= before["round"]
