"""What runs beside the live rulebook: where it differs, said in a word."""

from schemas.city import DutyRule
from services.router.rules.atlas import Atlas
from services.router.rules.plan import prepare
from services.router.rules.shadow import by_model, by_rulebook, verdict
from tests.rules.router.made import report, rule, town

LIVE = Atlas.of(town(rule("a1", "office", assists=("water",))))


def beside(row: DutyRule) -> str:
    told = prepare(report("长桥街道井盖缺失"), LIVE)
    return verdict(by_rulebook(told, LIVE.under((row,), "next")))


def test_another_rulebook_is_asked_the_same() -> None:
    assert beside(rule("other9", "office", assists=("water",))) == "same", "another row, the same answer"
    assert beside(rule("a1", "centre", assists=("water",))) == "lead"
    assert beside(rule("a1", "office")) == "assists"
    assert beside(rule("a1", "office", assists=("water",), hold=True)) == "held"
    assert beside(rule("a1", "office", assists=("water",), together=True)) == "together"


def test_another_model_is_compared_as_it_reads() -> None:
    live, other = prepare(report("长桥街道井盖缺失"), LIVE), prepare(report("长桥街道路灯不亮"), LIVE)
    classes = (live.question.class_key, other.question.class_key)
    assert verdict(by_model(live, other), classes) == "class", "the same unit, another class"
    unsure = prepare(report("长桥街道有点问题"), LIVE)
    assert verdict(by_model(live, unsure), classes) == "held", "a person would decide"
    assert verdict(by_model(live, live), (classes[0], classes[0])) == "same"
