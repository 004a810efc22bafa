"""The answer to a supervision is a clock: of the unit that must give it, each time it is due."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from schemas.city import Limit
from schemas.facts import (
    Supervised,
    SupervisionAccepted,
    SupervisionAnswered,
    SupervisionCleared,
    SupervisionRefused,
)
from schemas.ids import clock_id_of
from schemas.vocabulary import LimitUnit, Stage, Urgency
from services.supervision.rules.stages import Promises, clocks
from services.supervision.rules.timeline import Timeline, fold
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.toy import CITY, START

URGENT = Limit("answer-urgent", Stage.ANSWER, 30, LimitUnit.MINUTE, urgencies=(Urgency.URGENT,))
PROMISES = Promises.of(replace(CITY, policy=replace(CITY.policy, limits=(URGENT, *CITY.policy.limits))))
ONE, TWO = UUID(int=1), UUID(int=2)


def at(count: float) -> datetime:
    return START + minutes(count)


def supervised(story: Story, moment: float, one: UUID = ONE, **said: Any) -> Story:
    values: dict[str, Any] = {"level": 1, "supervision_id": one, "answerer": "street-a", "by": "centre-district"}
    return story.tell(Supervised, at(moment), **(values | said))


def answers(story: Story) -> list[tuple[str, float, str]]:
    """Owner, minutes from the start to the due, and state of each answer's clock."""
    timeline: Timeline | None = None
    for fact in story.facts:
        timeline = fold(timeline, fact)
    assert timeline is not None
    found = [clock.view for clock in clocks(timeline, PROMISES) if clock.view.stage is Stage.ANSWER]
    return [(view.owner, (view.due - START).total_seconds() / 60, view.state) for view in found]


def test_it_runs_from_the_supervision_and_is_met_by_the_answer() -> None:
    story = supervised(Story("asked").opened(START), 40)
    assert answers(story) == [("street-a", 160, "running")]
    story.tell(SupervisionAnswered, at(100), supervision_id=ONE)
    assert answers(story) == [("street-a", 160, "met")]
    story.tell(SupervisionAccepted, at(110), supervision_id=ONE)
    assert answers(story) == [("street-a", 160, "met")]


def test_an_answer_that_went_back_is_due_anew_and_the_first_stays_what_it_was() -> None:
    story = supervised(Story("sent back").opened(START), 40)
    story.tell(SupervisionAnswered, at(200), supervision_id=ONE)
    story.tell(SupervisionRefused, at(210), supervision_id=ONE, turn=1)
    assert answers(story) == [("street-a", 160, "missed"), ("street-a", 330, "running")]
    story.tell(SupervisionAnswered, at(300), supervision_id=ONE)
    assert answers(story)[1] == ("street-a", 330, "met")


def test_its_clocks_have_names_that_dispatch_knows() -> None:
    story = supervised(Story("named").opened(START), 40)
    story.tell(SupervisionAnswered, at(50), supervision_id=ONE)
    story.tell(SupervisionRefused, at(60), supervision_id=ONE, turn=1)
    timeline: Timeline | None = None
    for fact in story.facts:
        timeline = fold(timeline, fact)
    assert timeline is not None
    ids = {clock.view.clock_id for clock in clocks(timeline, PROMISES)}
    assert {clock_id_of(story.order_id, 1, Stage.ANSWER, f"{ONE}/{turn}") for turn in (0, 1)} <= ids


def test_what_it_is_about_being_over_ends_it() -> None:
    story = supervised(supervised(Story("over").opened(START), 40), 40, TWO)
    story.tell(SupervisionCleared, at(60), supervision_id=ONE, cause="AssignmentDone")
    story.tell(SupervisionCleared, at(200), supervision_id=TWO, cause="AssignmentDone")
    assert [state for _, _, state in answers(story)] == ["cancelled", "missed"], "who was late stays late"


def test_an_order_that_ends_ends_it_and_a_new_round_does_not_bring_it_back() -> None:
    story = supervised(Story("closed").opened(START), 40).closed(at(50))
    assert answers(story) == [("street-a", 160, "cancelled")]
    story.reopened(at(60))
    assert answers(story) == [("street-a", 160, "cancelled")]


def test_rework_goes_on_with_it() -> None:
    story = Story("rework").opened(START).accepted(at(1)).done(at(2))
    supervised(story, 3).verified(at(4), passed=False)
    assert answers(story) == [("street-a", 123, "running")]


@pytest.mark.parametrize(("said", "due"), [(70, 70.0), (640, 160.0)])
def test_whoever_asks_may_want_it_sooner_but_not_later(said: float, due: float) -> None:
    story = supervised(Story("by then").opened(START), 40, answer_due=at(said))
    assert answers(story)[0][1] == due


def test_urgent_orders_are_answered_in_minutes() -> None:
    story = supervised(Story("urgent").opened(START, urgency=Urgency.URGENT), 10)
    assert answers(story) == [("street-a", 40, "running")]


def test_a_word_that_asks_for_no_answer_has_no_clock() -> None:
    story = Story("word").opened(START).tell(Supervised, at(40), level=1)
    story.tell(SupervisionAnswered, at(50), supervision_id=TWO).tell(
        SupervisionRefused, at(51), supervision_id=TWO, turn=1
    )
    assert answers(story) == []
