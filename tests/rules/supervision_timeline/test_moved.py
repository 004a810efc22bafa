"""A promise goes with its report from order to order: the same deadline, the same contact, under another lead; what the
units of a merged order still owed is cancelled. Limits of the toy city: accept 30, contact 60, handle 120, total 480
(noise 600)."""

from datetime import datetime
from typing import Any

import pytest

from schemas.facts import (
    HandoverOffered,
    HandoverReturned,
    HandoverSigned,
    MovedReport,
    OrderMerged,
    OrderTransferred,
    OrderUnmerged,
    OrderVoided,
    Promise,
    ReportsMoved,
    ReportStub,
)
from schemas.ids import handover_id_of, order_id_of, report_id_of
from schemas.vocabulary import HandoverEnd, HandoverMode, OrderStatus, Source, TicketType, Tier, Urgency
from tests.rules.supervision_timeline.story import NOISE, Story
from tests.rules.supervision_timeline.test_stages import Brief, at, opened, seen

OTHER = order_id_of(report_id_of("story", "other"))


def moved(since: datetime, name: str = "guest", contacted: datetime | None = None, **given: Any) -> MovedReport:
    """A report that came to another order first, about a noise."""
    stub = ReportStub(
        report_id=report_id_of("story", name),
        source=Source.HOTLINE,
        received_at=since,
        ticket_type=TicketType.COMPLAINT,
        source_due=given.pop("source_due", None),
    )
    promise = {"class_key": NOISE.key, "urgency": Urgency.NORMAL, "tier": Tier.STREET, "contact_from": since} | given
    return MovedReport(report=stub, promise=Promise(since=since, **promise), contacted_at=contacted)


def arrives(story: Story, when: float, *reports: MovedReport, **given: Any) -> Story:
    return story.tell(ReportsMoved, at(when), other=OTHER, reports=reports, **given)


def of_guest(story: Story, known: datetime | None = None) -> list[Brief]:
    """The clocks that the guest brought: all but those of the order's own four."""
    own = seen(opened(), known)
    return [b for b in seen(story, known) if b not in own]


def test_the_deadline_is_the_one_that_was_promised_and_another_lead_answers_for_it() -> None:
    story = arrives(opened(), 60, moved(at(-300)))
    assert of_guest(story) == [
        Brief("contact", -300, -240, "running"),
        Brief("total", -300, 300, "running", "centre-city"),  # a noise has 600 minutes, wherever it lies now
    ]


def test_who_was_contacted_stays_contacted() -> None:
    story = arrives(opened(), 60, moved(at(-300), contacted=at(-250)))
    assert Brief("contact", -300, -240, "met") in seen(story)


def test_who_was_reached_too_late_was_reached_too_late() -> None:
    story = arrives(opened(), 60, moved(at(-300), contacted=at(-200)))
    assert Brief("contact", -300, -240, "missed") in seen(story)


def test_where_nobody_led_contact_counts_from_when_somebody_does() -> None:
    story = arrives(opened(), 60, moved(at(-300), contact_from=at(60)))
    assert Brief("contact", 60, 120, "running") in seen(story)


def test_the_senders_own_due_goes_along() -> None:
    story = arrives(opened(), 60, moved(at(-300), source_due=at(100)))
    assert Brief("total", -300, 100, "running", "centre-city") in seen(story)


def test_an_answer_given_before_he_came_is_not_his() -> None:
    story = opened().accepted(at(10)).done(at(20), status=OrderStatus.CALLBACK)
    story.status = OrderStatus.CALLBACK
    story = arrives(story, 60, moved(at(-300)))
    assert Brief("total", -300, 300, "running", "centre-city") in seen(story)


@pytest.mark.parametrize("again", [False, True])
def test_who_leaves_takes_his_clocks_along_and_may_come_back(again: bool) -> None:
    guest = moved(at(-300))
    story = arrives(arrives(opened(), 60, guest), 70, guest, away=True)
    if again:
        story = arrives(story, 80, guest)
    assert len(of_guest(story)) == (2 if again else 0)


def merged(story: Story, when: float) -> Story:
    own = MovedReport(
        report=ReportStub(
            report_id=story.report, source=Source.HOTLINE, received_at=at(0), ticket_type=TicketType.COMPLAINT
        ),
        promise=Promise(since=at(0), class_key="T/part/0101", urgency=Urgency.NORMAL, tier=Tier.STREET),
    )
    before, story.status = story.status, OrderStatus.MERGED
    story.tell(OrderMerged, at(when), into=OTHER, reports=(own,), withdrawn=(story.assignment(),))
    story.status = before
    return story


def test_a_merged_order_owes_nothing_more_and_what_was_late_was_late() -> None:
    assert seen(merged(opened(), 40)) == [
        Brief("accept", 0, 30, "missed"),
        Brief("handle", 0, 120, "cancelled"),
    ]


def test_apart_again_its_reporters_have_their_old_deadline_and_its_units_a_new_one() -> None:
    story = merged(opened(), 40)
    own = story.facts[-1].reports  # type: ignore[attr-defined]
    offers = story._offers(("street-a",))
    story.tell(OrderUnmerged, at(100), out_of=OTHER, reports=own, assignments=offers, status=OrderStatus.DISPATCHED)
    assert seen(story)[2:] == [
        Brief("accept", 100, 130, "running"),
        Brief("handle", 100, 220, "running"),
        Brief("contact", 0, 60, "running"),
        Brief("total", 0, 480, "running", "centre-city"),
    ]


def test_a_contact_made_meanwhile_counts_at_home() -> None:
    story = merged(opened(), 40)
    own = story.facts[-1].reports[0]  # type: ignore[attr-defined]
    home = MovedReport(report=own.report, promise=own.promise, contacted_at=at(50))
    story.tell(OrderUnmerged, at(100), out_of=OTHER, reports=(home,), status=OrderStatus.DISPATCHED)
    assert Brief("contact", 0, 60, "met") in seen(story)


def test_a_triage_begins_anew() -> None:
    story = opened(triage=True)
    own = MovedReport(
        report=ReportStub(report_id=story.report, source=Source.HOTLINE, received_at=at(0)),
        promise=Promise(since=at(0), class_key="T/part/0101", urgency=Urgency.NORMAL, tier=Tier.STREET),
    )
    story.tell(OrderMerged, at(10), into=OTHER, reports=(own,), status=OrderStatus.MERGED)
    assert Brief("triage", 0, 20, "met", "centre-district") in seen(story)
    story.tell(OrderUnmerged, at(100), out_of=OTHER, reports=(own,), status=OrderStatus.TRIAGE)
    assert Brief("triage", 100, 120, "running", "centre-district") in seen(story)


def offered(story: Story, when: float, platform: str = "110") -> Any:
    id_ = handover_id_of(story.order_id, len(story.facts) + 1)
    story.tell(HandoverOffered, at(when), handover_id=id_, platform=platform, mode=HandoverMode.TRANSFER)
    return id_


def signing(story: Story) -> list[Brief]:
    return [b for b in seen(story) if b.stage == "sign"]


def test_the_other_platform_has_its_time_to_sign_and_the_senders_clocks_run_on() -> None:
    story = opened()
    before = seen(story)
    offered(story, 10)
    assert signing(story) == [Brief("sign", 10, 13, "running", "110")]
    assert [b for b in seen(story) if b.stage != "sign"] == before


@pytest.mark.parametrize(
    ("kind", "given", "after", "state"),
    [
        (HandoverSigned, {"platform": "110"}, 2, "met"),
        (HandoverSigned, {"platform": "110"}, 4, "missed"),
        (OrderTransferred, {"platform": "110", "reason": "a crime", "status": OrderStatus.TRANSFERRED}, 2, "met"),
        (HandoverReturned, {"platform": "110", "cause": HandoverEnd.DECLINED}, 2, "cancelled"),
        (HandoverReturned, {"platform": "110", "cause": HandoverEnd.UNSIGNED}, 4, "missed"),
    ],
)
def test_how_it_ends(kind: Any, given: dict[str, Any], after: float, state: str) -> None:
    story = opened()
    id_ = offered(story, 10)
    story.tell(kind, at(10 + after), handover_id=id_, **given)
    assert signing(story) == [Brief("sign", 10, 13, state, "110")]


def test_each_hand_over_has_a_clock_of_its_own() -> None:
    story = opened()
    for when in (10, 20):
        id_ = offered(story, when)
        story.tell(HandoverReturned, at(when + 1), handover_id=id_, platform="110", cause=HandoverEnd.RECALLED)
    assert [(b.start, b.due) for b in signing(story)] == [(10, 13), (20, 23)]


def test_an_order_that_ends_asks_nobody_any_more() -> None:
    story = opened()
    offered(story, 10)
    story.tell(OrderVoided, at(11), reason="entered twice", status=OrderStatus.VOID)
    assert [b.state for b in signing(story)] == ["cancelled"]
