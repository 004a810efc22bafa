"""Which version of the policy covers which clock; and a centre's time to dispatch."""

from datetime import datetime
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.city import City, Limit
from schemas.facts import AssignmentOffered
from schemas.vocabulary import LimitUnit, Stage
from services.supervision.rules.stages import Promises, clocks, promises
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.test_laws import folded, stories
from tests.rules.supervision_timeline.test_stages import at, opened, told
from tests.rules.supervision_timeline.test_tree import offer
from tests.rules.supervision_timeline.toy import CITY, PROMISES, START

Covers = Literal["clocks", "orders"]


def promises_of(city: City) -> Promises:
    """By the calendar that is made already, because a hundred would take their time."""
    with pytest.MonkeyPatch.context() as patch:
        made = list(PROMISES.newest.terms.calendars.values())
        patch.setattr(promises.Calendar, "of", lambda data: made[0])
        return Promises.of(city)


def switched(since: datetime, covers: Covers) -> City:
    """The toy city, whose limits are halved from a moment on."""
    halved = tuple(replace(limit, amount=limit.amount / 2) for limit in CITY.policy.limits)
    policy = replace(CITY.policy, version="2", limits=halved, since=since, covers=covers)
    return replace(CITY, policy=policy, earlier_policies=(CITY.policy,))


def minutes_of(story: Story, by: Promises) -> dict[str, float]:
    return {
        f"{clock.view.stage}{clock.view.round}": (clock.view.due - clock.view.start) / minutes(1)
        for clock in clocks(told(story), by)
    }


def reopened() -> Story:
    story = opened().accepted(at(5)).done(at(50)).verified(at(60)).closed(at(80))
    return story.reopened(at(500))


def test_from_a_date_means_clocks_that_start_then() -> None:
    found = minutes_of(reopened(), Promises.of(switched(at(200), "clocks")))
    assert (found["handle1"], found["total1"]) == (120, 480)
    assert (found["handle2"], found["total2"]) == (60, 240), "the second round began after the switch"


def test_for_new_orders_only_means_orders_opened_then() -> None:
    found = minutes_of(reopened(), Promises.of(switched(at(200), "orders")))
    assert (found["handle1"], found["handle2"], found["total2"]) == (120, 120, 480)
    found = minutes_of(reopened(), Promises.of(switched(at(0), "orders")))
    assert (found["handle1"], found["handle2"], found["total2"]) == (60, 60, 240), "from the very moment on"


def test_the_newest_version_that_covers_a_clock_counts() -> None:
    doubled = replace(
        CITY.policy,
        version="1b",
        limits=tuple(replace(limit, amount=limit.amount * 2) for limit in CITY.policy.limits),
        since=at(-10),
        covers="orders",
    )
    city = replace(switched(at(400), "clocks"), earlier_policies=(CITY.policy, doubled))
    found = minutes_of(reopened(), Promises.of(city))
    assert (found["handle1"], found["handle2"]) == (240, 60)


@pytest.mark.parametrize("covers", ["clocks", "orders"])
@given(story=stories(asks=True), turn=st.integers(-500, 3000))
@settings(max_examples=100, deadline=None)
def test_what_a_version_does_not_cover_stays_as_it_was(covers: Covers, story: Story, turn: int) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    since = START + minutes(turn)
    before = {clock.view.clock_id: clock for clock in clocks(timeline, PROMISES)}
    for clock in clocks(timeline, promises_of(switched(since, covers))):
        old = before[clock.view.clock_id]
        if (clock.view.start if covers == "clocks" else timeline.opened_at) < since:
            assert clock == old
        else:
            assert clock.view.due <= old.view.due


def test_a_centre_must_pass_on_what_it_holds() -> None:
    limit = Limit(limit_id="dispatch", stage=Stage.DISPATCH, amount=15, unit=LimitUnit.MINUTE)
    units = tuple(replace(u, function="centre") if u.unit_id == "street-a" else u for u in CITY.units)
    policy = replace(CITY.policy, limits=(*CITY.policy.limits, limit))
    with_centre = Promises.of(replace(CITY, policy=policy, units=units))

    def state(story: Story) -> list[tuple[str, str]]:
        found = clocks(told(story), with_centre)
        return [(c.view.owner, c.view.state) for c in found if c.view.stage is Stage.DISPATCH]

    def passing(when: float) -> Story:
        story = opened().accepted(at(5))
        child = offer(story, "station", 1, parent=story.assignment(0))
        return story.tell(AssignmentOffered, at(when), assignment_id=story.assignment(0), offer=child)

    assert state(opened(units=("street-a", "street-b"))) == [("street-a", "running")], "street-b is no centre"
    assert state(passing(15)) == [("street-a", "met")]
    assert state(passing(16)) == [("street-a", "missed")]
    assert state(opened().done(at(10))) == [("street-a", "cancelled")], "it did it itself"
    assert [c for c in clocks(told(opened()), PROMISES) if c.view.stage is Stage.DISPATCH] == []
