"""Checks of landmarks.csv: roads, compounds and sights, and in which divisions they lie."""

import re
from collections import defaultdict

from schemas.city import Landmark
from services.chassis.city.shapes import Draft

NUMBERS = re.compile(r"^(?:(odd|even) )?(\d{1,6})-(\d{1,6})$")
_LEAST_NAME = 2  # characters
_ROUNDING = 0.005


def check_landmarks(draft: Draft) -> None:
    """Names, divisions, shares and house numbers of the landmarks."""
    table, faults = draft.landmarks, draft.faults
    rows: dict[str, list[tuple[int, Landmark]]] = defaultdict(list)
    for line, item in table:
        rows[item.name].append((line, item))
        for name in (item.name, *item.aliases):
            if len(name) < _LEAST_NAME:
                faults.add(table.file, line, f"name {name!r} is too short to be told from other words")
        if draft.divisions.present and item.division not in draft.divisions.keys:
            faults.add(table.file, line, f"unknown division {item.division!r} of {item.name}")
        if not 0 < item.share <= 1:
            faults.add(table.file, line, f"{item.name}: share {item.share:g} must be above 0 and at most 1")
    for name, found in rows.items():
        _check_one(draft, name, found)


def _check_one(draft: Draft, name: str, rows: list[tuple[int, Landmark]]) -> None:
    """The rows of one name: each division once, shares of at most 1, house numbers that do not overlap."""
    faults, file = draft.faults, draft.landmarks.file
    seen: dict[str, int] = {}
    spans: list[tuple[int, set[int], int, int]] = []
    for line, item in rows:
        if item.division in seen:
            faults.add(file, line, f"{name} in {item.division} stands already in line {seen[item.division]}")
        seen.setdefault(item.division, line)
        if not item.numbers:
            continue
        read = NUMBERS.match(item.numbers)
        if not read or int(read[2]) > int(read[3]):
            faults.add(file, line, f"{name}: numbers {item.numbers!r} are not like 120-480, odd 1-99 or even 2-98")
            continue
        sides = {"odd": {1}, "even": {0}}.get(read[1], {0, 1})
        low, high = int(read[2]), int(read[3])
        for other, sides_there, low_there, high_there in spans:
            if sides & sides_there and low <= high_there and low_there <= high:
                faults.add(file, line, f"{name}: numbers {item.numbers} are also those of line {other}")
        spans.append((line, sides, low, high))
    total = sum(item.share for _, item in rows)
    if total > 1 + _ROUNDING:
        faults.add(file, rows[0][0], f"{name}: its shares sum to {total:g}, more than 1")
