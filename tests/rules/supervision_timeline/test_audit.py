"""What the auditor finds wrong, one thing at a time, and that nothing is wrong with what we write ourselves."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.vocabulary import ClockState
from services.supervision.rules.audit import Fault, Standing, judge
from services.supervision.rules.stages import Clock, clocks
from services.supervision.rules.timeline import Timeline
from services.supervision.rules.timers import MISS, Armed, Stored, arm, with_state
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.test_laws import folded, stories
from tests.rules.supervision_timeline.test_stages import at, opened, told
from tests.rules.supervision_timeline.toy import PROMISES, START

Notices = dict[UUID, Standing]


def row(order_id: UUID, clock: Clock, armed: Armed, warned: datetime | None) -> Stored:
    view = clock.view
    return Stored(
        order_id=order_id,
        clock_id=view.clock_id,
        stage=view.stage.value,
        owner=view.owner,
        start=view.start,
        due=view.due,
        state=view.state.value,
        policy=view.policy,
        warned_due=warned,
        missed_due=armed.missed_due,
        next_at=armed.at,
        round=view.round,
        assignment_id=view.assignment_id,
        report_id=view.report_id,
        warn_at=clock.warn_at,
    )


def kept(timeline: Timeline, low: datetime) -> tuple[dict[UUID, Stored], Notices]:
    """Rows and notices as they are when every sweep did its work up to `low`."""
    stored: dict[UUID, Stored] = {}
    standing: Notices = {}
    for clock in clocks(timeline, PROMISES):
        id_ = clock.view.clock_id
        before: Stored | None = None
        found, armed = arm(clock, None, imported=False)
        warned = missed = None
        while armed.at is not None and armed.at < low:
            if armed.notice == MISS or clock.view.due < low:
                missed = clock.view.due
            else:
                warned = clock.view.due
            before = replace(row(timeline.order_id, found, armed, warned), missed_due=missed)
            found, armed = arm(clock, before, imported=False)
        if missed is not None and found.view.state is ClockState.RUNNING:
            found = Clock(with_state(found.view, ClockState.MISSED), found.warn_at)
        stored[id_] = row(timeline.order_id, found, armed, warned)
        standing[id_] = Standing(warned, missed)
    return stored, standing


def faults(story: Story, low: float, *, held: bool = False, spoil: Any = None, **notices: Any) -> list[tuple[str, str]]:
    """(fault, stage), after the row of the first clock (`accept`) was spoilt."""
    timeline = told(story)
    stored, standing = kept(timeline, at(low))
    first = next(iter(stored))
    if spoil is not None:
        spoilt = spoil(stored[first])
        stored = {id_: each for id_, each in stored.items() if id_ != first} | (
            {} if spoilt is None else {first: spoilt}
        )
    if notices:
        standing[first] = Standing(**notices)
    wrong = judge(clocks(timeline, PROMISES), stored, standing, story.order_id, at(low), held=held)
    return [(each.fault.value, each.stage) for each in wrong]


@given(story=stories(asks=True), low=st.integers(-10, 6000))
@settings(max_examples=300, deadline=None)
def test_what_is_kept_as_it_must_be_differs_in_nothing(story: Story, low: int) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    stored, standing = kept(timeline, START + minutes(low))
    found = clocks(timeline, PROMISES)
    assert judge(found, stored, standing, story.order_id, START + minutes(low), held=False) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda row: None, Fault.CLOCK_MISSING),
        (lambda row: replace(row, due=row.due + minutes(1)), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, warn_at=row.warn_at + minutes(1)), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, owner="street-b"), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, policy="other"), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, state="met"), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, stage="nonsense"), Fault.CLOCK_DIFFERS),
        (lambda row: replace(row, next_at=None), Fault.NOT_ARMED),
        (lambda row: replace(row, next_at=row.due), Fault.NOT_ARMED),
        (lambda row: replace(row, missed_due=row.due), Fault.CLOCK_DIFFERS),
    ],
)
def test_each_thing_that_can_be_wrong_with_a_row_is_found(spoil: Any, fault: Fault) -> None:
    assert faults(opened(), 5) == []
    assert faults(opened(), 5, spoil=spoil) == [(fault.value, "accept")]


def test_a_row_that_no_fact_promises_is_found_unless_it_is_cancelled() -> None:
    timeline = told(opened())
    stored, standing = kept(timeline, at(5))
    other = replace(next(iter(stored.values())), clock_id=uuid4())
    found = clocks(timeline, PROMISES)

    def wrong(extra: Stored) -> list[Fault]:
        rows = stored | {extra.clock_id: extra}
        return [each.fault for each in judge(found, rows, standing, timeline.order_id, at(5), held=False)]

    assert set(wrong(other)) == {Fault.CLOCK_EXTRA, Fault.NOT_ARMED}
    assert wrong(replace(other, state="cancelled", next_at=None)) == []


def test_what_should_have_been_said_and_was_not_is_found() -> None:
    def silent(row: Stored) -> Stored:
        return replace(row, state="running", warned_due=None, missed_due=None, next_at=at(24))

    assert faults(opened(), 26, spoil=silent, warned=None) == [("not_warned", "accept")]
    assert faults(opened(), 40, spoil=silent, missed=None) == [("not_missed", "accept")]

    def untold(row: Stored) -> Stored:
        return replace(row, missed_due=None, next_at=at(30))

    late = faults(opened().accepted(at(35)), 40, spoil=untold, missed=None)
    assert late == [("not_missed", "accept")], "accepted, but too late, and nobody was told"
    assert faults(opened(), 26, spoil=silent, warned=None, held=True) == [], "a fact of it waits"


def test_a_sweep_has_its_minute() -> None:
    def owing(row: Stored) -> Stored:
        return replace(row, next_at=at(24), warned_due=None)

    assert faults(opened(), 24.9, spoil=owing, warned=None) == []
    assert faults(opened(), 25.1, spoil=owing, warned=None) == [("not_warned", "accept")]


def test_a_miss_that_facts_do_not_bear_out_is_found() -> None:
    assert ("missed_wrongly", "accept") in faults(opened().accepted(at(10)), 40, missed=at(30))
    assert faults(opened(), 40) == [], "this one is borne out"
