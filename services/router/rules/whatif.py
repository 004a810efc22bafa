"""What would have changed a decision: the next row, the one fact that another row asks for, the certainty that was
missing. Worked out when somebody asks, from what the decision kept and the rulebook it was taken by."""

from collections.abc import Iterator
from itertools import islice

from msgspec import Struct, structs

from schemas.city import DutyRule
from schemas.vocabulary import Attribute
from services.router.rules.atlas import Atlas
from services.router.rules.match import match, ranking, unmet
from services.router.rules.outcome import Outcome, asked_again, outcome_of, standing
from services.router.rules.plan import Explanation, Step
from services.router.rules.question import Question

_EACH = 3  # so many of a kind are told


class Change(Struct, frozen=True):
    """One thing that would have changed the answer. `step` is where, `fact` what would have to be so (`kind` says what
    sort of fact), then row `rule` decides and `lead` leads (both empty where that is not known); in words of both
    languages."""

    step: str
    kind: str
    fact: str
    rule: str
    lead: str
    zh: str
    en: str


def changes(explained: Explanation, question: Question, atlas: Atlas) -> tuple[Change, ...]:
    """What would have changed a decision, the nearest first. `atlas` is the city of today under the rulebook by which
    it was taken; units are those of today."""
    asked = standing(question, atlas)
    steps = {step.step: step for step in explained.steps}
    now = asked_again(atlas, asked)
    told = [
        *_certainty(steps, now, atlas),
        *_apart(asked, now, atlas),
        *_one_fact_away(asked, now, atlas),
        *_deeper(asked, now, atlas),
        *_otherwise_read(steps, asked, now, atlas),
        *_next_row(asked, now, atlas),
        *_merge(steps),
    ]
    return tuple(told)


def _change(step: str, kind: str, fact: str, outcome: Outcome, zh: str, en: str, atlas: Atlas) -> Change:
    unit = atlas.units.get(outcome.lead)
    name = unit.name if unit else outcome.lead
    held = ("（待派单员决定）", ", held for a dispatcher") if outcome.held else ("", "")
    row = (f"规则 {outcome.rule}，", f"rule {outcome.rule} decides, ") if outcome.rule else ("", "")
    return Change(
        step,
        kind,
        fact,
        outcome.rule,
        outcome.lead,
        f"{zh}，则按{row[0]}{name}主办{held[0]}" if row[0] else f"{zh}，则由{name}主办{held[0]}",
        f"{en}: {row[1]}{outcome.lead} leads{held[1]}",
    )


def _certainty(steps: dict[str, Step], now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """Where a person decides because class or place was not sure enough: how much was missing."""
    names = {"locate": ("地点", "the place"), "classify": ("类别", "the class")}
    for name, (zh, en) in names.items():
        step = steps.get(name)
        if step and step.confidence < step.bar:
            missing = step.bar - step.confidence
            yield _change(
                name,
                "confidence",
                f"{step.bar:.2f}",
                now,
                f"若{zh}的把握达到 {step.bar:.2f}（尚差 {missing:.2f}）",
                f"with {missing:.2f} more certainty about {en} ({step.bar:.2f})",
                atlas,
            )


def _apart(question: Question, now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """What was decided apart from the rulebook: danger, and who is complained about."""
    if question.danger:
        calm = outcome_of(match(atlas, structs.replace(question, danger="")))
        yield _change("veto", "danger", question.danger, calm, "若没有危险迹象", "without the sign of danger", atlas)
    if question.accused:
        free = outcome_of(match(atlas, structs.replace(question, accused=())))
        if free.apart(now):
            names = "、".join(atlas.units[one].name if one in atlas.units else one for one in question.accused)
            told = (f"若未反映{names}", f"were {', '.join(question.accused)} not complained about")
            yield _change("match", "accused", ",".join(question.accused), free, *told, atlas)


_ASKED = {
    "scenes": ("场景为", "in the scene"),
    "sources": ("来源为", "from the source"),
    "ticket_types": ("诉求类型为", "as a ticket of type"),
    "hours": ("发生在", "at"),
    Attribute.DEVICE.value: ("设备为", "from a device of kind"),
    Attribute.POLICE.value: ("警情类别为", "as a 110 class"),
    Attribute.PLATFORM.value: ("转来平台为", "handed over by"),
    Attribute.CONFIDENTIAL.value: ("要求保密为", "with confidentiality"),
    Attribute.ABOUT.value: ("被反映主体为", "being about"),
    Attribute.STARS.value: ("评价星级为", "rated"),
    Attribute.PLACE.value: ("地点已知到", "with the place known to the"),
}


def _one_fact_away(question: Question, now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """Rows more specific than the one that won, which ask for one thing that was not so."""
    fitting = atlas.rulebook.fitting(question.class_key, question.division, question.subject)
    found = 0
    for _, rule in fitting.rows:
        missing = unmet(rule, question)
        if not missing:
            return
        if len(missing) > 1 or found == _EACH:
            continue
        fact = _values(rule, missing[0])
        outcome = _by_row(question, rule, missing[0], atlas)
        if outcome.apart(now):
            zh, en = _ASKED[missing[0]]
            found += 1
            yield _change("match", missing[0], fact, outcome, f"若{zh} {fact}", f"{en} {fact}", atlas)


def _values(rule: DutyRule, field: str) -> str:
    if field == "hours" and rule.hours:
        return "–".join(moment.isoformat("minutes") for moment in rule.hours)
    values: tuple[str, ...] = (
        rule.attributes.get(Attribute(field), ()) if field in list(Attribute) else getattr(rule, field)
    )
    return ", ".join(str(value) for value in values)


def _by_row(question: Question, rule: DutyRule, field: str, atlas: Atlas) -> Outcome:
    """What comes of a question by one row alone, as if it were met."""
    alone = structs.replace(rule, scenes=(), sources=(), ticket_types=(), hours=None, attributes={})
    return outcome_of(match(atlas.under((alone,), atlas.rulebook.version), question))


def _deeper(question: Question, now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """Rows for areas inside the place: they decide where more of it is known."""
    seen: set[str] = set()
    for area, rule in atlas.rulebook.below(question.class_key, question.division):
        if rule.rule_id in seen:
            continue
        outcome = outcome_of(match(atlas, structs.replace(question, division=area)))
        if outcome.rule != rule.rule_id or not outcome.apart(now):
            continue
        seen.add(rule.rule_id)
        name = atlas.divisions[area].name
        told = (f"若得知地点在{name}（{area}）", f"were the place known to be in {area}")
        yield _change("locate", "place", area, outcome, *told, atlas)
        if len(seen) == _EACH:
            return


def _otherwise_read(steps: dict[str, Step], question: Question, now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """The next likely classes and places, where they would go elsewhere."""
    for step, field, zh, en in (
        ("classify", "class_key", "类别为", "as class"),
        ("locate", "division", "地点在", "in"),
    ):
        known = atlas.classes if field == "class_key" else atlas.divisions
        candidates = steps[step].candidates if step in steps else ()
        others = (c for c in candidates if c.value in known and c.value != getattr(question, field))
        for candidate in islice(others, _EACH):
            outcome = outcome_of(match(atlas, structs.replace(question, **{field: candidate.value})))
            if outcome.apart(now):
                told = (f"若{zh}{candidate.name or candidate.value}", f"{en} {candidate.value} ({candidate.score:.2f})")
                yield _change(step, "class" if step == "classify" else "place", candidate.value, outcome, *told, atlas)


def _next_row(question: Question, now: Outcome, atlas: Atlas) -> Iterator[Change]:
    """The row that would decide without the one that did."""
    for _, rule in ranking(atlas, question):
        outcome = _by_row(question, rule, "", atlas)
        if rule.rule_id != now.rule and outcome.apart(now):
            told = (f"若没有规则 {now.rule}", f"without rule {now.rule}")
            yield _change("match", "next_rule", rule.rule_id, outcome, *told, atlas)
            return


def _merge(steps: dict[str, Step]) -> Iterator[Change]:
    """The matter that it was nearest to, where it was not linked."""
    step = steps.get("merge")
    if step is None or step.answer.startswith("link") or not step.candidates:
        return
    nearest = max(step.candidates, key=lambda one: one.score)
    if nearest.score < step.bar:
        missing = step.bar - nearest.score
        yield Change(
            "merge",
            "score",
            nearest.value,
            "",
            "",
            f"与工单 {nearest.value} 的相似度 {nearest.score:.2f}，再高 {missing:.2f} 即并入",
            f"{missing:.2f} more likeness ({step.bar:.2f}) would have linked it to order {nearest.value}",
        )
