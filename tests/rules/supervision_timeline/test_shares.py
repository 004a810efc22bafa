"""Who used how much of a promise: cases, and the law that the parts add up."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.facts import AssignmentAccepted, AssignmentDone, AssignmentOffered
from schemas.ids import assignment_id_of
from schemas.vocabulary import AssignmentRole, Result
from services.supervision.rules.shares import Share, shares, uses
from tests.rules.supervision_timeline.asking import parked, resumed, returned
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.test_laws import folded, stories
from tests.rules.supervision_timeline.test_stages import at, opened, told
from tests.rules.supervision_timeline.test_tree import offer
from tests.rules.supervision_timeline.toy import PROMISES, START


def used(story: Story, now: float, place: int = 0, report: int = 0) -> list[tuple[str, str, float, float]]:
    """(stage, unit, from, to) in minutes of the story."""
    return [
        (use.stage, use.unit, (use.since - START) / minutes(1), (use.until - START) / minutes(1))
        for use in uses(told(story), PROMISES, place, report, at(now))
    ]


def test_a_plain_life_is_accepted_handled_and_checked() -> None:
    story = opened(received_at=at(-10)).accepted(at(20)).done(at(100)).verified(at(130)).closed(at(500))
    assert used(story, 1000) == [
        ("intake", "", -10, 0),
        ("accept", "street-a", 0, 20),
        ("handle", "street-a", 20, 100),
        ("verify", "centre-district", 100, 130),
    ], "the call-back after the answer is no part of the promise"


def test_what_still_runs_is_used_until_now() -> None:
    assert used(opened().accepted(at(20)), 25) == [("accept", "street-a", 0, 20), ("handle", "street-a", 20, 25)]
    assert used(opened().accepted(at(20)), 15) == [("accept", "street-a", 0, 15)], "what is to come is not used yet"
    assert used(opened(), 0) == []


def test_a_triage_is_the_centres_and_a_return_is_the_deciders() -> None:
    story = opened(triage=True).routed(at(15), ("street-a",))
    returned(story, at(60), since=at(40))
    story.accepted(at(70), place=1, lead="street-b")
    assert used(story, 90) == [
        ("triage", "centre-district", 0, 15),
        ("accept", "street-a", 15, 40),
        ("decide", "centre-district", 40, 60),
        ("accept", "street-b", 60, 70),
        ("handle", "street-b", 70, 90),
    ]


def test_time_that_stands_still_is_nobodys() -> None:
    story = opened().accepted(at(10))
    parked(story, at(30), until=at(5000))
    resumed(story, at(300))
    assert used(story, 310) == [
        ("accept", "street-a", 0, 10),
        ("handle", "street-a", 10, 30),
        ("paused", "", 30, 300),
        ("handle", "street-a", 300, 310),
    ]


def test_a_part_passed_on_is_in_the_hands_of_whoever_got_it() -> None:
    story = opened().accepted(at(10))
    child = offer(story, "station", 1, parent=story.assignment(0))
    story.tell(AssignmentOffered, at(40), assignment_id=story.assignment(0), offer=child)
    id_ = assignment_id_of(story.order_id, "station", 1)
    story.tell(AssignmentAccepted, at(50), assignment_id=id_, role=AssignmentRole.ASSIST, lead="street-a")
    story.tell(AssignmentDone, at(80), assignment_id=id_, role=AssignmentRole.ASSIST, result=Result.SOLVED)
    assert used(story, 100) == [
        ("accept", "street-a", 0, 10),
        ("handle", "street-a", 10, 40),
        ("accept", "station", 40, 50),
        ("handle", "station", 50, 80),
        ("handle", "street-a", 80, 100),
    ]


def test_the_first_to_accept_holds_it_from_then_on() -> None:
    story = opened(units=("street-a", "street-b")).accepted(at(20), place=1, lead="street-b")
    assert used(story, 30) == [("accept", "street-a", 0, 20), ("handle", "street-b", 20, 30)]


def test_rework_uses_on_and_a_reopened_round_begins_anew() -> None:
    story = opened().accepted(at(10)).done(at(50)).verified(at(60), passed=False).done(at(90)).verified(at(95))
    assert used(story, 500) == [
        ("accept", "street-a", 0, 10),
        ("handle", "street-a", 10, 50),
        ("verify", "centre-district", 50, 60),
        ("handle", "street-a", 60, 90),
        ("verify", "centre-district", 90, 95),
    ]
    assert uses(told(story), PROMISES, 1, 0, at(500)) == [], "rework makes no promise of its own"
    story.closed(at(100)).reopened(at(200))
    assert used(story, 230, place=2) == [("accept", "street-a", 200, 230)]


def test_shares_are_added_up_in_the_order_of_first_use() -> None:
    story = opened().accepted(at(10)).done(at(50)).verified(at(60), passed=False).done(at(90)).verified(at(95))
    found = shares(uses(told(story), PROMISES, 0, 0, at(500)), PROMISES.newest.terms, "total")
    minute = 60_000_000
    assert found == [
        Share("accept", "street-a", 10 * minute, 10 * minute),
        Share("handle", "street-a", 70 * minute, 70 * minute),
        Share("verify", "centre-district", 15 * minute, 15 * minute),
    ]


@pytest.mark.parametrize("policy", ["total", "source_due"])
@given(story=stories(asks=True), now=st.integers(-100, 6000), data=st.data())
@settings(max_examples=200, deadline=None)
def test_the_parts_add_up_to_the_whole(policy: str, story: Story, now: int, data: st.DataObject) -> None:
    timeline = folded(story.facts, story.order_id)[0]
    assert timeline is not None
    moment: datetime = START + minutes(now)
    terms = PROMISES.newest.terms
    for place in range(len(timeline.rounds)):
        for report in range(len(timeline.voices)):
            found = uses(timeline, PROMISES, place, report, moment)
            for one, after in zip(found, found[1:], strict=False):
                assert one.until == after.since and (one.stage, one.unit) != (after.stage, after.unit)
            if not found:
                continue
            assert all(use.since < use.until for use in found)
            assert all(use.unit or use.stage in ("intake", "paused") for use in found)
            assert found[-1].until <= max(moment, found[-1].since)
            parts = shares(found, terms, policy)
            limit = terms.limit(policy) if terms.knows(policy) else None
            assert sum(part.real for part in parts) == terms.spent(None, found[0].since, found[-1].until)
            assert sum(part.counted for part in parts) == terms.spent(limit, found[0].since, found[-1].until)
            later = uses(timeline, PROMISES, place, report, moment + minutes(data.draw(st.integers(0, 500))))
            assert later[: len(found) - 1] == found[:-1], "what was used stays used"
