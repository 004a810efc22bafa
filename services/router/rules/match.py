"""Whose it is: the most specific row of the duty rulebook, its functions resolved to units that cover the place."""

from datetime import datetime, time
from operator import itemgetter

from msgspec import Struct

from schemas.city import DutyRule, Unit
from schemas.facts import Candidate, ReportReceived
from schemas.vocabulary import Tier
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.classify import Classified
from services.router.rules.locate import Located
from services.router.rules.text import both
from services.router.rules.veto import Veto

_SHOWN = 5
Rank = tuple[int, int, int, int, int]  # depth of area, of class, scene or subject, source and type, hours


class Matched(Struct, frozen=True):
    """Whose a report is. `lead` always names somebody: the deciding centre where nothing matched. `settled` is False
    when a person must decide; `candidates` are units ranked by score."""

    rule: DutyRule | None
    lead: Unit
    assists: tuple[Unit, ...]
    candidates: tuple[Candidate, ...]
    why: str
    settled: bool


def match(
    atlas: Atlas,
    classified: Classified,
    located: Located,
    report: ReportReceived,
    veto: Veto | None,
    local_time: datetime,
) -> Matched:
    """The lead and assists of a report. The most specific row wins: deeper area, then class over major over any, then
    scene and subject, then source and ticket type, then hours; rows that are equal and disagree leave the choice to a
    person, for whom candidates are ranked. Danger to life goes to the city's desk, with the row's units and the place's
    centres beside it, except where a scene has a flow of its own. `local_time` is in the city's zone."""
    division = located.place.division if located.place else atlas.city.root
    limits = atlas.thresholds
    sure = classified.confidence >= limits.classify_confidence and located.confidence >= limits.locate_confidence
    asked = (classified.key, division, classified.scene, report.source, classified.ticket_type)
    if sure and not veto and (known := atlas.settled.get(asked)):
        return known  # type: ignore[no-any-return]
    found = _match(atlas, classified, located, report, veto, local_time, division, sure)
    if sure and not veto and found.settled and _timeless(atlas, classified, division):
        atlas.remember(asked, found)
    return found


def _timeless(atlas: Atlas, classified: Classified, division: str) -> bool:
    """Whether the hour and the subject make no difference to who wins."""
    fitting = atlas.rules_for(classified.key, classified.major, division)
    return not any(rule.hours or rule.subjects for _, _, rule in fitting)


def _match(
    atlas: Atlas,
    classified: Classified,
    located: Located,
    report: ReportReceived,
    veto: Veto | None,
    local_time: datetime,
    division: str,
    sure: bool,
) -> Matched:
    ranked = ranking(atlas, classified, division, report, local_time)
    rule, why = _winner(ranked)
    lead = atlas.unit_for(rule.lead, division) if rule else None
    assists = [unit for name in rule.assists if (unit := atlas.unit_for(name, division))] if rule else []
    if rule and lead is None and not veto:
        why = f"规则 {rule.rule_id} 的 {rule.lead} 在此地没有单位 | no such unit here"
    if veto:
        return _guarded(atlas, division, rule, lead, assists, classified)
    settled = rule is not None and lead is not None and not rule.hold
    if rule and lead and max(atlas.rank_of(division), RANKS[lead.tier]) < RANKS[rule.tier]:
        settled = False
        why = f"规则 {rule.rule_id} 要知道{rule.tier}，地点只到{lead.tier} | place not known deep enough"
    candidates = () if settled and sure else _candidates(atlas, ranked, located, lead)
    if lead is None:
        return Matched(rule, deciding_centre(atlas, division), (), candidates, why, settled=False)
    return Matched(rule, lead, _others(assists, lead), candidates, why, settled)


def _others(units: list[Unit], lead: Unit) -> tuple[Unit, ...]:
    """Each unit once, in order, without the lead."""
    found = {unit.unit_id: unit for unit in units}
    found.pop(lead.unit_id, None)
    return tuple(found.values())


def ranking(
    atlas: Atlas, classified: Classified, division: str, report: ReportReceived, local_time: datetime
) -> list[tuple[Rank, DutyRule]]:
    """The rows that fit, most specific first; among equals, by their line in the file."""
    fitting: list[tuple[Rank, DutyRule]] = []
    for area, class_, rule in atlas.rules_for(classified.key, classified.major, division):
        if rule.scenes and classified.scene not in rule.scenes:
            continue
        if rule.sources and report.source not in rule.sources:
            continue
        if rule.ticket_types and classified.ticket_type not in rule.ticket_types:
            continue
        if rule.subjects and report.subject not in rule.subjects:
            continue
        if rule.hours and not within(rule.hours, local_time):
            continue
        named = bool(rule.scenes) + bool(rule.subjects)
        said = bool(rule.sources) + bool(rule.ticket_types)
        fitting.append(((area, class_, named, said, int(rule.hours is not None)), rule))
    fitting.sort(key=itemgetter(0), reverse=True)
    return fitting


def within(hours: tuple[time, time], local_time: datetime) -> bool:
    """Whether a local time lies in [from, to); a window whose end is not after its start goes over midnight."""
    start, end = hours
    at = local_time.time()
    return start <= at < end if start < end else at >= start or at < end


def deciding_centre(atlas: Atlas, division: str) -> Unit:
    """The centre that decides about a place: the district's, or the city's desk where no district is known."""
    district = atlas.district_of(division)
    return (atlas.centre_of(district) if district else None) or atlas.desk()


def _winner(ranked: list[tuple[Rank, DutyRule]]) -> tuple[DutyRule | None, str]:
    if not ranked:
        return None, "没有适用的规则 | no rule fits"
    rank, rule = ranked[0]
    for other_rank, other in ranked[1:]:
        if other_rank != rank:
            break
        if (other.lead, other.assists, other.tier, other.transfer_to) != (
            rule.lead,
            rule.assists,
            rule.tier,
            rule.transfer_to,
        ):
            return None, f"规则 {rule.rule_id} 与 {other.rule_id} 同样具体 | equally specific rules"
    why = f"规则 {rule.rule_id}" + (f"：{rule.why}" if rule.why else "") + " | most specific rule"
    return rule, (both(why, "待派单员决定 | held for a dispatcher") if rule.hold else why)


def _guarded(
    atlas: Atlas, division: str, rule: DutyRule | None, lead: Unit | None, assists: list[Unit], classified: Classified
) -> Matched:
    """Danger to life: never a street alone. The city's desk leads, or the lead of the scene's own row."""
    desk = atlas.desk()
    own = rule is not None and lead is not None and classified.scene != "" and classified.scene in rule.scenes
    first = lead if own and lead is not None else desk
    centres = [atlas.centre_of(area) for area in atlas.lineage.get(division, ())]
    near = [unit for unit in centres if unit and RANKS[unit.tier] <= RANKS[Tier.STREET]]
    others = [*((lead,) if lead else ()), *assists, *near]
    if RANKS[first.tier] >= RANKS[Tier.STREET]:
        others.append(desk)
    why = f"涉险：{first.name}主办，区与街镇协办 | danger to life: the city leads"
    return Matched(rule, first, _others(others, first), (), why, settled=True)


def _candidates(
    atlas: Atlas, ranked: list[tuple[Rank, DutyRule]], located: Located, lead: Unit | None
) -> tuple[Candidate, ...]:
    """Units a person may choose from: the lead, the leads of the next rows, the offices of the likely places."""
    found: dict[str, Candidate] = {}
    division = located.place.division if located.place else atlas.city.root

    def add(unit: Unit | None, score: float, because: str) -> None:
        if unit and (unit.unit_id not in found or found[unit.unit_id].score < score):
            found[unit.unit_id] = Candidate(value=unit.unit_id, score=score, name=unit.name, because=because)

    add(lead, 0.9, "首选 | first choice")
    for place, (_, rule) in enumerate(ranked[:_SHOWN]):
        add(atlas.unit_for(rule.lead, division), 0.8 / (place + 1), f"规则 {rule.rule_id} | rule")
        for likely in located.candidates[:3]:
            if likely.value in atlas.divisions:
                add(
                    atlas.unit_for(rule.lead, likely.value),
                    0.7 * likely.score / (place + 1),
                    "可能的地点 | likely place",
                )
    for likely in located.candidates[:3]:
        add(atlas.centre_of(likely.value), 0.5 * likely.score, "可能的地点 | likely place")
    add(deciding_centre(atlas, division), 0.2, "属地 | the place's centre")
    return tuple(sorted(found.values(), key=lambda one: (-one.score, one.value))[:_SHOWN])
