"""Which clocks a story has and how they stand. Limits of the toy city, in minutes: triage 20, accept 30, contact 60,
handle 120 (noise 240), verify 60, callback 90, total 480."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest

from schemas.city import Limit
from schemas.facts import CallbackRecorded, ClockView, RatingReceived
from schemas.ids import assignment_id_of, clock_id_of, report_id_of
from schemas.vocabulary import AssignmentRole, CallKind, Satisfaction, Source, Stage, TicketType
from services.supervision.rules.stages import SOURCE_DUE, Asked, Clock, clocks
from services.supervision.rules.timeline import Misplaced, Timeline, fold
from tests.rules.supervision_timeline.story import NOISE, Story, minutes
from tests.rules.supervision_timeline.toy import PROMISES, START


def at(count: float) -> datetime:
    """So many minutes after the story began."""
    return START + minutes(count)


def told(story: Story) -> Timeline:
    timeline = None
    for fact in story.facts:
        timeline = fold(timeline, fact)
    assert timeline is not None
    return timeline


def standing(story: Story, known: datetime | None = None) -> list[Clock]:
    return clocks(told(story), PROMISES, known)


@dataclass(frozen=True)
class Brief:
    """A clock in short: when it started and is due, in minutes of the story."""

    stage: str
    start: float
    due: float
    state: str
    owner: str = "street-a"
    round: int = 1


def brief(view: ClockView) -> Brief:
    start, due = ((moment - START).total_seconds() / 60 for moment in (view.start, view.due))
    return Brief(view.stage, start, due, view.state, view.owner, view.round)


def seen(story: Story, known: datetime | None = None) -> list[Brief]:
    return [brief(clock.view) for clock in standing(story, known)]


def opened(**given: object) -> Story:
    return Story("s").opened(START, **given)


def test_an_opened_order_promises_acceptance_handling_contact_and_the_whole() -> None:
    assert seen(opened()) == [
        Brief("accept", 0, 30, "running"),
        Brief("handle", 0, 120, "running"),
        Brief("contact", 0, 60, "running"),
        Brief("total", 0, 480, "running", "centre-city"),
    ]


def test_every_assignment_has_its_own_clocks_and_id() -> None:
    story = opened(units=("street-a", "street-b"))
    found = {(c.view.stage, c.view.owner): c.view.clock_id for c in standing(story) if c.view.assignment_id}
    assert set(found) == {(stage, unit) for stage in ("accept", "handle") for unit in ("street-a", "street-b")}
    second = assignment_id_of(story.order_id, "street-b", 1)
    assert found["accept", "street-b"] == clock_id_of(story.order_id, 1, "accept", str(second))
    assert len({c.view.clock_id for c in standing(story)}) == 6


@pytest.mark.parametrize(("when", "state"), [(29, "met"), (30, "met"), (30.001, "missed")])
def test_a_milestone_on_the_due_is_in_time_and_later_is_not(when: float, state: str) -> None:
    assert seen(opened().accepted(at(when)))[0].state == state


def test_a_milestone_counts_from_when_it_happened_not_when_it_was_written_down() -> None:
    assert seen(opened().accepted(at(20), recorded=at(600)))[0].state == "met"


def test_what_is_due_before_everything_known_is_missed_and_on_it_is_not() -> None:
    assert [c.state for c in seen(opened(), at(60))] == ["missed", "running", "running", "running"]
    assert [c.state for c in seen(opened(), at(60.1))] == ["missed", "running", "missed", "running"]


def test_being_done_leaves_nothing_to_accept() -> None:
    assert [c.state for c in seen(opened().done(at(20)))][:2] == ["cancelled", "met"]
    assert [c.state for c in seen(opened().done(at(40)))][:2] == ["missed", "met"]


def test_contact_needs_somebody_reached() -> None:
    story = opened().contacted(at(10), reached=False)
    assert {c.stage: c.state for c in seen(story)}["contact"] == "running"
    assert {c.stage: c.state for c in seen(story.contacted(at(70)))}["contact"] == "missed"


def test_contact_of_one_reporter_does_not_count_for_another() -> None:
    story = opened().joined(at(5), "second")
    second = report_id_of("story", "second")
    story.contacted(at(20), report_id=second)
    found = {c.view.report_id: c.view.state for c in standing(story) if c.view.stage == "contact"}
    assert found == {story.report: "running", second: "met"}


def test_a_late_joiner_has_a_promise_of_his_own() -> None:
    story = opened().joined(at(300), "fifth")
    own = [brief(c.view) for c in standing(story) if c.view.report_id == report_id_of("story", "fifth")]
    assert own == [Brief("contact", 300, 360, "running"), Brief("total", 300, 780, "running", "centre-city")]


def test_the_limit_of_a_report_goes_by_the_report_and_its_class() -> None:
    assert seen(opened(class_ref=NOISE))[1].due == 240


def test_the_senders_own_due_counts_when_it_is_earlier() -> None:
    (clock,) = [c for c in standing(opened(source_due=at(100))) if c.view.stage == "total"]
    assert (clock.view.due, clock.view.policy, clock.warn_at) == (at(100), SOURCE_DUE, at(80))
    (clock,) = [c for c in standing(opened(source_due=at(500))) if c.view.stage == "total"]
    assert (clock.view.due, clock.view.policy) == (at(480), "total")


def test_a_receipt_before_the_opening_starts_the_whole_and_the_opening_the_unit() -> None:
    found = {c.stage: c.start for c in seen(opened(received_at=at(-30)))}
    assert found == {"accept": 0, "handle": 0, "contact": 0, "total": -30}


def test_triage_is_the_deciding_centres_clock_and_contact_waits_for_a_lead() -> None:
    story = opened(triage=True)
    assert seen(story) == [
        Brief("triage", 0, 20, "running", "centre-district"),
        Brief("total", 0, 480, "running", "centre-city"),
    ]
    story.routed(at(15), ("street-b",))
    assert seen(story) == [
        Brief("triage", 0, 20, "met", "centre-district"),
        Brief("accept", 15, 45, "running", "street-b"),
        Brief("handle", 15, 135, "running", "street-b"),
        Brief("contact", 15, 75, "running", "street-b"),
        Brief("total", 0, 480, "running", "centre-city"),
    ]


def test_a_triage_that_is_rejected_was_decided() -> None:
    assert [c.state for c in seen(opened(triage=True).rejected(at(10)))] == ["met", "cancelled"]


def test_a_withdrawn_unit_is_let_off_what_was_in_time_and_keeps_what_was_late() -> None:
    story = opened(units=("street-a", "street-b")).withdrawn(at(40), place=1)
    own = {c.stage: c.state for c in seen(story) if c.owner == "street-b"}
    assert own == {"accept": "missed", "handle": "cancelled"}


def test_a_unit_that_gets_it_next_has_fair_limits_and_the_whole_runs_on() -> None:
    story = opened().accepted(at(10))
    story.routed(at(50), ("street-b",), withdrawn=(story.assignment(0),))
    assert Brief("accept", 50, 80, "running", "street-b") in seen(story)
    assert Brief("handle", 50, 170, "running", "street-b") in seen(story)
    assert Brief("handle", 0, 120, "cancelled") in seen(story)
    assert Brief("total", 0, 480, "running", "centre-city") in seen(story)
    assert [c for c in seen(story) if c.stage == "contact"] == [Brief("contact", 0, 60, "running", "street-b")]


def test_a_corrected_class_moves_later_offers_not_those_made_before() -> None:
    story = opened(units=("street-a", "street-b"))
    kept = story.assignment(1)
    story.routed(at(20), ("street-c",), class_ref=NOISE, withdrawn=(story.assignment(0),))
    dues = {c.owner: c.due for c in seen(story) if c.stage == "handle"}
    assert dues == {"street-a": 120, "street-b": 120, "street-c": 260} and kept is not None


def test_the_first_of_several_to_accept_leads() -> None:
    story = opened(units=("street-a", "street-b"), together=True)
    story.accepted(at(5), place=1, lead="street-b").done(at(50), place=0, role=AssignmentRole.ASSIST)
    assert {c.owner for c in seen(story) if c.stage == "contact"} == {"street-b"}
    story.done(at(60), place=1).verified(at(70), passed=False)
    assert [c for c in seen(story) if c.round == 2] == [Brief("handle", 70, 190, "running", "street-b", 2)]


def test_verification_and_callback_are_the_centres() -> None:
    story = opened().accepted(at(5)).done(at(50))
    assert Brief("verify", 50, 110, "running", "centre-district") in seen(story)
    story.verified(at(60))
    assert Brief("verify", 50, 110, "met", "centre-district") in seen(story)
    assert Brief("callback", 60, 150, "running", "centre-district") in seen(story)
    assert Brief("total", 0, 480, "met", "centre-city") in seen(story)
    assert Brief("callback", 60, 150, "met", "centre-district") in seen(story.called_back(at(150)))


def test_the_whole_is_met_by_the_approved_answer_and_not_by_a_late_call() -> None:
    story = opened().done(at(50)).verified(at(60)).called_back(at(2000)).closed(at(2000))
    states = {c.stage: c.state for c in seen(story)}
    assert states["total"] == "met" and states["callback"] == "missed"


def test_nobody_reached_is_settled_by_the_last_try_at_closing() -> None:
    story = opened().done(at(50)).verified(at(60)).called_back(at(100), reached=False)
    assert Brief("callback", 60, 150, "running", "centre-district") in seen(story)
    assert Brief("callback", 60, 150, "met", "centre-district") in seen(story.closed(at(400)))


def test_a_failed_check_is_a_new_round_for_the_unit_and_none_for_the_reporter() -> None:
    story = opened().accepted(at(5)).contacted(at(6)).done(at(50)).verified(at(60), passed=False)
    assert [c for c in seen(story) if c.round == 2] == [Brief("handle", 60, 180, "running", round=2)]
    assert Brief("total", 0, 480, "running", "centre-city") in seen(story)
    story.done(at(100)).verified(at(110))
    assert Brief("handle", 60, 180, "met", round=2) in seen(story)
    assert Brief("total", 0, 480, "met", "centre-city") in seen(story)
    assert Brief("callback", 110, 200, "running", "centre-district", 2) in seen(story)
    assert len([c for c in seen(story) if c.stage == "total"]) == 1


@pytest.mark.parametrize("closed", [True, False])
def test_a_reopened_order_makes_a_new_promise(closed: bool) -> None:
    """Also out of the call-back, where the first round never closed: nothing of it runs on."""
    story = opened().accepted(at(5)).contacted(at(6)).done(at(50)).verified(at(60))
    if closed:
        story.called_back(at(65)).closed(at(70))
    story.reopened(at(100))
    first = {c.stage: c.state for c in seen(story) if c.round == 1}
    assert first["total"] == first["handle"] == first["contact"] == "met"
    assert first["callback"] == ("met" if closed else "cancelled")
    assert [c for c in seen(story) if c.round == 2] == [
        Brief("accept", 100, 130, "running", round=2),
        Brief("handle", 100, 220, "running", round=2),
        Brief("contact", 100, 160, "running", round=2),
        Brief("total", 100, 580, "running", "centre-city", 2),
    ]


def test_closing_cancels_what_was_in_time_and_keeps_what_was_late() -> None:
    states = {c.stage: c.state for c in seen(opened().accepted(at(5)).closed(at(100)))}
    assert states == {"accept": "met", "handle": "cancelled", "contact": "missed", "total": "met"}


def test_an_order_entered_in_error_was_never_late() -> None:
    assert {c.state for c in seen(opened().accepted(at(40)).voided(at(4000)))} == {"cancelled"}


def test_an_imported_past_is_judged_by_its_closing_alone() -> None:
    story = opened(imported=True).closed(at(100), imported=True)
    states = {c.stage: c.state for c in seen(story, at(100_000))}
    assert states == {"accept": "cancelled", "handle": "met", "contact": "cancelled", "total": "met"}
    late = opened(imported=True).closed(at(1000), imported=True)
    states = {c.stage: c.state for c in seen(late, at(100_000))}
    assert states["handle"] == states["total"] == "missed" and states["contact"] == "cancelled"


def test_facts_that_change_no_clock_leave_the_very_same_timeline() -> None:
    timeline = told(opened().accepted(at(5)))
    story = opened().accepted(at(5)).noted(at(6))
    assert fold(timeline, story.facts[-1]) is timeline


def test_an_order_is_opened_once_and_first() -> None:
    story = opened().accepted(at(5))
    with pytest.raises(Misplaced):
        fold(None, story.facts[1])
    with pytest.raises(Misplaced):
        fold(told(story), story.facts[0])


def test_a_timeline_survives_its_storage() -> None:
    story = opened(source=Source.POLICE, ticket_type=None, source_due=at(50)).accepted(at(5)).contacted(at(6))
    story.done(at(50)).verified(at(60)).called_back(at(70)).closed(at(80)).reopened(at(90))
    timeline = told(story)
    packed = msgspec.msgpack.Encoder(uuid_format="bytes").encode(timeline)
    assert msgspec.msgpack.decode(packed, type=Timeline) == timeline
    assert len(packed) < 700


def test_a_warning_comes_after_its_share_of_the_limit() -> None:
    assert standing(opened())[0].warn_at == at(24)


def test_ticket_type_reaches_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = PROMISES.newest.limits

    def spy(key: Asked, start: datetime) -> dict[Stage, Limit]:
        asked.append(key)
        return real(key, start)

    monkeypatch.setattr(PROMISES.newest, "limits", spy)
    clocks(told(opened(ticket_type=TicketType.CONSULTATION)), PROMISES)
    assert {key[1] for key in asked} == {TicketType.CONSULTATION}


def test_only_the_centres_call_a_last_attempt_or_a_rating_settles_a_reporter() -> None:
    def waiting() -> Story:
        return opened().done(at(50)).verified(at(60))

    def state(story: Story) -> str:
        return next(brief.state for brief in seen(story) if brief.stage == "callback")

    call: dict[str, Any] = {"report_id": waiting().report, "reached": True}
    assert state(waiting().tell(CallbackRecorded, at(70), **call, kind=CallKind.HANDLER)) == "running"
    assert state(waiting().tell(CallbackRecorded, at(70), **call)) == "met"
    missed: dict[str, Any] = {"report_id": waiting().report, "reached": False}
    assert state(waiting().tell(CallbackRecorded, at(70), **missed)) == "running"
    assert state(waiting().tell(CallbackRecorded, at(70), **missed, unrated=True)) == "met"
    rating: dict[str, Any] = {"report_id": waiting().report, "satisfied": Satisfaction.SATISFIED, "solved": True}
    assert state(waiting().tell(RatingReceived, at(70), **rating)) == "met"
    closed = waiting().closed(at(80))
    before = state(closed)
    assert state(waiting().closed(at(80)).tell(RatingReceived, at(90), **rating)) == before, (
        "after closing it moves none"
    )
    early = opened().tell(CallbackRecorded, at(20), **call, kind=CallKind.BEFORE_ANSWER).done(at(50)).verified(at(60))
    assert state(early) == "running", "a call before the answer is not the call-back"


def test_every_110_caller_has_three_minutes_of_his_own() -> None:
    story = opened(source=Source.POLICE).joined(at(20), "second caller")
    starts = sorted((brief.start, brief.state) for brief in seen(story) if brief.stage == "contact")
    assert len(starts) == 2 and starts[0][0] < starts[1][0], "the second caller's clock runs from his own call"
    one = opened(source=Source.POLICE).joined(at(20), "second caller").contacted(at(21), report_id=story.report)
    assert sorted(brief.state for brief in seen(one) if brief.stage == "contact") in (
        ["met", "running"],
        ["missed", "running"],
    )
