"""Checks of the duty rulebook: references, and for every area, class and situation exactly one rule that decides.

The order is that of `DutyRule`: deeper area, then class (a key before its major before any), then scene and subject,
then source and ticket type, then the time window. All situations are tried, so a rule that never
decides, two that contradict each other and a gap are found for certain, not by comparing rules pair by pair.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time
from itertools import groupby, product

from schemas.city import ClassItem, DutyRule
from schemas.vocabulary import Source, TicketType, Tier
from services.chassis.city.days import on_day
from services.chassis.city.places import TIER_DEPTH, lineage
from services.chassis.city.shapes import RULEBOOK, Draft

Rank = tuple[int, int, int, int, int]
_OTHER = "\0other"  # stands for every value that no rule names
_AXES = {"scenes": "scene", "sources": "source", "ticket_types": "ticket type", "subjects": "subject", "hours": "time"}


def check_rules(draft: Draft) -> None:
    """References of every rule, then what they decide together."""
    draft.rulebook.allow(("version", "rule"), draft.faults)
    if draft.rulebook.present and not draft.rules.keys:
        draft.faults.add(RULEBOOK, 1, "no [[rule]]: nobody is responsible for anything")
    _check_references(draft)
    _check_reach(draft)
    if (
        draft.rules.keys
        and draft.divisions.present
        and draft.classes.present
        and len(draft.rules.rows) == len(draft.rulebook.values.get("rule", ()))
    ):
        _check_decisions(draft)


def _check_references(draft: Draft) -> None:
    seen: dict[str, int] = {}
    classes, platforms = draft.class_names(), draft.platforms()
    functions = {unit.function for _, unit in draft.units}
    scenes = {screen.scene for _, screen in draft.screens if screen.scene}
    for line, rule in draft.rules:
        name = f"rule {rule.rule_id!r}"
        if rule.rule_id in seen:
            draft.faults.add(RULEBOOK, line, f"{name} stands already in line {seen[rule.rule_id]}")
        seen.setdefault(rule.rule_id, line)
        causes = [f"unknown division {code!r}" for code in rule.areas if code not in draft.divisions.keys]
        causes = causes if draft.divisions.present else []
        if draft.classes.present:
            causes += [f"unknown class {key!r}" for key in rule.classes if key not in classes]
        if draft.screens.present:
            causes += [f"unknown scene {scene!r}" for scene in rule.scenes if scene not in scenes]
        if draft.units.present:
            if rule.transfer_to and draft.knows_platforms() and rule.transfer_to not in platforms:
                causes.append(f"unknown platform {rule.transfer_to!r}: no unit of the whole city has this phone")
            for duty in (rule.lead, *rule.assists):
                causes += _duty_faults(duty, functions, draft.units.keys)
        if not rule.lead and not rule.transfer_to:
            causes.append("neither lead nor transfer_to: nobody would be responsible")
        if rule.lead and rule.lead in rule.assists:
            causes.append(f"{rule.lead!r} is lead and assist at once")
        if rule.hours and rule.hours[0] == rule.hours[1]:
            causes.append("hours begin and end at the same time")
        for cause in causes:
            draft.faults.add(RULEBOOK, line, f"{name}: {cause}")


def _duty_faults(duty: str, functions: set[str], unit_ids: set[str]) -> list[str]:
    if duty.startswith("unit:"):
        return [] if duty.removeprefix("unit:") in unit_ids else [f"unknown unit {duty.removeprefix('unit:')!r}"]
    return [] if duty in functions or not duty else [f"unknown function {duty!r}"]


def _check_reach(draft: Draft) -> None:
    """Every function a rule names must have a unit for every street of the rule's areas (or above, or below it), today
    and on each later day on which divisions or units change."""
    told: set[tuple[int, str, str]] = set()
    for day in draft.days:
        for line, rule, duty, where in _unreached(draft, day):
            if (line, duty, where) in told:
                continue
            told.add((line, duty, where))
            since = "" if day == draft.days[0] else f" from {day} on"
            cause = f"rule {rule.rule_id!r}: no unit of function {duty!r} covers {where}{since}"
            draft.faults.add(RULEBOOK, line, cause)


def _unreached(draft: Draft, day: date) -> Iterator[tuple[int, DutyRule, str, str]]:
    """Rules with a function that nobody holds for some street on a day: line, rule, function, and which street."""
    divisions = on_day(draft.divisions.items, day)
    chains = lineage(divisions)
    tiers = {item.code: item.tier for item in divisions}
    names = {item.code: item.name for item in divisions}
    functions = {unit.function for _, unit in draft.units}
    holders: dict[str, set[str]] = defaultdict(set)
    below: dict[str, set[str]] = defaultdict(set)
    for unit in on_day(draft.units.items, day):
        holders[unit.function].add(unit.division)
        below[unit.function].update(chains.get(unit.division, ()))
    streets = [code for code, tier in tiers.items() if tier in (Tier.DISTRICT, Tier.STREET)]
    uncovered: dict[tuple[str, str], list[str]] = {}
    for line, rule in draft.rules:
        for duty, area in product((rule.lead, *rule.assists), rule.areas or (draft.settings.root,)):
            if duty not in functions or area not in chains:
                continue
            if (duty, area) not in uncovered:
                probes = [code for code in streets if area in chains[code]] or [area]
                has = holders[duty]
                uncovered[duty, area] = [
                    code for code in probes if code not in below[duty] and has.isdisjoint(chains[code])
                ]
            missing = uncovered[duty, area]
            if missing:
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                yield line, rule, duty, f"{missing[0]} {names[missing[0]]}{more}"


@dataclass(frozen=True)
class Situations:
    """Every combination of scene, source, ticket type, subject and time that the rules tell apart, as bits."""

    everything: int
    masks: dict[tuple[str, str], int]
    cells: tuple[tuple[str, ...], ...]

    def of(self, rule: DutyRule) -> int:
        """The situations a rule is for."""
        mask = self.everything
        for name, values in _named(rule):
            if values:
                mask &= sum(self.masks[name, value] for value in set(values))
        if rule.hours:
            inside = [moment for (name, moment) in self.masks if name == "hours" and _within(moment, rule.hours)]
            mask &= sum(self.masks["hours", moment] for moment in inside)
        return mask

    def example(self, mask: int) -> str:
        """One of these situations in words, without what makes no difference to them."""
        cell = self.cells[(mask & -mask).bit_length() - 1]
        told: list[str] = []
        for (axis, name), value in zip(_AXES.items(), cell, strict=True):
            values = [one for known, one in self.masks if known == axis]
            if not all(mask & self.masks[axis, one] for one in values):
                told.append(f"another {name}" if value == _OTHER else f"{name} {value}")
        return ", ".join(told) if told else "anything"


def _named(rule: DutyRule) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("scenes", rule.scenes),
        ("sources", tuple(source.value for source in rule.sources)),
        ("ticket_types", tuple(kind.value for kind in rule.ticket_types)),
        ("subjects", rule.subjects),
    )


def _within(moment: str, hours: tuple[time, time]) -> bool:
    if moment == _OTHER:
        return False
    at, (begins, ends) = time.fromisoformat(moment), hours
    return begins <= at < ends if begins < ends else at >= begins or at < ends


def _situations(rules: list[DutyRule]) -> Situations:
    values: dict[str, set[str]] = defaultdict(set)
    for rule in rules:
        for name, named in _named(rule):
            values[name].update(named)
        if rule.hours:
            values["hours"].update(moment.isoformat() for moment in rule.hours)
    axes: list[tuple[str, list[str]]] = []
    closed = {"sources": len(Source), "ticket_types": len(TicketType)}
    for name in _AXES:
        named_values = sorted(values[name])
        whole = len(named_values) == closed.get(name, -1) or (name == "hours" and bool(named_values))
        axes.append((name, named_values if whole else [_OTHER, *named_values]))
    cells = tuple(product(*(options for _, options in axes)))
    masks: dict[tuple[str, str], int] = defaultdict(int)
    for bit, cell in enumerate(cells):
        for (name, _), value in zip(axes, cell, strict=True):
            masks[name, value] |= 1 << bit
    return Situations((1 << len(cells)) - 1, dict(masks), cells)


@dataclass
class Verdict:
    """What trying everything has shown."""

    deciding: set[int] = field(default_factory=set)
    clashes: dict[tuple[int, int], str] = field(default_factory=dict)
    gaps: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))


def _check_decisions(draft: Draft) -> None:
    rules = [rule for _, rule in draft.rules]
    situations = _situations(rules)
    masks = [situations.of(rule) for rule in rules]
    verdict = Verdict()
    settled: dict[tuple[tuple[int, Rank], ...], int] = {}
    classes = list(_class_groups(draft, rules))
    for region, depths in _regions(draft, rules):
        for item, ranks in classes:
            both = [(rule, depths[rule], ranks[rule]) for rule in range(len(rules)) if rule in depths and rule in ranks]
            signature = tuple((rule, _rank(rules[rule], depth, rank)) for rule, depth, rank in both)
            if signature not in settled:
                settled[signature] = _settle(signature, rules, masks, situations, verdict)
            if settled[signature]:
                verdict.gaps[region].append((item.key, situations.example(settled[signature])))
    _tell(draft, rules, verdict)


def _rank(rule: DutyRule, depth: int, class_rank: int) -> Rank:
    scene, said = bool(rule.scenes) + bool(rule.subjects), bool(rule.sources) + bool(rule.ticket_types)
    return depth, class_rank, scene, said, int(rule.hours is not None)


def _class_groups(draft: Draft, rules: list[DutyRule]) -> Iterator[tuple[ClassItem, dict[int, int]]]:
    """Each class with the rules that take it: 2 by key, 1 by major, 0 by taking any."""
    for _, item in draft.classes:
        ranks: dict[int, int] = {}
        for number, rule in enumerate(rules):
            if not rule.classes:
                ranks[number] = 0
            elif item.key in rule.classes:
                ranks[number] = 2
            elif f"major:{item.major}" in rule.classes:
                ranks[number] = 1
        yield item, ranks


def _regions(draft: Draft, rules: list[DutyRule]) -> Iterator[tuple[str, dict[int, int]]]:
    """Places the rules tell apart, each with the rules that reach it and the depth of the area by which they do."""
    chains = lineage(item for _, item in draft.divisions)
    tiers = {item.code: TIER_DEPTH[item.tier] for _, item in draft.divisions}
    mentioned = {area for rule in rules for area in rule.areas if area in chains}
    for region in sorted(mentioned | {draft.settings.root}):
        chain = chains.get(region, ())
        depths: dict[int, int] = {}
        for number, rule in enumerate(rules):
            reached = [tiers[area] + 1 for area in rule.areas if area in chain]
            if reached or not rule.areas:
                depths[number] = max(reached, default=0)
        yield region, depths


def _settle(
    signature: tuple[tuple[int, Rank], ...],
    rules: list[DutyRule],
    masks: list[int],
    situations: Situations,
    verdict: Verdict,
) -> int:
    """Let these rules decide every situation, the most specific first; the situations that stay open are returned."""
    open_ones = situations.everything
    ordered = sorted(signature, key=lambda entry: (*(-part for part in entry[1]), entry[0]))
    for _, equals in groupby(ordered, key=lambda entry: entry[1]):
        taken = 0
        group = [number for number, _ in equals]
        for place, number in enumerate(group):
            mine = masks[number] & open_ones
            for earlier in group[:place]:
                shared = mine & masks[earlier]
                if shared and _outcome(rules[earlier]) != _outcome(rules[number]):
                    verdict.clashes.setdefault((earlier, number), situations.example(shared))
            if mine & ~taken:
                verdict.deciding.add(number)
            taken |= mine
        open_ones &= ~taken
    return open_ones


def _outcome(rule: DutyRule) -> tuple[object, ...]:
    return rule.lead, rule.assists, rule.tier, rule.transfer_to


def _tell(draft: Draft, rules: list[DutyRule], verdict: Verdict) -> None:
    clashing = {number for pair in verdict.clashes for number in pair}
    for (earlier, later), example in verdict.clashes.items():
        one, other = rules[earlier], rules[later]
        differs = f"{other.lead!r} leads instead of {one.lead!r}"
        if other.lead == one.lead:
            differs = "assists, tier or platform differ"
        same = f"rule {other.rule_id!r} contradicts {one.rule_id!r} of line {one.line}: equally specific for {example}"
        draft.faults.add(RULEBOOK, other.line, f"{same}, but {differs}")
    for number, rule in enumerate(rules):
        if number not in verdict.deciding and number not in clashing:
            cause = f"rule {rule.rule_id!r} is unreachable: earlier or more specific rules decide all it is for"
            draft.faults.add(RULEBOOK, rule.line, cause)
    for region, gaps in verdict.gaps.items():
        keys = sorted({key for key, _ in gaps})
        more = f" and {len(keys) - 1} more classes" if len(keys) > 1 else ""
        cause = f"no rule for class {keys[0]}{more} in {region} ({gaps[0][1]}): a rulebook needs a fallback"
        draft.faults.add(RULEBOOK, 1, cause)
