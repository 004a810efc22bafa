"""The clocks of commitments: since when, until when, how they stand."""

from collections.abc import Callable
from datetime import datetime

import pytest

from schemas.facts import CommitmentAccepted, CommitmentRung, SpecialCaseClosed
from schemas.vocabulary import ClockState, DeadlineNotice, Result, Stage
from services.supervision.rules.cases import MEETING_DUE, case_clocks, fold_case
from services.supervision.rules.timeline import Misplaced
from tests.rules.supervision_timeline.gathered import CaseStory
from tests.rules.supervision_timeline.story import minutes
from tests.rules.supervision_timeline.toy import START


def at(count: float) -> datetime:
    """So many minutes after the story began."""
    return START + minutes(count)


def met(*commits: tuple[str, float]) -> CaseStory:
    """A case with one meeting at minute 10."""
    return CaseStory("c").opened(at(0)).met(at(10), *((unit, at(due)) for unit, due in commits))


def test_each_commitment_has_a_clock_of_its_unit_from_the_meeting_on() -> None:
    story = met(("street-a", 110), ("street-b", 60))
    found = case_clocks(story.timeline())
    assert [c.view.clock_id for c in found] == [story.clock(0), story.clock(1)]
    first = found[0].view
    assert (first.stage, first.owner, first.policy, first.round) == (Stage.COMMITMENT, "street-a", MEETING_DUE, 1)
    assert (first.start, first.due, found[0].warn_at) == (at(10), at(110), at(90)), "warned after four fifths"
    assert first.state is ClockState.RUNNING


STORIES: list[tuple[str, Callable[[CaseStory], CaseStory], list[str]]] = [
    ("in time", lambda s: s.answered(at(110)), ["met"]),
    ("late", lambda s: s.answered(at(110.1)), ["missed"]),
    ("in time, told late", lambda s: s.answered(at(100), recorded=at(500)), ["met"]),
    ("withdrawn in time", lambda s: s.withdrawn(at(100)), ["cancelled"]),
    ("withdrawn late", lambda s: s.withdrawn(at(120)), ["missed"]),
    ("withdrawn after the answer", lambda s: s.answered(at(50)).withdrawn(at(120)), ["met"]),
    ("sent back", lambda s: s.answered(at(50)).sent_back(at(200), at(300)), ["met", "running"]),
    ("late and sent back", lambda s: s.answered(at(120)).sent_back(at(200), at(300)), ["missed", "running"]),
    ("twice", lambda s: s.answered(at(50)).sent_back(at(200), at(300)).answered(at(310)), ["met", "missed"]),
    (
        "let go the second time",
        lambda s: s.answered(at(50)).sent_back(at(200), at(300)).withdrawn(at(210)),
        ["met", "cancelled"],
    ),
]


@pytest.mark.parametrize(("tell", "states"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_how_a_clock_ends(tell: Callable[[CaseStory], CaseStory], states: list[str]) -> None:
    story = met(("street-a", 110), ("street-b", 60))
    found = case_clocks(tell(story).timeline())
    mine = [c.view for c in found if c.view.owner == "street-a"]
    assert [view.state for view in mine] == states
    assert [view.clock_id for view in mine] == [story.clock(0, asked) for asked in range(1, len(states) + 1)]
    assert [c.view.state for c in found if c.view.owner == "street-b"] == ["running"], "another's clock runs on"


def test_the_time_of_what_was_sent_back_begins_with_the_sending_back() -> None:
    story = met(("street-a", 110)).answered(at(50)).sent_back(at(200), at(300))
    again = case_clocks(story.timeline())[1]
    assert (again.view.start, again.view.due, again.warn_at, again.view.round) == (at(200), at(300), at(280), 2)


def test_what_moves_no_clock_leaves_the_timeline_as_it_is() -> None:
    story = met(("street-a", 110))
    before = story.timeline()
    story.tell(CommitmentRung, at(91), commitment_id=story.made[0], notice=DeadlineNotice.WARNED, due=at(110))
    story.tell(CommitmentAccepted, at(92), commitment_id=story.made[0])
    story.tell(SpecialCaseClosed, at(93), result=Result.SOLVED)
    after = before
    for fact in story.facts[2:]:
        after = fold_case(after, fact)
        assert after is before


def test_a_case_is_opened_once_and_first() -> None:
    story = met()
    with pytest.raises(Misplaced):
        fold_case(story.timeline(), story.facts[0])
    with pytest.raises(Misplaced):
        fold_case(None, story.facts[1])
