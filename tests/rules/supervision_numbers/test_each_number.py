"""Each number with examples that were counted by hand. The toy city promises: accept 30 min, contact 60, handle 120,
total 480, all from 10:00 on a Monday; a day ends at midnight in Shanghai."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from schemas.facts import (
    AssignmentReturned,
    CallbackRecorded,
    ClassCorrected,
    Hop,
    OrderMerged,
    RatingReceived,
    ReportJoined,
    ReportStub,
    RequestDecided,
    RequestMade,
    Supervised,
    Urged,
)
from schemas.ids import report_id_of
from schemas.vocabulary import (
    CallKind,
    OrderStatus,
    RequestKind,
    RequestReason,
    RequestState,
    Result,
    Satisfaction,
    Source,
    Tier,
)
from services.supervision.rules.kpi import overdue
from tests.rules.supervision_numbers.counted import BEARINGS, counted, days, folded, rows, settled, units
from tests.rules.supervision_timeline.story import NOISE, Story
from tests.rules.supervision_timeline.toy import START


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def story(name: str = "s", **given: Any) -> Story:
    return Story(name).opened(START, **given)


def handled(name: str = "s", **given: Any) -> Story:
    """Accepted after 10, contacted after 20, there after 30, done after 60, passed, called back, closed after 90."""
    told = story(name, **given).accepted(at(10)).contacted(at(20)).arrived(at(30)).done(at(60)).verified(at(70))
    return told.called_back(at(80)).closed(at(90))


def said(told: Story, minute: float, satisfied: Satisfaction, solved: bool | None = None, **given: Any) -> Story:
    values: dict[str, Any] = {"report_id": told.report, "reached": True, "satisfied": satisfied, "solved": solved}
    return told.tell(CallbackRecorded, at(minute), **(values | given))


def returned(told: Story, minute: float, *, ping_pong: bool = False, to: str = "street-b") -> Story:
    """The lead gives it back, and another gets it."""
    gone = told.assignment(0)
    request = uuid4()
    told.tell(
        RequestMade, at(minute - 1), request_id=request, assignment_id=gone, kind=RequestKind.RETURN,
        reason=RequestReason.NOT_OUR_DUTY, decider="centre-district",
    )  # fmt: skip
    told.tell(
        RequestDecided, at(minute), request_id=request, assignment_id=gone, kind=RequestKind.RETURN,
        outcome=RequestState.GRANTED,
    )  # fmt: skip
    return told.tell(
        AssignmentReturned, at(minute), request_id=request, assignment_id=gone, lead=to, ping_pong=ping_pong,
        path=(Hop(tier=Tier.STREET, unit=to, at=at(minute), by="rule"),), assignments=told._offers((to,)),
    )  # fmt: skip


def joined(told: Story, minute: float, name: str, source: Source = Source.HOTLINE, **given: Any) -> Story:
    stub = ReportStub(report_id=report_id_of("story", name), source=source, received_at=at(minute), **given)
    return told.tell(ReportJoined, at(minute), report=stub, why="near")


LATE = at(2000)  # all deadlines of the day have passed
CASES: list[tuple[str, Callable[[], Story], datetime | None, tuple[float, int] | None]] = [
    ("accept_in_time", lambda: story().accepted(at(30)), None, (1, 1)),  # on the very due is in time
    ("accept_in_time", lambda: story().accepted(at(31)), None, (0, 1)),
    ("accept_in_time", lambda: story(), None, None),  # still running: undecided
    ("accept_in_time", lambda: story(), at(31), (0, 1)),  # called missed
    ("accept_in_time", lambda: story(units=("street-a", "street-b")).accepted(at(5)), at(31), (1, 2)),
    ("accept_in_time", lambda: story().routed(at(10), ("street-b",), withdrawn=(story().assignment(0),)), at(20), None),
    ("first_dispatch", lambda: handled(), None, (1, 1)),
    ("first_dispatch", lambda: returned(story(), 10), None, (0, 1)),
    ("first_dispatch", lambda: story().accepted(at(5)), LATE, None),  # no verdict yet
    ("returned", lambda: returned(story(), 10), None, (1, 1)),
    ("returned", lambda: returned(story(), 10).done(at(60), place=1), None, (1, 2)),
    ("returned", lambda: handled(), None, (0, 1)),
    ("returned", lambda: story().withdrawn(at(5)), LATE, None),  # 收单 is not the unit's doing
    ("contact_in_time", lambda: story().contacted(at(60)), None, (1, 1)),
    ("contact_in_time", lambda: story().contacted(at(61)), None, (0, 1)),
    ("contact_in_time", lambda: story().contacted(at(20), reached=False), at(61), (0, 1)),
    ("contact_in_time", lambda: joined(story().contacted(at(20)), 30, "two", reachable=False), LATE, (1, 1)),
    ("answer_in_time", lambda: handled(), None, (1, 1)),
    ("answer_in_time", lambda: joined(story().accepted(at(5)), 100, "late"), at(481), (0, 1)),  # the second's runs on
    ("answer_in_time", lambda: joined(story(), 100, "late"), at(581), (0, 2)),
    ("answer_in_time", lambda: joined(story(source=Source.PATROL), 100, "late"), at(581), (0, 2)),  # order and report
    ("answer_in_time", lambda: joined(story(source=Source.PATROL), 9, "p", Source.PATROL), LATE, (0, 1)),  # one order
    ("answer_in_time", lambda: story().rejected(at(100)), LATE, None),
    ("handle_in_time", lambda: story().accepted(at(5)).done(at(120)), None, (1, 1)),
    ("handle_in_time", lambda: story().accepted(at(5)).done(at(121)), None, (0, 1)),
    ("handle_in_time", lambda: returned(story(), 119), None, None),  # returned in time: nobody's fault
    ("close_in_time", lambda: handled(), None, (1, 1)),
    ("close_in_time", lambda: story().accepted(at(5)), at(481), (0, 1)),  # late at once, not only when it closes
    ("close_in_time", lambda: story().rejected(at(5)), LATE, None),
    ("solved", lambda: handled(), None, (1, 1)),
    ("solved", lambda: _closed(Result.EXPLAINED), None, (0, 1)),
    ("solved", lambda: _closed(Result.NOT_POSSIBLE), None, None),
    ("solved", lambda: _closed(Result.SOLVED, more=2), None, (3, 3)),  # each reporter's case
    ("solved_said", lambda: said(_answered(), 80, Satisfaction.FAIR, True), None, (1, 1)),
    ("solved_said", lambda: said(_answered(), 80, Satisfaction.FAIR, False), None, (0, 1)),
    ("solved_said", lambda: handled(), None, None),  # nobody was asked
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.SATISFIED), None, (1, 1)),
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.MOSTLY), None, (0.8, 1)),
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.FAIR), None, (0.6, 1)),
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.DISSATISFIED), None, (0, 1)),
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.DISSATISFIED, kind=CallKind.HANDLER), None, None),
    ("satisfied", lambda: said(_answered(), 80, Satisfaction.FAIR, kind=CallKind.BEFORE_ANSWER), None, None),
    ("satisfied", lambda: _rated(said(_answered(), 80, Satisfaction.DISSATISFIED), 85), None, (1, 1)),  # last word
    ("rework", lambda: handled(), None, (0, 1)),
    ("rework", lambda: _reworked(), None, (1, 2)),
    ("reopened", lambda: handled(), None, (0, 1)),
    ("reopened", lambda: _reopened(), None, (1, 2)),
    ("repeat", lambda: joined(story(), 5, "again", repeat_of=story().report), None, (1, 2)),
    ("merged", lambda: joined(joined(story(), 5, "two"), 9, "three"), None, (2, 3)),
    ("found_first", lambda: story(source=Source.SENSOR), None, (1, 1)),
    ("found_first", lambda: story(), None, (0, 1)),
    ("found_first", lambda: joined(story(source=Source.PATROL), -5, "earlier"), None, (0, 1)),  # complained before
    ("found_first", lambda: story(source=Source.TASK), None, None),
    ("recurred", lambda: story(recurrence_of=uuid4()), None, (1, 1)),
    ("no_match", lambda: story(triage=True), None, (1, 1)),
    ("no_match", lambda: story(), None, (0, 1)),
    ("ping_pong", lambda: _closed(Result.SOLVED, ping_pong=True), None, (1, 1)),
    ("ping_pong", lambda: handled(), None, (0, 1)),
    ("urged", lambda: story().tell(Urged, at(20)).tell(Urged, at(25)), None, (1, 1)),  # an order once a day
    ("urged", lambda: story().tell(Urged, at(20)).tell(Urged, at(24 * 60)), None, (2, 2)),
    ("supervised_1", lambda: story().tell(Supervised, at(20), level=1), None, (1, 1)),
    ("supervised_2", lambda: story().tell(Supervised, at(20), level=1), None, None),
    ("supervised_3", lambda: story().tell(Supervised, at(20), level=4), None, (1, 1)),
    ("time_to_accept", lambda: story().accepted(at(10)), None, (600, 1)),
    ("time_to_accept", lambda: story().accepted(at(40)), None, (2400, 1)),  # late ones count too
    ("time_to_contact", lambda: story().contacted(at(20)), None, (1200, 1)),
    ("time_to_handle", lambda: story().accepted(at(10)).done(at(61)), None, (3660, 1)),
]


def _closed(result: Result, more: int = 0, ping_pong: bool = False) -> Story:
    told = story()
    for number in range(more):
        joined(told, 5 + number, f"more {number}")
    if ping_pong:
        returned(told, 10, ping_pong=True)
    told.accepted(at(20), place=1 if ping_pong else 0).done(at(60), place=1 if ping_pong else 0).verified(at(70))
    told.closed(at(90))
    last = told.facts.pop()
    return told.tell(type(last), at(90), result=result)


def _answered() -> Story:
    return story().accepted(at(10)).done(at(60)).verified(at(70))


def _rated(told: Story, minute: float) -> Story:
    return told.tell(
        RatingReceived, at(minute), report_id=told.report, satisfied=Satisfaction.SATISFIED, solved=True, corrected=True
    )


def _reworked() -> Story:
    return story().accepted(at(5)).done(at(40)).verified(at(45), passed=False).done(at(80)).verified(at(85))


def _reopened() -> Story:
    told = handled().reopened(at(100))
    return told.accepted(at(105), place=1).done(at(150), place=1).verified(at(160)).closed(at(170))


@pytest.mark.parametrize(
    ("kpi", "tell", "until", "expected"), CASES, ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)]
)
def test_counted_by_hand(
    kpi: str, tell: Callable[[], Story], until: datetime | None, expected: tuple[float, int] | None
) -> None:
    found = counted(tell(), until).get(kpi)
    assert found == (None if expected is None else pytest.approx(expected))


def test_every_number_has_its_examples() -> None:
    from services.supervision.rules.kpi import KPIS

    assert {case[0] for case in CASES} | {"overdue_open"} == {kpi.kpi for kpi in KPIS}


def test_an_order_open_past_its_newest_promise_is_overdue() -> None:
    def is_overdue(told: Story, until: datetime) -> bool:
        timeline, ledger = folded(told.facts)
        return overdue(timeline, ledger, settled(timeline, until), BEARINGS) is not None

    assert not is_overdue(story(), at(480))
    assert is_overdue(story(), at(481))
    assert not is_overdue(handled(), LATE), "closed"
    late = story().accepted(at(5)).done(at(600)).verified(at(610)).closed(at(620))
    assert not is_overdue(late, at(700))
    assert not is_overdue(late.reopened(at(700)), at(800)), "the new promise runs"
    assert is_overdue(late, at(1200))


def test_an_imported_past_and_what_was_entered_in_error_count_nowhere() -> None:
    assert counted(story(imported=True).closed(at(5000), imported=True), LATE) == {}
    assert counted(handled().reopened(at(95)).voided(at(99)), LATE) == {}


def test_an_order_that_went_into_another_keeps_what_its_units_did_and_counts_as_no_problem() -> None:
    told = story().accepted(at(10))
    told.status = OrderStatus.MERGED
    told.tell(OrderMerged, at(20), into=uuid4(), reports=())
    assert set(counted(told, LATE)) == {"accept_in_time", "time_to_accept", "merged", "repeat"}


def test_a_miss_counts_on_the_day_of_the_deadline_and_a_late_acceptance_does_not_move_it() -> None:
    evening = START + timedelta(hours=13, minutes=45)  # 23:45 in Shanghai: due at 00:15 of the 3rd
    told = Story("night").opened(evening)
    assert days(told, "accept_in_time", LATE) == ["2026-03-03"]
    assert days(told.accepted(evening + timedelta(days=2)), "accept_in_time", LATE) == ["2026-03-03"]
    assert days(told, "time_to_accept") == ["2026-03-04"], "how long it took is known when it was over"
    early = Story("early").opened(evening).accepted(evening + timedelta(minutes=5))
    assert days(early, "accept_in_time") == ["2026-03-02"]


def test_what_an_order_becomes_later_does_not_move_what_was_decided_before() -> None:
    told = story().accepted(at(10))
    told.tell(ClassCorrected, at(200), request_id=uuid4(), class_ref=NOISE)
    majors = {row.major for row in rows(told) if row.den & 1}
    assert majors == {"设施"}
    assert {row.major for row in rows(told.done(at(230))) if row.den & (1 << 5)} == {"环境"}


def test_a_first_dispatch_is_the_centres_and_a_return_the_units() -> None:
    told = returned(story(), 10)
    assert units(told, "first_dispatch") == ["centre-district"]
    assert units(told, "returned") == ["street-a"]


def test_the_district_is_that_of_the_place_and_the_tier_that_of_the_unit() -> None:
    (row,) = [row for row in rows(story().accepted(at(5))) if row.den & 1]
    assert (row.district, row.tier, row.source, row.unit) == ("D", "street", "hotline", "street-a")
