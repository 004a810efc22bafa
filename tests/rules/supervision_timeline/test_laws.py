"""Laws of the timeline: clocks follow from the set of facts, not from when they came."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.envelope import Record
from schemas.facts import (
    OrderFact,
    OrderParked,
    OrderResumed,
    RequestDecided,
    RequestMade,
    Supervised,
    SupervisionAnswered,
    SupervisionCleared,
    SupervisionRefused,
)
from schemas.vocabulary import AssignmentRole, RequestKind, RequestState
from services.chassis.sequence import Sequence
from services.supervision.rules.stages import Clock, clocks
from services.supervision.rules.timeline import Timeline, fold
from tests.rules.supervision_timeline.asking import asked, decided, parked, resumed, returned
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.toy import PROMISES, START

RECORD = Record("orders.events", 0, 0, None, b"")
STEPS = (
    "joined",
    "accepted",
    "contacted",
    "arrived",
    "noted",
    "done",
    "withdrawn",
    "routed",
    "passed",
    "failed",
    "called_back",
    "closed",
    "reopened",
    "returned",
    "refused",
)
ASKS = (*STEPS, "parked", "resumed", "extended", "supervised", "answered", "sent_back", "cleared")


def _step(story: Story, name: str, at: datetime) -> None:
    if name in _MOVES:
        _MOVES[name](story, at)
    elif name == "joined":
        story.joined(at, f"joined-{len(story.facts)}")
    elif name == "withdrawn":
        story.withdrawn(at, place=1)
    elif name == "routed":
        story.routed(at, ("street-b",), withdrawn=(story.assignment(0),))
    elif name in ("passed", "failed"):
        story.verified(at, passed=name == "passed")
    elif name == "accepted":
        story.accepted(at, place=1, role=AssignmentRole.LEAD, lead="street-b")
    else:
        getattr(story, name)(at)


def _supervised(story: Story, at: datetime) -> None:
    said = {"level": 1, "answerer": "street-a", "by": "centre-district"}
    story.tell(Supervised, at, supervision_id=UUID(int=len(story.facts)), **said)


def _about(story: Story, at: datetime, kind: type[OrderFact], **said: Any) -> None:
    opened = [fact.supervision_id for fact in story.facts if isinstance(fact, Supervised)]
    if opened:
        story.tell(kind, at, supervision_id=opened[-1], **said)


def _refused(story: Story, at: datetime) -> None:
    id_ = asked(story, at, RequestKind.PARKING, at + minutes(900), name=f"refused-{len(story.facts)}")
    decided(story, at + minutes(1), id_, RequestKind.PARKING, RequestState.REFUSED)


def _resumed(story: Story, at: datetime) -> None:
    if any(isinstance(fact, OrderParked) for fact in story.facts):
        resumed(story, at)


def _extended(story: Story, at: datetime) -> None:
    until = at + minutes(700)
    id_ = asked(story, at, RequestKind.EXTENSION, until, name=f"extended-{len(story.facts)}")
    decided(story, at + minutes(1), id_, RequestKind.EXTENSION, RequestState.GRANTED, until)


_MOVES: dict[str, Callable[[Story, datetime], object]] = {
    "supervised": _supervised,
    "answered": lambda story, at: _about(story, at, SupervisionAnswered),
    "sent_back": lambda story, at: _about(story, at, SupervisionRefused, turn=len(story.facts)),
    "cleared": lambda story, at: _about(story, at, SupervisionCleared, cause="AssignmentDone"),
    "returned": lambda story, at: returned(story, at, since=at - minutes(5)),
    "refused": _refused,
    "parked": lambda story, at: parked(story, at, until=at + minutes(900)),
    "resumed": _resumed,
    "extended": _extended,
}


@st.composite
def stories(draw: st.DrawFn, asks: bool = False) -> Story:
    """An order with up to a dozen steps, in an order that dispatch might or might not allow; with `asks` it may be
    parked, go on, or get more time."""
    story = Story("law").opened(START, units=("street-a", "street-b"), triage=draw(st.booleans()))
    if not story.facts[0].assignments:  # type: ignore[attr-defined]
        story.routed(START + minutes(10), ("street-a", "street-b"))
    at = START + minutes(10)
    for name in draw(st.lists(st.sampled_from(ASKS if asks else STEPS), max_size=12)):
        at += minutes(draw(st.integers(0, 200)))
        _step(story, name, at)
    return story


def _asks(fact: OrderFact) -> bool:
    return isinstance(fact, RequestMade | RequestDecided | OrderParked | OrderResumed)


def folded(facts: list[OrderFact], order_id: UUID, *, renumber: bool = False) -> tuple[Timeline | None, int]:
    """What becomes of facts in the order they arrive."""
    if renumber:
        facts = [replace(fact, seq=number) for number, fact in enumerate(facts, 1)]
    sequence = Sequence({}, ())
    timeline: Timeline | None = None
    for fact in facts:
        for ready in sequence.take(fact, RECORD):
            timeline = fold(timeline, ready)
    return timeline, sequence.last.get(order_id, 0)


def of(timeline: Timeline | None, known: datetime | None = None) -> list[Clock]:
    assert timeline is not None
    return clocks(timeline, PROMISES, known)


@given(story=stories(asks=True), data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_order_of_arrival_and_any_repeats_give_the_same_clocks(story: Story, data: st.DataObject) -> None:
    straight, last = folded(story.facts, story.order_id)
    again = data.draw(st.lists(st.sampled_from(story.facts), max_size=5))
    shuffled = data.draw(st.permutations(story.facts + again))
    crooked, other = folded(shuffled, story.order_id)
    assert other == last == len(story.facts)
    assert of(crooked) == of(straight)


@given(story=stories())
@settings(max_examples=300, deadline=None)
def test_no_two_clocks_share_an_id_and_every_deadline_lies_after_its_start(story: Story) -> None:
    found = of(folded(story.facts, story.order_id)[0])
    assert len({clock.view.clock_id for clock in found}) == len(found) > 0
    for clock in found:
        assert clock.view.start <= clock.warn_at <= clock.view.due


@given(story=stories(), step=st.integers(0, 12))
@settings(max_examples=300, deadline=None)
def test_a_later_fact_never_moves_the_promise_to_a_reporter(story: Story, step: int) -> None:
    """`total` of a report, once made, is due when it was due; returns and hand-overs never reset it."""
    before = of(folded(story.facts[: step + 1], story.order_id)[0])
    after = {clock.view.clock_id: clock.view for clock in of(folded(story.facts, story.order_id)[0])}
    for clock in before:
        if clock.view.stage == "total":
            assert after[clock.view.clock_id].due == clock.view.due


@given(story=stories(asks=True))
@settings(max_examples=300, deadline=None)
def test_what_is_granted_moves_a_promise_only_later(story: Story) -> None:
    """Parked, extended, gone on again, refused, returned: never due before what was promised at the beginning."""
    plain = of(folded([fact for fact in story.facts if not _asks(fact)], story.order_id, renumber=True)[0])
    asked_for = {c.view.clock_id: c.view for c in of(folded(story.facts, story.order_id)[0])}
    for clock in plain:
        if clock.view.stage == "total" and clock.view.clock_id in asked_for:
            assert asked_for[clock.view.clock_id].due >= clock.view.due


@given(story=stories())
@settings(max_examples=300, deadline=None)
def test_every_unit_has_fair_limits_of_its_own_from_the_moment_it_was_asked(story: Story) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    asked_at = {(p.assignment_id, p.round, p.stint): p.offered_at for p in timeline.parts}
    for clock in of(timeline):
        if clock.view.stage in ("accept", "handle"):
            limit = 30 if clock.view.stage == "accept" else 120
            assert clock.view.due - clock.view.start == minutes(limit)
            assert clock.view.start in [at for (id_, _, _), at in asked_at.items() if id_ == clock.view.assignment_id]


@given(story=stories(), early=st.integers(0, 3000), later=st.integers(0, 3000))
@settings(max_examples=300, deadline=None)
def test_what_is_missed_stays_missed_as_time_goes_on(story: Story, early: int, later: int) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    first = of(timeline, START + minutes(early))
    second = of(timeline, START + minutes(early + later))
    for before, after in zip(first, second, strict=True):
        assert before.view.state == after.view.state or (before.view.state, after.view.state) == ("running", "missed")
