"""What would have changed a decision, in words and as data."""

from datetime import time, timedelta
from typing import Any

import pytest
from msgspec import structs

from schemas.city import DutyRule, Shift
from schemas.facts import Candidate
from schemas.vocabulary import Attribute, Source, TicketType, Tier
from services.router.rules.atlas import Atlas
from services.router.rules.outcome import ruling_of
from services.router.rules.plan import Explanation, Step, conclude, prepare
from services.router.rules.told import ToldDecision, told
from services.router.rules.whatif import Change
from services.router.rules.whatif import changes as whatif_changes
from tests.rules.router.made import NIGHT, NOW, report, rule, town

ANY = rule("any9")


def explained(*rules: DutyRule, text: str = "长桥街道井盖缺失", **more: Any) -> ToldDecision:
    rosters = more.pop("rosters", ())
    atlas = Atlas.of(town(*rules, rosters=rosters))
    prepared = prepare(report(text, **more), atlas)
    decision = conclude(prepared, [], NOW, atlas)
    return told(decision.explanation(), ruling_of(prepared.question, prepared.matched), decision.order_id, NOW, atlas)


def changes(decision: ToldDecision, step: str = "") -> list[Change]:
    return [one for each in decision.steps for one in each.would_change if not step or each.step == step]


@pytest.mark.parametrize(
    ("row", "more", "kind", "fact"),
    [
        (rule("night1", "water", hours=NIGHT), {}, "hours", "22:00–06:00"),
        (rule("police1", "water", sources=(Source.POLICE,)), {}, "sources", "police"),
        (rule("quiet1", "water", attributes={Attribute.CONFIDENTIAL: ("yes",)}), {}, "confidential", "yes"),
        (rule("praise1", "water", ticket_types=(TicketType.PRAISE,)), {}, "ticket_types", "praise"),
        (rule("flood1", "water", scenes=("flood",)), {}, "scenes", "flood"),
    ],
)
def test_a_row_that_one_fact_would_have_let_win(row: DutyRule, more: dict[str, Any], kind: str, fact: str) -> None:
    (found,) = [one for one in changes(explained(ANY, row, **more), "match") if one.kind == kind]
    assert (found.fact, found.rule, found.lead) == (fact, row.rule_id, "110000-water")
    assert fact in found.zh and fact in found.en and "东区water" in found.zh


def test_what_makes_no_difference_is_not_told() -> None:
    assert changes(explained(ANY, rule("night1", "office", hours=NIGHT))) == []
    two = rule("two1", "water", hours=NIGHT, sources=(Source.POLICE,))
    assert changes(explained(ANY, two)) == [], "two facts away is too far"


def test_the_next_row() -> None:
    found = changes(explained(ANY, rule("manhole1", "water", classes=("T/part/01",))), "match")
    assert [(one.kind, one.rule, one.lead) for one in found] == [("next_rule", "any9", "110001-office")]


def test_a_place_that_is_known_deeper() -> None:
    row = rule("here1", "committee", areas=("110001001",), classes=("major:设施",), tier=Tier.COMMITTEE)
    (found,) = [one for one in changes(explained(ANY, row), "locate") if one.kind == "place"]
    assert (found.fact, found.rule, found.lead) == ("110001001", "here1", "110001001-committee")


def test_how_much_certainty_was_missing() -> None:
    decision = explained(ANY, text="长桥街道有点问题")
    (found,) = [one for one in changes(decision, "classify") if one.kind == "confidence"]
    assert decision.decision == "triage" and found.lead == "110001-office"
    assert "0.50" in found.zh and "0.50" in found.en


def test_without_the_sign_of_danger() -> None:
    (found,) = changes(explained(ANY, text="长桥街道起火"), "veto")
    assert (found.kind, found.lead) == ("danger", "110001-office")


def test_without_the_complaint_about_a_unit() -> None:
    (found,) = [one for one in changes(explained(ANY, subject="长桥街道office"), "match") if one.kind == "accused"]
    assert found.lead == "110001-office" and "长桥街道office" in found.zh


def test_a_matter_that_was_nearly_the_same() -> None:
    steps = (
        Step(
            "merge", "new", 1.0, "没有足够相近的工单 | nothing near enough", (Candidate(value="x", score=0.61),), 0.72
        ),
    )
    explanation = structs.replace(plain_explanation(), steps=steps)
    (found,) = [one for one in whatif(explanation) if one.kind == "score"]
    assert found.fact == "x" and "0.11" in found.en and "0.61" in found.zh
    linked = structs.replace(explanation, steps=(structs.replace(steps[0], answer="link x"),))
    assert not [one for one in whatif(linked) if one.kind == "score"]


def plain_explanation() -> Explanation:
    atlas = Atlas.of(town(ANY))
    return conclude(prepare(report("长桥街道井盖缺失"), atlas), [], NOW, atlas).explanation()


def whatif(explanation: Explanation) -> tuple[Change, ...]:
    atlas = Atlas.of(town(ANY))
    return whatif_changes(explanation, prepare(report("长桥街道井盖缺失"), atlas).question, atlas)


def test_every_step_is_told_in_both_languages() -> None:
    shift = Shift("110001-office", ("mon",), time(9), time(17), "甲")
    decision = explained(
        rule("a1", stand_in="duty_desk", assists=("water",), why="为何"),
        rosters=(shift,),
        received_at=NOW + timedelta(hours=13),
    )
    assert [step.step for step in decision.steps] == ["veto", "locate", "classify", "merge", "match", "tiers"]
    for step in decision.steps:
        assert any("一" <= sign <= "鿿" for sign in step.words.zh), step
        assert step.words.en and step.words.en != step.words.zh
    matched = decision.steps[4].words
    assert "a1" in matched.en and "nobody on duty" in matched.en and "1-duty_desk" in matched.en
    assert "市总值班室" in matched.zh and "无人值班" in matched.zh and "r1" in matched.zh
    assert [(one.unit_id, one.person) for one in decision.on_duty] == [("110001-office", "")]
    assert decision.words.zh.startswith("开立工单") and decision.words.en.startswith("a new order")


def test_evidence_and_terms_are_told_as_data(shanghai: Atlas) -> None:
    prepared = prepare(report("静安区临汾路街道临汾路338号门口雨水井盖缺失，有人差点踩空"), shanghai)
    decision = conclude(prepared, [], NOW, shanghai)
    found = told(
        decision.explanation(), ruling_of(prepared.question, prepared.matched), decision.order_id, NOW, shanghai
    )
    steps = {step.step: step for step in found.steps}
    assert any("临汾路" in one.words for one in steps["locate"].evidence)
    if prepared.classified.learned:
        assert steps["classify"].terms and all(term.weight > 0 for term in steps["classify"].terms)


def test_a_linked_report_does_not_claim_a_lead_for_the_order(shanghai: Atlas) -> None:
    first, prepared = (prepare(report("静安区临汾路338号雨水井盖缺失", number=n), shanghai) for n in (1, 2))
    decision = conclude(prepared, [first.this], NOW, shanghai)
    ruling = ruling_of(prepared.question, prepared.matched)
    words = told(decision.explanation(), ruling, decision.order_id, NOW, shanghai).words
    assert words.zh.startswith("并入已有工单，主办随该工单；单独立单则由")
    assert words.en.startswith("linked to an order, which keeps its lead; alone it would be led by")
