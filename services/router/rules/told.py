"""A decision in words that a dispatcher reads, in both languages, with everything it rests on as data."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from schemas.facts import Candidate
from services.router.rules.atlas import Atlas
from services.router.rules.outcome import Ruling
from services.router.rules.plan import Explanation, Kind, Step
from services.router.rules.reasons import Evidence, Term
from services.router.rules.whatif import Change, changes

_KINDS = {
    Kind.PROPOSE: ("开立工单", "a new order"),
    Kind.LINK: ("并入已有工单", "linked to an order"),
    Kind.ANSWERED: ("当场答复", "answered on the spot"),
    Kind.TRIAGE: ("转人工研判", "left to a dispatcher"),
    Kind.TRANSFERRED: ("转其他平台", "transferred to another platform"),
}


class Words(Struct, frozen=True):
    """The same in both languages."""

    zh: str
    en: str


class ToldStep(Struct, frozen=True):
    """One step as people read it; `bar` is the confidence or score that would have settled it."""

    step: str
    answer: str
    name: str
    confidence: float
    bar: float
    because: str
    words: Words
    candidates: tuple[Candidate, ...]
    evidence: tuple[Evidence, ...]
    terms: tuple[Term, ...]
    would_change: tuple[Change, ...]


class OnDuty(Struct, frozen=True):
    """Who was on duty at a unit by the roster of the pack when the matter came up; nobody where it is empty."""

    unit_id: str
    person: str = ""
    deputy: str = ""


class ToldDecision(Struct, frozen=True):
    """A whole decision as people read it; `on_duty` names the units concerned that keep a duty roster."""

    report_id: UUID
    order_id: UUID | None
    decided_at: datetime
    decision: Kind
    words: Words
    lead: dict[str, Any]
    assists: tuple[dict[str, Any], ...]
    on_duty: tuple[OnDuty, ...]
    steps: tuple[ToldStep, ...]
    rule: str
    rulebook_version: str
    model_version: str
    area_version: str
    question: dict[str, Any]


def told(
    explained: Explanation, ruling: Ruling, order_id: UUID | None, decided_at: datetime, atlas: Atlas
) -> ToldDecision:
    """A decision as it is told. `atlas` is the city of today under the rulebook by which it was taken."""
    found = changes(explained, ruling.question, atlas)
    lead = next((step.answer for step in explained.steps if step.step == "tiers"), ruling.outcome.lead)
    assists = () if explained.decision is Kind.TRIAGE else ruling.outcome.assists
    zh, en = _KINDS[explained.decision]
    name = _unit(lead, atlas)["name"]
    by = explained.rule or "—"
    who = f"{name}主办", f"{lead} leads"
    if explained.decision is Kind.LINK:  # who leads the order is dispatch's to say, not this report's
        who = f"主办随该工单；单独立单则由{name}主办", f"which keeps its lead; alone it would be led by {lead}"
    words = Words(
        f"{zh}，{who[0]}；规则 {by}（权责规则 {explained.rulebook_version}）",
        f"{en}, {who[1]}; rule {by} (rulebook {explained.rulebook_version})",
    )
    return ToldDecision(
        report_id=explained.report_id,
        order_id=order_id,
        decided_at=decided_at,
        decision=explained.decision,
        words=words,
        lead=_unit(lead, atlas),
        assists=tuple(_unit(one, atlas) for one in assists),
        on_duty=tuple(_on_duty(dict.fromkeys((lead, *assists)), ruling, atlas)),
        steps=tuple(_step(step, explained, ruling, found, atlas) for step in explained.steps),
        rule=explained.rule,
        rulebook_version=explained.rulebook_version,
        model_version=explained.model_version,
        area_version=explained.area_version,
        question=msgspec.to_builtins(ruling.question),
    )


def _unit(unit_id: str, atlas: Atlas) -> dict[str, Any]:
    known = atlas.organisation.last.get(unit_id)
    return {"unit_id": unit_id, "name": known.name if known else unit_id, "tier": known.tier if known else None}


def _on_duty(units: Iterable[str], ruling: Ruling, atlas: Atlas) -> Iterator[OnDuty]:
    for unit in units:
        if unit in atlas.kept:
            on = atlas.rosters.on(unit, ruling.question.at)
            yield OnDuty(unit, on.person, on.deputy) if on else OnDuty(unit)


def _step(step: Step, explained: Explanation, ruling: Ruling, found: tuple[Change, ...], atlas: Atlas) -> ToldStep:
    name = _name(step, atlas)
    return ToldStep(
        step=step.step,
        answer=step.answer,
        name=name,
        confidence=step.confidence,
        bar=step.bar,
        because=step.because,
        words=_words(step, name, explained, ruling, atlas),
        candidates=step.candidates,
        evidence=step.evidence,
        terms=step.terms,
        would_change=tuple(change for change in found if change.step == step.step),
    )


def _name(step: Step, atlas: Atlas) -> str:
    if step.step == "locate" and step.answer in atlas.divisions:
        line = reversed(atlas.lineage[step.answer])
        return "".join(atlas.divisions[code].name for code in line if code != atlas.city.root)
    if step.step == "classify" and step.answer in atlas.classes:
        return atlas.classes[step.answer].name
    if step.step == "tiers":
        return str(_unit(step.answer, atlas)["name"])
    return ""


def _words(step: Step, name: str, explained: Explanation, ruling: Ruling, atlas: Atlas) -> Words:
    zh, _, en = step.because.partition(" | ")
    en = en or zh
    sure = f"{step.confidence:.2f}"
    match step.step:
        case "veto":
            return Words(f"安全研判：{zh}", f"Safety: {en}")
        case "locate":
            where = f"{name or '未知'}（{step.answer or '—'}）"
            return Words(
                f"地点：{where}，把握 {sure}；依据：{zh}",
                f"Place: {step.answer or 'not known'}, confidence {sure}, by {en}",
            )
        case "classify":
            return Words(
                f"类别：{name or '待定'}（{step.answer}），把握 {sure}；依据：{zh}",
                f"Class: {step.answer}, confidence {sure}, by {en}",
            )
        case "merge":
            return Words(f"并单：{zh}", f"Merge: {en}")
        case "match":
            outcome = ruling.outcome
            lead, assists = _unit(outcome.lead, atlas)["name"], [_unit(one, atlas)["name"] for one in outcome.assists]
            held = ("；待派单员决定", "; a dispatcher decides") if outcome.held else ("", "")
            help_zh = f"，协办 {'、'.join(assists)}" if assists else ""
            help_en = f" with {', '.join(outcome.assists)}" if outcome.assists else ""
            version = explained.rulebook_version
            return Words(
                f"权责：{zh}；主办 {lead}{help_zh}（版本 {version}）{held[0]}",
                f"Duty: {en}; {outcome.lead} leads{help_en} (version {version}){held[1]}",
            )
        case _:
            return Words(f"层级：{_path(zh, atlas)}", f"Tiers: {zh}")


def _path(units: str, atlas: Atlas) -> str:
    return " → ".join(str(_unit(one, atlas)["name"]) for one in units.split(" → "))
