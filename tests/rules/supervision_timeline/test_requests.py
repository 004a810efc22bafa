"""Requests and clocks: nothing moves until a request is granted, and then only later."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.facts import (
    AssignmentReturned,
    ClassCorrected,
    OrderResumed,
    RequestEscalated,
)
from schemas.ids import NAMESPACE, clock_id_of
from schemas.vocabulary import OrderStatus, RequestKind, RequestState, Stage
from services.supervision.rules.stages import Clock, clocks
from services.supervision.rules.timeline import fold
from tests.rules.supervision_timeline.asking import asked, decided
from tests.rules.supervision_timeline.story import NOISE, Story, minutes
from tests.rules.supervision_timeline.toy import PROMISES, START

K, G = RequestKind, RequestState


def working(name: str = "asks") -> Story:
    """An order that its lead works on."""
    return Story(name).opened(START).accepted(START + minutes(5))


def of(story: Story, known: datetime | None = None) -> list[Clock]:
    timeline = None
    for fact in story.facts:
        timeline = fold(timeline, fact)
    assert timeline is not None
    return clocks(timeline, PROMISES, known)


def dues(story: Story, *, decisions: bool = False) -> dict[UUID, tuple[Any, ...]]:
    """Everything that a clock says, by its id; the clocks of decisions only when asked for."""
    return {
        c.view.clock_id: (c.view.stage, c.view.start, c.view.due, c.warn_at, c.view.state, c.view.owner)
        for c in of(story)
        if decisions or c.view.stage is not Stage.DECIDE
    }


def due(story: Story, stage: Stage, known: datetime | None = None) -> tuple[datetime, str]:
    """Due and state of the newest clock of a stage."""
    found = [c.view for c in of(story, known) if c.view.stage is stage][-1]
    return found.due, found.state


@given(
    kind=st.sampled_from(RequestKind),
    outcome=st.sampled_from([None, G.REFUSED]),
    ask=st.integers(6, 300),
    later=st.integers(0, 300),
    ends=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_refused_or_undecided_requests_leave_every_clock_as_if_nothing_had_been_asked(
    kind: RequestKind, outcome: RequestState | None, ask: int, later: int, ends: bool
) -> None:
    plain, story = working(), working()
    id_ = asked(story, START + minutes(ask), kind, START + minutes(5000))
    if later % 3 == 0:
        story.tell(RequestEscalated, START + minutes(ask + later), request_id=id_, decider="centre-city", level=1)
    if outcome is not None:
        decided(story, START + minutes(ask + later), id_, kind, outcome)
    if ends:
        for each in (plain, story):
            each.done(START + minutes(ask + later + 1))
    assert dues(story) == dues(plain)


@given(
    grants=st.lists(
        st.tuples(st.sampled_from([K.EXTENSION, K.DEFERRAL, K.PARKING]), st.integers(0, 110), st.integers(1, 3000)),
        max_size=3,
    )
)
@settings(max_examples=200, deadline=None)
def test_more_that_is_granted_never_makes_anything_due_earlier(grants: list[tuple[RequestKind, int, int]]) -> None:
    story = working()
    before = dues(story)
    at = START + minutes(5)
    for number, (kind, wait, length) in enumerate(grants):
        at += minutes(wait)
        until = at + minutes(length)
        decided(story, at, asked(story, at, kind, until, f"r{number}"), kind, G.GRANTED, until)
        after = dues(story)
        assert set(after) == set(before)
        for id_, was in before.items():
            assert after[id_][2] >= was[2] and after[id_][0:2] == was[0:2]
        before = after


def test_an_extension_sets_a_new_end_for_the_unit_and_the_reporters() -> None:
    story = working()
    assert due(story, Stage.HANDLE)[0] == START + minutes(120)
    until = START + minutes(1000)
    decided(
        story, START + minutes(60), asked(story, START + minutes(50), K.EXTENSION, until), K.EXTENSION, G.GRANTED, until
    )
    assert due(story, Stage.HANDLE)[0] == due(story, Stage.TOTAL)[0] == until
    assert due(story, Stage.CONTACT)[0] == START + minutes(60), "who was to be contacted is to be contacted"


def test_a_deferral_gives_back_the_time_until_its_date() -> None:
    story = working()
    until = START + minutes(90)
    decided(
        story, START + minutes(60), asked(story, START + minutes(30), K.DEFERRAL, until), K.DEFERRAL, G.GRANTED, until
    )
    assert due(story, Stage.HANDLE)[0] == START + minutes(150), "from the decision, not from the asking"


def test_a_parked_order_stands_still_until_it_goes_on() -> None:
    story = working()
    review = START + minutes(10_000)
    id_ = asked(story, START + minutes(50), K.PARKING, review)
    decided(story, START + minutes(60), id_, K.PARKING, G.GRANTED, review)
    assert due(story, Stage.HANDLE, START + minutes(20_000))[1] == "paused"
    watch = next(c.view for c in of(story) if c.view.policy == "review_date")
    assert (watch.due, watch.owner, watch.state) == (review, "centre-district", "running")
    assert watch.clock_id == clock_id_of(story.order_id, 1, Stage.DECIDE, f"{id_}/review")
    story.status = OrderStatus.HANDLING
    story.tell(OrderResumed, START + minutes(1060), reason="money")
    assert due(story, Stage.HANDLE) == (START + minutes(1120), "running")
    assert due(story, Stage.TOTAL)[0] == START + minutes(1480)


def test_what_was_late_before_it_was_parked_stays_late() -> None:
    story = working()
    review = START + minutes(10_000)
    id_ = asked(story, START + minutes(50), K.PARKING, review)
    decided(story, START + minutes(130), id_, K.PARKING, G.GRANTED, review)
    assert due(story, Stage.HANDLE, START + minutes(200)) == (START + minutes(120), "missed")


def test_every_centre_that_a_request_lies_before_has_its_clock() -> None:
    story = working()
    id_ = asked(story, START + minutes(10), K.EXTENSION, START + minutes(500))
    story.tell(RequestEscalated, START + minutes(40), request_id=id_, decider="centre-city", level=1)
    decided(story, START + minutes(50), id_, K.EXTENSION, G.REFUSED)
    views = [c.view for c in of(story) if c.view.stage is Stage.DECIDE]
    assert [(v.owner, v.state, v.due - v.start) for v in views] == [
        ("centre-district", "missed", timedelta(minutes=20)),
        ("centre-city", "met", timedelta(minutes=20)),
    ]
    assert [v.clock_id for v in views] == [
        clock_id_of(story.order_id, 1, Stage.DECIDE, f"{id_}/{level}") for level in (0, 1)
    ]


def test_whoever_returned_it_in_time_is_not_late_and_the_next_has_a_fair_time() -> None:
    story = Story("return").opened(START)
    id_ = asked(story, START + minutes(20), K.RETURN)
    decided(story, START + minutes(500), id_, K.RETURN, G.GRANTED)
    first, path = story.assignment(0), story.facts[0].path  # type: ignore[attr-defined]
    offers = story._offers(("street-b",))
    story.tell(
        AssignmentReturned,
        START + minutes(500),
        request_id=id_,
        assignment_id=first,
        lead="street-b",
        path=path,
        assignments=offers,
        status=OrderStatus.DISPATCHED,
    )
    found = {(c.view.stage, c.view.owner): c.view for c in of(story)}
    assert found[Stage.ACCEPT, "street-a"].state == found[Stage.HANDLE, "street-a"].state == "cancelled"
    assert found[Stage.ACCEPT, "street-b"].start == START + minutes(500)
    assert found[Stage.HANDLE, "street-b"].due == START + minutes(620)
    total = next(c.view for c in of(story) if c.view.stage is Stage.TOTAL)
    assert total.due == START + minutes(480), "a return never resets the promise"


def test_another_class_counts_by_its_own_limits() -> None:
    story = working()
    story.tell(ClassCorrected, START + minutes(50), request_id=uuid5(NAMESPACE, "c"), class_ref=NOISE)
    assert due(story, Stage.HANDLE)[0] == START + minutes(240)
    assert due(story, Stage.TOTAL)[0] == START + minutes(600)


def test_a_request_that_lapsed_asks_nothing_of_its_decider() -> None:
    story = working()
    asked(story, START + minutes(10), K.EXTENSION, START + minutes(500))
    story.done(START + minutes(15))
    assert [c.view.state for c in of(story, START + minutes(900)) if c.view.stage is Stage.DECIDE] == ["cancelled"]
