"""Checks of the duty rosters: who answers for a unit, when, and that nobody has to ask which of two it is."""

import re
from collections import defaultdict
from datetime import date

from schemas.city import Shift
from services.chassis.city.shapes import Draft

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY

Taken = tuple[int, int, int]  # from, to (minutes), line


def check_rosters(draft: Draft) -> None:
    """References, days, people and telephones of every line; then that no two lines of a unit hold at one moment."""
    table, faults = draft.rosters, draft.faults
    phone = re.compile(draft.settings.phone_pattern) if _compiles(draft.settings.phone_pattern) else None
    by_week: dict[str, list[Taken]] = defaultdict(list)
    by_date: dict[str, list[Taken]] = defaultdict(list)
    for line, item in table:
        if draft.units.present and item.unit_id not in draft.units.keys:
            faults.add(table.file, line, f"unknown unit {item.unit_id!r}")
        if item.deputy and item.deputy == item.person:
            faults.add(table.file, line, f"{item.person} cannot be his own deputy")
        if not item.phone:
            faults.add(table.file, line, "phone: missing; an urgent order has to ring somewhere")
        elif phone is not None and not phone.match(item.phone):
            faults.add(table.file, line, f"{item.phone!r} is not a phone number")
        for day in _days(draft, line, item):
            begin, length = _minutes(item)
            if day in WEEKDAYS:
                at = WEEKDAYS.index(day) * DAY + begin
                by_week[item.unit_id] += [(at, at + length, line), (at + WEEK, at + length + WEEK, line)]
            else:
                at = date.fromisoformat(day).toordinal() * DAY + begin
                by_date[item.unit_id].append((at, at + length, line))
    for taken in (by_week, by_date):
        for unit_id, spans in taken.items():
            _check_overlaps(draft, unit_id, spans)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _days(draft: Draft, line: int, item: Shift) -> list[str]:
    """The days of a line that can be read; the others, and one that stands twice, are noted."""
    file, faults = draft.rosters.file, draft.faults
    if not item.days:
        faults.add(file, line, "days: missing")
    found: list[str] = []
    for day in item.days:
        if day in found:
            faults.add(file, line, f"days: {day} stands twice")
        elif day in WEEKDAYS or _is_date(day):
            found.append(day)
        else:
            faults.add(file, line, f"days: {day!r} is neither mon … sun nor a date like 2026-10-01")
    return found


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _minutes(item: Shift) -> tuple[int, int]:
    """When a shift begins and how long it is, in minutes of the day."""
    begin = item.starts.hour * 60 + item.starts.minute
    end = item.ends.hour * 60 + item.ends.minute
    return begin, end - begin if end > begin else end - begin + DAY


def _check_overlaps(draft: Draft, unit_id: str, spans: list[Taken]) -> None:
    told: set[tuple[int, int]] = set()
    reach, holder = -1, 0
    for begin, end, line in sorted(spans):
        if begin < reach:
            pair = (max(line, holder), min(line, holder))
            if pair not in told:
                told.add(pair)
                cause = f"{unit_id}: overlaps with line {pair[1]}; which of the two answers?"
                draft.faults.add(draft.rosters.file, pair[0], cause)
        if end > reach:
            reach, holder = end, line
