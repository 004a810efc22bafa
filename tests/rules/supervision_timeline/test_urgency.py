"""Clocks of an order that becomes more urgent, or less. Limits of acceptance in the toy city, in minutes: 30,
urgent 10, critical 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import UrgencyChanged
from schemas.vocabulary import Urgency
from tests.rules.supervision_timeline.story import Story
from tests.rules.supervision_timeline.test_stages import at, opened, standing

N, U, C = Urgency
CHANGES = st.lists(st.tuples(st.sampled_from(Urgency), st.integers(1, 15)), max_size=5)


def changed(story: Story, minute: float, to: Urgency) -> Story:
    before = next((f.urgency for f in reversed(story.facts) if isinstance(f, UrgencyChanged)), N)
    return story.tell(UrgencyChanged, at(minute), urgency=to, before=before, reason="smoke")


def due(story: Story) -> float:
    """When acceptance is due, in minutes of the story."""
    (found,) = (clock.view for clock in standing(story) if clock.view.stage == "accept")
    assert found.start == at(0)
    return (found.due - at(0)).total_seconds() / 60


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], 30),
        ([(2, U)], 12),
        ([(2, C)], 7),
        ([(25, U)], 30),  # what was promised before and is sooner stays
        ([(2, U), (4, C)], 9),
        ([(2, U), (11, C)], 12),
        ([(2, C), (4, U)], 12),  # urgent, or more than that, since minute 2
        ([(2, C), (4, N)], 30),
        ([(2, C), (4, N), (6, U)], 16),
        ([(2, U), (3, N), (4, U)], 14),
    ],
)
def test_acceptance(changes: list[tuple[float, Urgency]], expected: float) -> None:
    story = opened()
    for minute, to in changes:
        changed(story, minute, to)
    assert due(story) == expected


def test_what_was_done_before_it_became_urgent_is_judged_by_what_held_then() -> None:
    story = changed(opened().accepted(at(20)), 21, C)
    assert due(story) == 30
    assert next(c.view.state for c in standing(story) if c.view.stage == "accept") == "met"


@given(changes=CHANGES, to=st.sampled_from([U, C]))
def test_becoming_more_urgent_never_gives_more_time_and_taking_it_back_gives_it_all_back(
    changes: list[tuple[Urgency, int]], to: Urgency
) -> None:
    story, minute, last = opened(), 0, N
    for urgency, later in changes:
        minute, last = minute + later, urgency
        changed(story, minute, urgency)
    before = due(story)
    if list(Urgency).index(to) > list(Urgency).index(last):
        changed(story, minute + 1, to)
        assert due(story) <= before
        changed(story, minute + 2, last)
    assert due(story) == before
