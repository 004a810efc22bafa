"""Checks of what stands somewhere: divisions, polygons, units and devices."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import shapely

from schemas.city import Division, Unit
from schemas.vocabulary import Tier
from services.chassis.city.shapes import CITY, POLYGONS, Draft

TIER_DEPTH = {tier: depth for depth, tier in enumerate(Tier)}

Ring = tuple[tuple[float, float], ...]
Polygon = tuple[str, tuple[Ring, ...]]


def lineage(divisions: Iterable[Division]) -> dict[str, tuple[str, ...]]:
    """Codes from the division itself up to the root, for each division whose parents are all known."""
    parents = {item.code: item.parent for item in divisions}
    found: dict[str, tuple[str, ...]] = {}
    for code, parent in parents.items():
        known = found.get(parent)
        if known is not None:  # parents usually stand before their children
            found[code] = (code, *known)
            continue
        chain = [code]
        while parents.get(chain[-1]) and len(chain) <= len(TIER_DEPTH):
            chain.append(parents[chain[-1]])
        found[code] = tuple(chain)
    return found


def check_divisions(draft: Draft) -> None:
    """Root, parents and tiers, validity, coordinates and names of the divisions."""
    table, faults, root = draft.divisions, draft.faults, draft.settings.root
    if not table.present:
        return
    if root and root not in table.keys:
        faults.add(CITY, draft.city.line_of("root"), f"root: unknown division {root!r}")
    by_code: dict[str, list[tuple[int, Division]]] = defaultdict(list)
    for line, item in table:
        by_code[item.code].append((line, item))
    for line, item in table:
        file = table.file
        if root and not item.parent and item.code != root:
            faults.add(file, line, f"{item.code} has no parent and is not the root {root!r}")
        if item.parent and item.code == root:
            faults.add(file, line, f"the root {root!r} has a parent")
        if item.parent and item.parent not in table.keys:
            faults.add(file, line, f"unknown parent {item.parent!r} of {item.code}")
        for _, above in by_code.get(item.parent, [])[:1]:
            if TIER_DEPTH[above.tier] >= TIER_DEPTH[item.tier]:
                faults.add(file, line, f"{item.code} is of tier {item.tier} below {above.code} of tier {above.tier}")
        if item.valid_from and item.valid_to and item.valid_to < item.valid_from:
            faults.add(file, line, f"{item.code} ends on {item.valid_to}, before it begins on {item.valid_from}")
        _check_point(draft, file, line, item.code, item.lon, item.lat)
    for code, rows in by_code.items():
        if len(rows) > 1:
            _check_validity(draft, code, rows)
    _check_names(draft)


def _check_point(draft: Draft, file: str, line: int, what: str, lon: float | None, lat: float | None) -> None:
    if (lon is None) != (lat is None):
        draft.faults.add(file, line, f"{what} has only one of lon and lat")
    if lon is None or lat is None:
        return
    west, south, east, north = draft.settings.bounds
    if not (west <= lon <= east and south <= lat <= north):
        hint = " (lon and lat swapped?)" if west <= lat <= east and south <= lon <= north else ""
        draft.faults.add(file, line, f"{what} at {lon:g}, {lat:g} lies outside the bounds of the city{hint}")


def _check_validity(draft: Draft, code: str, rows: list[tuple[int, Division]]) -> None:
    spans = sorted((item.valid_from or date.min, item.valid_to or date.max, line) for line, item in rows)
    for (_, ends, first), (begins, _, second) in zip(spans, spans[1:], strict=False):
        if begins <= ends:
            earlier, later = sorted((first, second))
            draft.faults.add(draft.divisions.file, later, f"{code} overlaps in validity with line {earlier}")


def _check_names(draft: Draft) -> None:
    """An alias must say by itself which division is meant: city-wide down to streets, below a street within it."""
    owners: dict[tuple[str, str], list[tuple[int, Division]]] = defaultdict(list)
    for line, item in draft.divisions:
        scope = item.parent if TIER_DEPTH[item.tier] > TIER_DEPTH[Tier.STREET] else ""
        for name in {item.name, *item.aliases}:
            owners[scope, name].append((line, item))
    for line, item in draft.divisions:
        scope = item.parent if TIER_DEPTH[item.tier] > TIER_DEPTH[Tier.STREET] else ""
        for alias in item.aliases:
            others = [at for at, o in owners[scope, alias] if o.code != item.code and _overlap(item, o)]
            if others:
                where = min(others)
                draft.faults.add(
                    draft.divisions.file, line, f"alias {alias!r} of {item.code} is also used in line {where}"
                )


def polygons_of(draft: Draft) -> tuple[Polygon, ...]:
    """The polygons of the pack on its day, multi-polygons taken apart; wrong codes, shapes, dates and places are
    noted."""
    found: list[Polygon] = []
    for line, feature in draft.features:
        properties, geometry = feature.get("properties"), feature.get("geometry")
        code = properties.get("code") if isinstance(properties, dict) else None
        if not isinstance(code, str):
            draft.faults.add(POLYGONS, line, "feature has no properties.code")
            continue
        if draft.divisions.present and code not in draft.divisions.keys:
            draft.faults.add(POLYGONS, line, f"polygon of unknown division {code!r}")
        shape = geometry if isinstance(geometry, dict) else {}
        kind, coordinates = shape.get("type"), shape.get("coordinates")
        standing = _stands(draft, line, code, properties or {})
        if kind not in ("Polygon", "MultiPolygon"):
            draft.faults.add(POLYGONS, line, f"{code}: geometry is {kind!r}, not Polygon or MultiPolygon")
            continue
        try:
            parts = [coordinates] if kind == "Polygon" else list(coordinates or [])
            for part in parts:
                rings = tuple(tuple((float(x), float(y)) for x, y, *_ in ring) for ring in part or [])
                _check_rings(draft, line, code, rings)
                if standing:
                    found.append((code, rings))
        except (TypeError, ValueError):
            draft.faults.add(POLYGONS, line, f"{code}: coordinates are not rings of [lon, lat]")
    return tuple(found)


def _stands(draft: Draft, line: int, code: str, properties: dict[str, Any]) -> bool:
    """Whether a polygon is that of the draft's day: between the dates of its properties, where it has some."""
    span = [date.min, date.max]
    for place, name in enumerate(("valid_from", "valid_to")):
        try:
            if properties.get(name):
                span[place] = date.fromisoformat(properties[name])
        except (TypeError, ValueError):
            draft.faults.add(POLYGONS, line, f"{code}: {name} is {properties[name]!r}, not a date like 2026-01-31")
    if span[1] < span[0]:
        draft.faults.add(POLYGONS, line, f"{code} ends on {span[1]}, before it begins on {span[0]}")
    return span[0] <= draft.days[0] <= span[1]


def _check_rings(draft: Draft, line: int, code: str, rings: tuple[Ring, ...]) -> None:
    if not rings:
        draft.faults.add(POLYGONS, line, f"{code}: polygon without a ring")
    west, south, east, north = draft.settings.bounds
    for ring in rings:
        if len(ring) < 4 or ring[0] != ring[-1]:
            draft.faults.add(POLYGONS, line, f"{code}: a ring needs at least 4 points and must end where it began")
        outside = [point for point in ring if not (west <= point[0] <= east and south <= point[1] <= north)]
        if outside:
            lon, lat = outside[0]
            draft.faults.add(POLYGONS, line, f"{code}: {lon:g}, {lat:g} lies outside the bounds of the city")
            return
    if all(len(ring) > 3 for ring in rings) and rings:
        shape = shapely.Polygon(rings[0], rings[1:])
        if not shapely.is_valid(shape):
            cause = shapely.is_valid_reason(shape)
            draft.faults.add(POLYGONS, line, f"{code}: polygon crosses or touches itself: {cause} (lon lat)")


def check_units(draft: Draft) -> None:
    """Keys, places, parents and functions of the units."""
    table, faults = draft.units, draft.faults
    if not table.present:
        return
    divisions = {item.code: item for _, item in draft.divisions}
    units = {item.unit_id: item for _, item in table}
    spans: dict[str, list[tuple[int, Unit]]] = defaultdict(list)
    functions: dict[tuple[str, str], list[tuple[int, Unit]]] = defaultdict(list)
    for line, item in table:
        for earlier, other in spans[item.unit_id]:
            if _overlap(item, other):
                faults.add(table.file, line, f"unit {item.unit_id!r} stands already in line {earlier}")
                break
        spans[item.unit_id].append((line, item))
        if item.valid_from and item.valid_to and item.valid_to < item.valid_from:
            faults.add(
                table.file, line, f"{item.unit_id} ends on {item.valid_to}, before it begins on {item.valid_from}"
            )
        if item.successor and (item.successor not in table.keys or item.successor == item.unit_id):
            faults.add(table.file, line, f"unknown successor {item.successor!r} of unit {item.unit_id}")
        if draft.divisions.present and item.division not in draft.divisions.keys:
            faults.add(table.file, line, f"unknown division {item.division!r} of unit {item.unit_id}")
        place = divisions.get(item.division)
        if place and TIER_DEPTH[item.tier] < TIER_DEPTH[place.tier]:
            faults.add(table.file, line, f"{item.unit_id} is of tier {item.tier} in {place.code} of tier {place.tier}")
        for parent in (item.parent, item.second_parent):
            if parent and parent not in table.keys:
                faults.add(table.file, line, f"unknown parent {parent!r} of unit {item.unit_id}")
            above = units.get(parent)
            if above and TIER_DEPTH[above.tier] > TIER_DEPTH[item.tier]:
                cause = f"{item.unit_id} of tier {item.tier} stands below {parent} of tier {above.tier}"
                faults.add(table.file, line, cause)
        held = next((at for at, other in functions[item.function, item.division] if _overlap(item, other)), None)
        functions[item.function, item.division].append((line, item))
        if held is not None:
            cause = f"function {item.function!r} in {item.division} is already held by line {held}: which one is meant?"
            faults.add(table.file, line, cause)
    _check_circles(draft)
    for function in ("centre", "duty_desk"):
        if draft.settings.root and (function, draft.settings.root) not in functions:
            faults.add(table.file, 1, f"no unit of function {function!r} for the root {draft.settings.root!r}")


def _overlap(one: Division | Unit, other: Division | Unit) -> bool:
    """Whether there is a day on which both rows hold."""
    begins = max(one.valid_from or date.min, other.valid_from or date.min)
    return begins <= min(one.valid_to or date.max, other.valid_to or date.max)


def _check_circles(draft: Draft) -> None:
    parents = {item.unit_id: item.parent for _, item in draft.units}
    for line, item in draft.units:
        step, walked = item.parent, 0
        while step and step != item.unit_id and walked < 20:
            step, walked = parents.get(step, ""), walked + 1
        if step == item.unit_id:
            draft.faults.add(draft.units.file, line, f"unit {item.unit_id!r} stands above itself")


def check_devices(draft: Draft) -> None:
    """Keys, kinds and places of the registered devices."""
    table, faults = draft.devices, draft.faults
    seen: dict[str, int] = {}
    for line, item in table:
        if item.device_id in seen:
            faults.add(table.file, line, f"device {item.device_id!r} stands already in line {seen[item.device_id]}")
        seen.setdefault(item.device_id, line)
        if item.kind not in draft.screens.keys and draft.screens.present:
            faults.add(table.file, line, f"device {item.device_id} is of unknown kind {item.kind!r}")
        if draft.divisions.present and item.division not in draft.divisions.keys:
            faults.add(table.file, line, f"unknown division {item.division!r} of device {item.device_id}")
        _check_point(draft, table.file, line, item.device_id, item.lon, item.lat)
