"""Clocks of parts that were passed on, and of another lead. Limits of the toy city: see test_stages."""

from datetime import datetime
from typing import Any

from schemas.facts import (
    AssignmentDone,
    AssignmentOffer,
    AssignmentOffered,
    AssignmentSentBack,
    AssignmentWithdrawn,
    Hop,
    LeadChanged,
)
from schemas.ids import assignment_id_of
from schemas.vocabulary import AssignmentRole, OrderStatus, Result, Tier
from tests.rules.supervision_timeline.story import PATH, Story
from tests.rules.supervision_timeline.test_stages import Brief, at, opened, seen, standing

ASSIST = AssignmentRole.ASSIST


def offer(story: Story, unit: str, place: int, role: AssignmentRole = ASSIST, **given: Any) -> AssignmentOffer:
    id_ = assignment_id_of(story.order_id, unit, place)
    return AssignmentOffer(assignment_id=id_, unit=unit, role=role, tier=Tier.STREET, **given)


def passed_on(story: Story, minute: float, unit: str, place: int, above: int = 0, due: datetime | None = None) -> Story:
    parent = story.assignment(above) if above == 0 else assignment_id_of(story.order_id, "station", above)
    child = offer(story, unit, place, parent=parent)
    return story.tell(AssignmentOffered, at(minute), assignment_id=parent, offer=child, due=due)


def lead_changed(story: Story, minute: float, to: AssignmentOffer, status: OrderStatus) -> Story:
    story.status = status
    path = tuple(Hop(tier=Tier(tier), unit=unit, at=at(minute), by="person") for tier, unit in PATH)
    return story.tell(
        LeadChanged, at(minute), lead=to.unit, offer=to, before=story.assignment(0), path=path, reason="more its matter"
    )


def of(briefs: list[Brief], owner: str) -> list[tuple[str, float, float, str]]:
    return [(b.stage, b.start, b.due, b.state) for b in briefs if b.owner == owner]


def test_a_child_has_clocks_of_its_own_and_its_parents_run_on() -> None:
    story = passed_on(opened().accepted(at(10)), 40, "station", 1)
    found = seen(story)
    assert of(found, "station") == [("accept", 40, 70, "running"), ("handle", 40, 160, "running")]
    assert ("handle", 0, 120, "running") in of(found, "street-a")
    assert ("total", 0, 480, "running") in of(found, "centre-city")


def test_the_parents_wish_counts_where_it_is_sooner_than_the_policy() -> None:
    for wish, due in ((at(100), 100), (at(1000), 160), (None, 160)):
        found = of(seen(passed_on(opened().accepted(at(10)), 40, "station", 1, due=wish)), "station")
        assert found[-1] == ("handle", 40, due, "running")


def test_an_answer_sent_back_lets_the_same_clock_run_on_without_a_new_round() -> None:
    story = passed_on(opened().accepted(at(10)), 40, "station", 1)
    child = assignment_id_of(story.order_id, "station", 1)
    done = {"assignment_id": child, "role": ASSIST, "result": Result.SOLVED}
    story.tell(AssignmentDone, at(100), **done)
    assert ("handle", 40, 160, "met") in of(seen(story), "station")
    story.tell(AssignmentSentBack, at(120), assignment_id=child, reason="no photo")
    assert ("handle", 40, 160, "running") in of(seen(story), "station")
    assert ("handle", 40, 160, "missed") in of(seen(story, known=at(200)), "station")
    assert {b.round for b in seen(story)} == {1}


def test_what_is_taken_back_ends_with_all_that_was_passed_on_from_it() -> None:
    story = passed_on(opened().accepted(at(10)), 40, "station", 1)
    passed_on(story, 50, "committee", 2, above=1)
    id_ = assignment_id_of(story.order_id, "station", 1)
    story.tell(AssignmentWithdrawn, at(60), assignment_id=id_, reason="done by ourselves")
    for unit in ("station", "committee"):
        assert {state for _, _, _, state in of(seen(story), unit)} == {"cancelled"}


def test_an_assist_that_becomes_the_lead_gets_limits_of_its_own_and_keeps_what_it_missed() -> None:
    story = opened(units=("street-a", "street-b")).accepted(at(5)).accepted(at(20), place=1, role=ASSIST)
    lead_changed(story, 130, offer(story, "street-b", 1, AssignmentRole.LEAD), OrderStatus.HANDLING)
    found = of(seen(story, known=at(140)), "street-b")
    assert [clock for clock in found if clock[0] in ("accept", "handle")] == [
        ("accept", 0, 30, "met"),
        ("handle", 0, 120, "missed"),  # as an assist; that stays
        ("handle", 130, 250, "running"),  # as the lead, who accepted long ago
    ]
    assert ("handle", 0, 120, "missed") in of(seen(story, known=at(140)), "street-a"), "the former lead's run on"
    clocks = standing(story)
    assert len({clock.view.clock_id for clock in clocks}) == len(clocks), "each stint has ids of its own"


def test_a_unit_asked_to_lead_gets_acceptance_and_handling_and_the_citizens_promise_is_untouched() -> None:
    before = opened().accepted(at(5))
    promised = [b for b in seen(before) if b.stage in ("total", "contact")]
    story = lead_changed(before, 50, offer(before, "street-b", 1, AssignmentRole.LEAD), OrderStatus.DISPATCHED)
    found = seen(story)
    assert of(found, "street-b") == [
        ("accept", 50, 80, "running"),
        ("handle", 50, 170, "running"),
        ("contact", 0, 60, "running"),  # the same promise to the reporter, now the new lead's to keep
    ]
    assert {(b.stage, b.start, b.due) for b in found} >= {(b.stage, b.start, b.due) for b in promised}
