"""Whole decisions: the stories a city tells, and what is never done."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.facts import (
    Alarm,
    Answer,
    OrderProposed,
    ReportAnswered,
    ReportLinked,
    ReportReceived,
    ReportTransferred,
    TriageRequested,
)
from schemas.ids import order_id_of, successor_id
from schemas.vocabulary import ClassKind, Lane, Source, TicketType, Tier, Urgency, Verification
from services.router.rules.atlas import Atlas
from services.router.rules.classify import UNSORTED
from services.router.rules.plan import Decision, Kind, conclude, decide, prepare
from tests.rules.router.made import NOW, report, rule, town

HONGQIAO = {"lon": 121.40445, "lat": 31.19909}


def decided(atlas: Atlas, told: ReportReceived) -> Decision:
    return decide(told, atlas, None, [], NOW)


def test_the_elders_meter(shanghai: Atlas) -> None:
    meter = next(one for one in shanghai.devices.values() if one.kind == "water_meter_day")
    alarm = Alarm(rule="water_meter_day", device_id=meter.device_id, value=0.004, unit="m3", scene="elder_water_meter")
    decision = decided(shanghai, report("用水0.004m3", source=Source.SENSOR, device_id=meter.device_id, alarm=alarm))
    assert isinstance(decision.fact, OrderProposed)
    plan = decision.fact.plan
    assert (plan.rule, plan.scene, plan.verification) == ("scene-elder-meter", "elder_water_meter", Verification.SITE)
    assert [hop.tier for hop in plan.path] == [Tier.CITY, Tier.DISTRICT, Tier.STREET, Tier.COMMITTEE]
    assert {hop.by for hop in plan.path} == {"scene-elder-meter"} and {hop.at for hop in plan.path} == {NOW}
    assert plan.lead == f"{meter.division}-committee" and decision.lane is Lane.URGENT


def test_a_silent_meter_is_a_device_fault_not_an_elder_in_need(shanghai: Atlas) -> None:
    meter = next(one for one in shanghai.devices.values() if one.kind == "water_meter_day")
    alarm = Alarm(rule="water_meter_day:silent", device_id=meter.device_id, value=40.0, unit="h", fault=True)
    decision = decided(shanghai, report("长时间无数据", source=Source.SENSOR, device_id=meter.device_id, alarm=alarm))
    assert isinstance(decision.fact, OrderProposed)
    assert decision.fact.plan.rule == "elder-meter-fault"
    assert (decision.fact.plan.scene, decision.lane) == ("", Lane.NORMAL)


def test_the_gate_quarrel_goes_to_the_street_office_not_to_the_town_of_the_same_name(shanghai: Atlas) -> None:
    text = "报警人称:虹桥路1000弄小区门口,商户要进小区开店,居民不让进,双方争吵,无人受伤,无械具。"
    decision = decided(shanghai, report(text, source=Source.POLICE, police_class="080000", **HONGQIAO))
    assert isinstance(decision.fact, OrderProposed)
    plan = decision.fact.plan
    assert plan.place.name == "虹桥街道" and plan.together and plan.platforms == ()
    assert {plan.lead, *plan.assists} == {f"310105009-{one}" for one in ("centre", "police", "market")}


def test_burnt_smell_and_no_answer_stays_with_119_and_the_city(shanghai: Atlas) -> None:
    told = report("焦味，敲门无应答", source=Source.POLICE, police_class="050000", **HONGQIAO)
    decision = decided(shanghai, told)
    assert isinstance(decision.fact, OrderProposed)
    plan = decision.fact.plan
    assert {"119", "110"} <= set(plan.platforms)
    assert (plan.urgency, decision.lane) == (Urgency.CRITICAL, Lane.URGENT)
    assert plan.lead == shanghai.desk().unit_id
    assert {"310105-centre", "310105009-centre"} <= set(plan.assists)
    assert [hop.tier for hop in plan.path] == [Tier.CITY]
    assert prepare(told, shanghai).veto is not None and prepare(told, shanghai).veto.police_stays  # type: ignore[union-attr]


def test_seven_callers_one_manhole(shanghai: Atlas) -> None:
    first = prepare(report("浦东新区塘桥街道浦建路300号雨水井盖缺失", number=0), shanghai)
    opened = conclude(first, [], NOW, shanghai)
    assert opened.kind is Kind.PROPOSE and opened.matter
    matter = opened.matter
    for number in range(1, 7):
        prepared = prepare(report("塘桥街道浦建路300号门口井盖没了", number=number), shanghai)
        assert set(prepared.lookup_keys) & set(first.matter_keys)
        decision = conclude(prepared, [matter], NOW + timedelta(minutes=number), shanghai)
        assert isinstance(decision.fact, ReportLinked) and decision.fact.order_id == opened.order_id
        assert decision.fact.plan.lead and decision.matter
        matter = decision.matter
    assert matter.reports == 7


def test_danger_never_waits_for_a_person_even_without_a_place(shanghai: Atlas) -> None:
    decision = decided(shanghai, report("有人持刀"))
    assert isinstance(decision.fact, OrderProposed)
    assert decision.fact.plan.lead == shanghai.desk().unit_id and decision.fact.plan.place.division == "310000"


@pytest.mark.parametrize(
    ("text", "more", "lead"),
    [
        ("路灯不亮", {}, "310000-duty_desk"),  # nobody knows where
        ("静安区电梯停运", {"district": "静安区"}, "310106-centre"),
        ("虹桥街道请来看看", {}, "310105-centre"),  # nobody knows what
        ("虹桥街道", {"title": "🎉"}, "310105-centre"),
    ],
)
def test_where_it_is_not_sure_a_person_decides_with_candidates(
    shanghai: Atlas, text: str, more: dict[str, Any], lead: str
) -> None:
    decision = decided(shanghai, report(text, **more))
    assert isinstance(decision.fact, TriageRequested), decision.why
    assert decision.fact.why and decision.fact.candidates
    assert decision.fact.plan.lead == lead
    scores = [one.score for one in decision.fact.candidates]
    assert scores == sorted(scores, reverse=True) and all(
        one.value in shanghai.units for one in decision.fact.candidates
    )
    assert decision.matter and decision.matter.order_id == decision.order_id


def test_what_was_answered_on_the_spot_opens_no_order_unless_there_is_danger(shanghai: Atlas) -> None:
    answered = Answer(text="已告知")
    decision = decided(shanghai, report("咨询办理条件", answered=answered))
    assert isinstance(decision.fact, ReportAnswered)
    assert (decision.matter, decision.order_id) == (None, None)
    assert isinstance(decided(shanghai, report("家里起火了", answered=answered)).fact, OrderProposed)


def test_a_matter_wholly_of_another_platform_is_transferred_by_rule_only() -> None:
    atlas = Atlas.of(town(rule("a", "office", transfer_to="110", classes=("T/event/02",)), rule("b", "office")))
    decision = decided(atlas, report("长桥街道噪音太吵"))
    assert isinstance(decision.fact, ReportTransferred) and decision.fact.platform == "110"
    assert (decision.matter, decision.order_id) == (None, None)
    assert isinstance(decided(atlas, report("长桥街道噪音太吵,起火")).fact, OrderProposed)
    assert isinstance(decided(atlas, report("长桥街道井盖缺失")).fact, OrderProposed)


def test_every_plan_carries_its_versions_and_every_step_its_reason(shanghai: Atlas) -> None:
    decision = decided(shanghai, report("虹桥街道雨水井盖缺失"))
    plan = decision.fact.plan
    assert (plan.rulebook_version, plan.area_version) == (shanghai.city.rulebook_version, shanghai.city.version)
    assert plan.model_version
    assert [step.step for step in decision.why] == ["veto", "locate", "classify", "merge", "match", "tiers"]
    assert all(step.because for step in decision.why)
    told = decision.explanation()
    assert told.report_id == decision.fact.report.report_id and told.steps == decision.why and told.rule == plan.rule


def test_ids_come_from_the_report(shanghai: Atlas) -> None:
    told = report("虹桥街道雨水井盖缺失")
    assert told.report_id
    assert decided(shanghai, told).order_id == order_id_of(told.report_id)
    assert successor_id(order_id_of(told.report_id)) != order_id_of(told.report_id)


def test_a_report_without_an_id_is_refused(shanghai: Atlas) -> None:
    with pytest.raises(ValueError, match="id"):
        prepare(ReportReceived(source=Source.HOTLINE, received_at=NOW), shanghai)


def test_an_unsorted_class_is_one_that_nobody_uses(shanghai: Atlas) -> None:
    assert UNSORTED.key not in shanghai.classes and UNSORTED.kind is ClassKind.SERVICE


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=300),
    more=st.fixed_dictionaries(
        {},
        optional={
            "address": st.text(max_size=40),
            "title": st.text(max_size=20),
            "district": st.text(max_size=10),
            "grid_code": st.text(max_size=15),
            "class_key": st.text(max_size=10),
            "police_class": st.text(max_size=7),
            "device_id": st.text(max_size=10),
            "subject": st.text(max_size=10),
            "ticket_type": st.sampled_from(TicketType),
            "lon": st.floats(-180, 180),
            "lat": st.floats(-90, 90),
        },
    ),
    source=st.sampled_from(Source),
)
def test_nothing_is_dropped_and_nothing_raises(
    shanghai: Atlas, text: str, more: dict[str, Any], source: Source
) -> None:
    decision = decided(shanghai, report(text, source=source, **more))
    assert decision.fact.plan.lead in shanghai.units
    encode(decision.fact)
    if decision.kind is not Kind.PROPOSE:
        assert decision.kind is Kind.TRIAGE
