"""Whose it is: the most specific row of the duty rulebook, its functions resolved to units that cover the place."""

from collections.abc import Iterator

from msgspec import Struct, structs

from schemas.city import DutyRule, Unit
from schemas.facts import Candidate
from schemas.vocabulary import Tier
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.locate import Located
from services.router.rules.question import Question
from services.router.rules.rulebook import Rank, within
from services.router.rules.text import both

_SHOWN = 5


class Matched(Struct, frozen=True):
    """Whose a report is. `lead` always names somebody: the deciding centre where nothing matched. `settled` is False
    when a person must decide; `candidates` are units ranked by score."""

    rule: DutyRule | None
    lead: Unit
    assists: tuple[Unit, ...]
    candidates: tuple[Candidate, ...]
    why: str
    settled: bool
    only_held: bool = False  # it would be settled, had the rule not been held for a dispatcher


def match(atlas: Atlas, question: Question, located: Located | None = None) -> Matched:
    """The lead and assists of a report. The most specific row wins: deeper area, then class over major over any, then
    scene and subject, attributes, source and ticket type, hours; rows that are equal and disagree leave the choice to a
    person, for whom candidates are ranked (also by what `located` thinks likely). Danger to life goes to the city's
    desk, with the row's units and the place's centres beside it, except where a scene has a flow of its own. A unit
    that is complained about has no part in it: the next centre above it leads."""
    book = atlas.rulebook
    quick = question.sure and not (question.danger or question.accused or question.subject in book.subjects)
    asked = (question.class_key, question.division, question.scene, question.source, question.ticket_type)
    if quick and (known := book.settled.get(asked)):
        return known  # type: ignore[no-any-return]
    found = _match(atlas, question, located)
    if quick and found.settled and book.fitting(question.class_key, question.division).lasting:
        book.remember(asked, found)
    return found


def _match(atlas: Atlas, question: Question, located: Located | None) -> Matched:
    division = question.division
    rule, why = _winner(atlas, question)
    lead = atlas.unit_for(rule.lead, division) if rule else None
    assists = [unit for name in rule.assists if (unit := atlas.unit_for(name, division))] if rule else []
    if rule and lead is None and not question.danger:
        why = f"规则 {rule.rule_id} 的 {rule.lead} 在此地没有单位 | no unit of {rule.lead} at this place"
    if question.danger:
        return _apart(atlas, question, _guarded(atlas, question, rule, lead, assists))
    if rule and lead and (instead := _stand_in(atlas, rule, lead, question)):
        why = both(why, f"{lead.name}此刻无人值班，由{instead.name}代为主办 | {lead.unit_id} has nobody on duty")
        lead, assists = instead, [lead, *assists]
    settled = rule is not None and lead is not None and not rule.hold
    only_held = rule is not None and lead is not None and rule.hold and question.sure
    if rule and lead and max(atlas.rank_of(division), RANKS[lead.tier]) < RANKS[rule.tier]:
        settled = only_held = False
        why = (
            f"规则 {rule.rule_id} 要知道{rule.tier}，地点只到{lead.tier}"
            f" | rule {rule.rule_id} needs the {rule.tier}, the place is known to the {lead.tier} only"
        )
    candidates = () if settled and question.sure else _candidates(atlas, question, located, lead)
    if lead is None:
        return _apart(
            atlas, question, Matched(rule, deciding_centre(atlas, division), (), candidates, why, settled=False)
        )
    return _apart(atlas, question, Matched(rule, lead, _others(assists, lead), candidates, why, settled, only_held))


def _stand_in(atlas: Atlas, rule: DutyRule, lead: Unit, question: Question) -> Unit | None:
    """Who leads while a lead that keeps a duty roster has nobody on it."""
    if not rule.stand_in or lead.unit_id not in atlas.kept or atlas.rosters.on(lead.unit_id, question.at):
        return None
    return atlas.unit_for(rule.stand_in, question.division)


def _apart(atlas: Atlas, question: Question, found: Matched) -> Matched:
    """Without the units that are complained about and those that answer to them; where one of them was to lead, the
    nearest centre above it does, and last the city's desk, which has nobody above it."""
    if not question.accused:
        return found
    bars = atlas.organisation.bars
    assists = tuple(unit for unit in found.assists if not bars(question.accused, unit.unit_id))
    candidates = tuple(one for one in found.candidates if not bars(question.accused, one.value))
    if not bars(question.accused, found.lead.unit_id):
        return structs.replace(found, assists=assists, candidates=candidates)
    lead = _free(atlas, question.accused, found.lead)
    why = both(found.why, f"被反映单位回避，由{lead.name}主办 | the unit complained about stands aside: {lead.unit_id}")
    return structs.replace(found, lead=lead, assists=_others([*assists], lead), candidates=candidates, why=why)


def _others(units: list[Unit], lead: Unit) -> tuple[Unit, ...]:
    """Each unit once, in order, without the lead."""
    found = {unit.unit_id: unit for unit in units}
    found.pop(lead.unit_id, None)
    return tuple(found.values())


def ranking(atlas: Atlas, question: Question) -> Iterator[tuple[Rank, DutyRule]]:
    """The rows that fit, most specific first; among equals, by their line in the file."""
    for rank, rule in atlas.rulebook.fitting(question.class_key, question.division, question.subject).rows:
        if not unmet(rule, question):
            yield rank, rule


def unmet(rule: DutyRule, question: Question) -> list[str]:
    """What a row asks for that a report does not have, beside class, place and subject: the names of its fields."""
    found = []
    if rule.scenes and question.scene not in rule.scenes:
        found.append("scenes")
    if rule.sources and question.source not in rule.sources:
        found.append("sources")
    if rule.ticket_types and question.ticket_type not in rule.ticket_types:
        found.append("ticket_types")
    if rule.hours and not within(rule.hours, question.at):
        found.append("hours")
    for attribute, values in rule.attributes.items():
        if question.value(attribute) not in values:
            found.append(attribute.value)
    return found


def deciding_centre(atlas: Atlas, division: str, tier: Tier = Tier.DISTRICT, accused: tuple[str, ...] = ()) -> Unit:
    """The centre of a tier (unless said, the district) that decides about a place: the next one above it where the
    place is not known so deep, or where that one is complained about or answers to one that is; at last the city's
    desk, or the city's centre where the desk is complained about."""
    for area in atlas.lineage.get(division, ()):
        centre = atlas.centre_of(area)
        if centre and RANKS[Tier.CITY] < RANKS[centre.tier] <= RANKS[tier]:
            return _free(atlas, accused, centre)
    return _free(atlas, accused, atlas.desk())


def _free(atlas: Atlas, accused: tuple[str, ...], unit: Unit) -> Unit:
    """The unit, or the nearest centre above it that is neither complained about nor answers to one that is; last the
    city's desk, which has nobody above it."""
    bars = atlas.organisation.bars
    if not accused or not bars(accused, unit.unit_id):
        return unit
    step = atlas.organisation.centre_above(unit.unit_id)
    while step and bars(accused, step):
        step = atlas.organisation.centre_above(step)
    return atlas.units[step] if step else atlas.desk()


def _winner(atlas: Atlas, question: Question) -> tuple[DutyRule | None, str]:
    ranked = ranking(atlas, question)
    rank, rule = next(ranked, (None, None))
    if rule is None:
        return None, "没有适用的规则 | no rule fits"
    for other_rank, other in ranked:
        if other_rank != rank:
            break
        if other.outcome != rule.outcome:
            return None, (
                f"规则 {rule.rule_id} 与 {other.rule_id} 同样具体"
                f" | rules {rule.rule_id} and {other.rule_id} are equally specific"
            )
    why = (
        f"规则 {rule.rule_id}" + (f"：{rule.why}" if rule.why else "") + f" | rule {rule.rule_id} is the most specific"
    )
    return rule, (both(why, "待派单员决定 | held for a dispatcher") if rule.hold else why)


def _guarded(
    atlas: Atlas, question: Question, rule: DutyRule | None, lead: Unit | None, assists: list[Unit]
) -> Matched:
    """Danger to life: never a street alone. The city's desk leads, or the lead of the scene's own row."""
    desk = atlas.desk()
    own = rule is not None and lead is not None and question.scene != "" and question.scene in rule.scenes
    first = lead if own and lead is not None else desk
    centres = [atlas.centre_of(area) for area in atlas.lineage.get(question.division, ())]
    near = [unit for unit in centres if unit and RANKS[unit.tier] <= RANKS[Tier.STREET]]
    others = [*((lead,) if lead else ()), *assists, *near]
    if RANKS[first.tier] >= RANKS[Tier.STREET]:
        others.append(desk)
    why = f"涉险：{first.name}主办，区与街镇协办 | danger to life: the city leads"
    return Matched(rule, first, _others(others, first), (), why, settled=True)


def _candidates(atlas: Atlas, question: Question, located: Located | None, lead: Unit | None) -> tuple[Candidate, ...]:
    """Units a person may choose from: the lead, the leads of the next rows, the offices of the likely places."""
    found: dict[str, Candidate] = {}
    likely = located.candidates[:3] if located else ()

    def add(unit: Unit | None, score: float, because: str) -> None:
        if unit and (unit.unit_id not in found or found[unit.unit_id].score < score):
            found[unit.unit_id] = Candidate(value=unit.unit_id, score=score, name=unit.name, because=because)

    add(lead, 0.9, "首选 | first choice")
    for place, (_, rule) in zip(range(_SHOWN), ranking(atlas, question), strict=False):
        why = f"规则 {rule.rule_id} | rule {rule.rule_id}"
        add(atlas.unit_for(rule.lead, question.division), 0.8 / (place + 1), why)
        for one in likely:
            if one.value in atlas.divisions:
                add(atlas.unit_for(rule.lead, one.value), 0.7 * one.score / (place + 1), "可能的地点 | likely place")
    for one in likely:
        add(atlas.centre_of(one.value), 0.5 * one.score, "可能的地点 | likely place")
    add(deciding_centre(atlas, question.division, accused=question.accused), 0.2, "属地 | the place's centre")
    return tuple(sorted(found.values(), key=lambda one: (-one.score, one.value))[:_SHOWN])
