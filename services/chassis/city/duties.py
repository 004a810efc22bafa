"""Checks of the duty rulebook row by row: what a row refers to is there, and somebody holds every function it names.

What the rows decide together is checked in `decisions.py`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product

from schemas.city import DutyRule
from schemas.vocabulary import Attribute, Tier
from services.chassis.city.days import on_day
from services.chassis.city.decisions import check_decisions
from services.chassis.city.places import lineage
from services.chassis.city.shapes import RULEBOOK, Draft

TABLES = ("version", "rule", "capacity", "delegation", "elevation", "preposition", "resource_kind")


def check_rules(draft: Draft) -> None:
    """References of every rule, then what they decide together."""
    draft.rulebook.allow(TABLES, draft.faults)
    if draft.rulebook.present and not draft.rules.keys:
        draft.faults.add(RULEBOOK, 1, "no [[rule]]: nobody is responsible for anything")
    _check_references(draft)
    _check_reach(draft)
    if (
        draft.rules.keys
        and draft.divisions.present
        and draft.classes.present
        and draft.rulebook.whole
        and len(draft.rules.rows) == len(draft.rulebook.values.get("rule", ()))
    ):
        check_decisions(draft)


def _check_references(draft: Draft) -> None:
    seen: dict[str, int] = {}
    known = _Known.of(draft)
    for line, rule in draft.rules:
        name = f"rule {rule.rule_id!r}"
        if rule.rule_id in seen:
            draft.faults.add(RULEBOOK, line, f"{name} stands already in line {seen[rule.rule_id]}")
        seen.setdefault(rule.rule_id, line)
        for cause in (*known.unknown(rule), *_odd(rule)):
            draft.faults.add(RULEBOOK, line, f"{name}: {cause}")


def _odd(rule: DutyRule) -> Iterator[str]:
    """What is wrong with a row whatever the city has."""
    if not rule.lead and not rule.transfer_to:
        yield "neither lead nor transfer_to: nobody would be responsible"
    if rule.lead and rule.lead in rule.assists:
        yield f"{rule.lead!r} is lead and assist at once"
    if rule.stand_in and rule.stand_in == rule.lead:
        yield f"{rule.lead!r} cannot stand in for itself"
    if rule.hours and rule.hours[0] == rule.hours[1]:
        yield "hours begin and end at the same time"
    for attribute, values in rule.attributes.items():
        if not values:
            yield f"attribute {attribute.value} without a value takes nothing"


@dataclass(frozen=True)
class _Known:
    """What a row may refer to; None where the file that says it could not be read."""

    divisions: set[str] | None
    classes: set[str] | None
    scenes: set[str] | None
    functions: set[str] | None
    units: set[str]
    platforms: set[str] | None
    values: dict[Attribute, set[str]]

    @classmethod
    def of(cls, draft: Draft) -> "_Known":
        values = {
            Attribute.CONFIDENTIAL: {"yes", "no"},
            Attribute.ABOUT: {"unit", "other", "nobody"},
            Attribute.STARS: {"1", "2", "3", "4", "5"},
            Attribute.PLACE: {tier.value for tier in Tier},
        }
        if draft.screens.present:
            values[Attribute.DEVICE] = {screen.kind for _, screen in draft.screens}
            values[Attribute.DEVICE] |= {device.kind for _, device in draft.devices}
        if draft.police.present:
            values[Attribute.POLICE] = draft.police.keys
        return cls(
            draft.divisions.keys if draft.divisions.present else None,
            draft.class_names() if draft.classes.present else None,
            {screen.scene for _, screen in draft.screens if screen.scene} if draft.screens.present else None,
            {unit.function for _, unit in draft.units} if draft.units.present else None,
            draft.units.keys,
            draft.platforms() if draft.knows_platforms() else None,
            values,
        )

    def unknown(self, rule: DutyRule) -> Iterator[str]:
        """What a row names that nobody knows."""
        if self.divisions is not None:
            yield from (f"unknown division {code!r}" for code in rule.areas if code not in self.divisions)
        if self.classes is not None:
            yield from (f"unknown class {key!r}" for key in rule.classes if key not in self.classes)
        if self.scenes is not None:
            told = (*rule.scenes, *((rule.scene,) if rule.scene else ()))
            yield from (f"unknown scene {scene!r}" for scene in told if scene not in self.scenes)
        if rule.transfer_to and self.platforms is not None and rule.transfer_to not in self.platforms:
            yield f"unknown platform {rule.transfer_to!r}: no unit of the whole city has this phone"
        if self.functions is not None:
            for duty in (rule.lead, *rule.assists, rule.stand_in):
                yield from _duty_faults(duty, self.functions, self.units)
        for attribute, values in rule.attributes.items():
            if attribute in self.values:
                for value in values:
                    if value not in self.values[attribute]:
                        yield f"attribute {attribute.value}: unknown value {value!r}"


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
    _check_standing(draft)


def _check_standing(draft: Draft) -> None:
    """Units and areas that a rule names outright must stand, today and on each later day. Whoever took a unit over
    does its work for the rule too; an area that others take in stands in the rule beside the one that takes it in."""
    successors = {unit.unit_id: unit.successor for _, unit in draft.units}
    areas = [(day, {item.code for item in on_day(draft.divisions.items, day)}) for day in draft.days]
    standing = [(day, {unit.unit_id for unit in on_day(draft.units.items, day)}) for day in draft.days]
    for line, rule in draft.rules:
        known = draft.divisions.keys.intersection(rule.areas)
        last = max((number for number, (_, there) in enumerate(areas) if known & there), default=-1)
        if known and last + 1 < len(areas):
            since = f"{areas[last + 1][0]} on" if last >= 0 else "today on"
            cause = f"no area of it stands from {since}: {', '.join(sorted(known))}"
            draft.faults.add(RULEBOOK, line, f"rule {rule.rule_id!r}: {cause}")
        for unit in (duty.removeprefix("unit:") for duty in _duties(rule) if duty.startswith("unit:")):
            if unit not in successors:
                continue
            for day, units in standing:
                if not _heir_stands(unit, successors, units):
                    since = "" if day == draft.days[0] else f" from {day} on"
                    cause = f"rule {rule.rule_id!r}: unit {unit!r} does not stand{since}, and nobody took it over"
                    draft.faults.add(RULEBOOK, line, cause)
                    break


def _heir_stands(unit: str, successors: dict[str, str], units: set[str]) -> bool:
    seen: set[str] = set()
    while unit and unit not in units and unit not in seen:
        seen.add(unit)
        unit = successors.get(unit, "")
    return unit in units


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
        for duty, area in product(_duties(rule), rule.areas or (draft.settings.root,)):
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


def _duties(rule: DutyRule) -> tuple[str, ...]:
    return tuple(duty for duty in (rule.lead, *rule.assists, rule.stand_in) if duty)
