"""Checks of who can take work and what can be sent: capacities, delegations, elevations, resources."""

from collections.abc import Iterator

from schemas.city import Capacity, Delegation, Elevation, Preposition
from services.chassis.city.files import Table
from services.chassis.city.shapes import RULEBOOK, Draft


def check_readiness(draft: Draft) -> None:
    """Each named once; units, functions, classes and divisions exist; days and numbers make sense."""
    _check_once(draft, draft.capacities, "capacity_id")
    _check_once(draft, draft.delegations, "delegation_id")
    _check_once(draft, draft.elevations, "elevation_id")
    _check_once(draft, draft.prepositions, "preposition_id")
    _check_once(draft, draft.resource_kinds, "kind")
    _check_once(draft, draft.resources, "resource_id")
    units = {unit.unit_id for _, unit in draft.units}
    functions = {unit.function for _, unit in draft.units}
    told = [(line, row.capacity_id, cause) for line, row in draft.capacities for cause in _capacity(draft, row)]
    told += [(line, row.delegation_id, cause) for line, row in draft.delegations for cause in _delegation(draft, row)]
    told += [(line, row.elevation_id, cause) for line, row in draft.elevations for cause in _elevation(draft, row)]
    for line, row in draft.capacities if draft.units.present else ():
        told += [(line, row.capacity_id, f"unknown unit {unit!r}") for unit in row.units if unit not in units]
        named = (*row.functions, *((row.instead,) if row.instead else ()))
        told += [(line, row.capacity_id, f"unknown function {one!r}") for one in named if one not in functions]
    for line, entrusted in draft.delegations if draft.units.present else ():
        missing = [unit for unit in (entrusted.unit, entrusted.to) if unit not in units]
        told += [(line, entrusted.delegation_id, f"unknown unit {unit!r}") for unit in missing]
    told += [(line, row.preposition_id, why) for line, row in draft.prepositions for why in _preposition(draft, row)]
    for line, kind in draft.resource_kinds:
        if kind.speed_kmh <= 0 or kind.reach_km <= 0:
            told.append((line, kind.kind, "speed_kmh and reach_km are above 0"))
    for line, name, cause in told:
        draft.faults.add(RULEBOOK, line, f"{name!r}: {cause}")
    kinds = {kind.kind for _, kind in draft.resource_kinds}
    west, south, east, north = draft.settings.bounds
    for line, resource in draft.resources:
        if resource.kind not in kinds:
            draft.faults.add("resources.csv", line, f"unknown resource kind {resource.kind!r}")
        if draft.units.present and resource.unit not in units:
            draft.faults.add("resources.csv", line, f"unknown unit {resource.unit!r}")
        if not (west <= resource.lon <= east and south <= resource.lat <= north):
            draft.faults.add("resources.csv", line, f"{resource.resource_id!r} stands outside the city")


def _check_once(draft: Draft, table: Table, key: str) -> None:  # type: ignore[type-arg]
    seen: dict[str, int] = {}
    for line, row in table:
        name = getattr(row, key)
        if name in seen:
            draft.faults.add(table.file, line, f"{key} {name!r} stands already in line {seen[name]}")
        seen.setdefault(name, line)


def _capacity(draft: Draft, row: Capacity) -> Iterator[str]:
    if not (row.units or row.functions):
        yield "neither units nor functions: nobody is meant"
    if not (row.hours or row.days or row.closed_from or row.closed_to or row.most):
        yield "neither hours, days, a closing nor most: nobody is ever closed or full"
    if row.most < 0:
        yield "most must not be negative"
    if row.hours and row.hours[0] == row.hours[1]:
        yield "hours begin and end at the same time"
    if any(not 0 <= day <= 6 for day in row.days):
        yield "days are 0 (Monday) to 6"
    if row.closed_from and row.closed_to and row.closed_from > row.closed_to:
        yield "closed_from lies after closed_to"
    if draft.divisions.present:
        yield from (f"unknown division {code!r}" for code in row.areas if code not in draft.divisions.keys)


def _delegation(draft: Draft, row: Delegation) -> Iterator[str]:
    if row.unit == row.to:
        yield "a unit entrusts nothing to itself"
    if row.valid_from and row.valid_to and row.valid_from > row.valid_to:
        yield "valid_from lies after valid_to"
    yield from _unknown_classes(draft, row.classes)


def _elevation(draft: Draft, row: Elevation) -> Iterator[str]:
    if not (row.repeats or row.attention or row.warnings):
        yield "neither repeats, attention nor warnings: everything would go up"
    if row.repeats < 0 or row.repeats == 1:
        yield "repeats are at least 2: one report repeats nothing"
    if row.hours <= 0:
        yield "hours are above 0"
    if row.tiers < 0 or (row.tiers == 0 and row.urgency is None):
        yield "tiers are at least 0, and 0 needs an urgency: else nothing goes up"
    yield from _unknown_classes(draft, row.classes)


def _preposition(draft: Draft, row: Preposition) -> Iterator[str]:
    if not row.warnings:
        yield "warnings: empty, it would never be sent"
    if draft.devices.present and not any(device.kind == row.device_kind for _, device in draft.devices):
        yield f"no device of kind {row.device_kind!r}: nowhere to send anything"
    yield from _unknown_classes(draft, (row.class_key,))


def _unknown_classes(draft: Draft, classes: tuple[str, ...]) -> Iterator[str]:
    known = draft.class_names() if draft.classes.present else set(classes)
    yield from (f"unknown class {key!r}" for key in classes if key not in known)
