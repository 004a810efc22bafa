"""city.toml: names, time zone, bounds, thresholds; working hours and the published calendars."""

import re
from collections.abc import Iterator
from datetime import date, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from schemas.city import OWN_CALENDAR, CalendarData, Thresholds, Warnings, WorkingHours
from services.chassis.city.faults import FaultList
from services.chassis.city.files import csv_rows, struct_of
from services.chassis.city.shapes import CALENDAR_COLUMNS, CITY, CalendarEntry, Draft, Settings

_NAMES = (
    "name",
    "title",
    "title_en",
    "timezone",
    "version",
    "root",
    "bounds",
    "phone_pattern",
    "thresholds",
    "warnings",
    "working_hours",
    "calendar",
)
CROWD_LEAST = 5  # fewer are no crowd, and the router's index of large matters begins here
N = TypeVar("N", Thresholds, Warnings)
_SHARES = ("classify_confidence", "locate_confidence", "merge_score")


def settings_of(draft: Draft) -> Settings:
    """The settings of city.toml; what cannot be read keeps its default and is noted."""
    city, faults = draft.city, draft.faults
    if not city.present:
        return Settings()
    city.allow(_NAMES, faults)
    settings = Settings(
        name=city.word("name", faults),
        title=city.word("title", faults),
        title_en=city.word("title_en", faults),
        timezone=city.word("timezone", faults),
        version=city.word("version", faults),
        root=city.word("root", faults),
        phone_pattern=city.word("phone_pattern", faults, Settings.phone_pattern),
    )
    try:
        re.compile(settings.phone_pattern)
    except re.error as trouble:
        faults.add(CITY, city.line_of("phone_pattern"), f"phone_pattern: not a regular expression: {trouble}")
    if settings.timezone and not is_zone(settings.timezone):
        faults.add(CITY, city.line_of("timezone"), f"timezone: unknown zone {settings.timezone!r}")
    settings.bounds = _bounds(draft)
    settings.thresholds = _thresholds(draft)
    settings.warnings = _warnings(draft)
    return settings


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _bounds(draft: Draft) -> tuple[float, float, float, float]:
    value = draft.city.values.get("bounds")
    line = draft.city.line_of("bounds")
    numbers = [float(number) for number in value if _is_number(number)] if isinstance(value, list) else []
    if len(numbers) != 4 or not isinstance(value, list) or len(value) != 4:
        draft.faults.add(CITY, line, "bounds: must be [west, south, east, north]")
        return Settings.bounds
    west, south, east, north = numbers
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        draft.faults.add(CITY, line, "bounds: west must be below east and south below north, in degrees")
        return Settings.bounds
    return west, south, east, north


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _thresholds(draft: Draft) -> Thresholds:
    return _numbers(draft, "thresholds", Thresholds)


def _warnings(draft: Draft) -> Warnings:
    found = _numbers(draft, "warnings", Warnings)
    if found.crowd_reporters < CROWD_LEAST:
        line = draft.city.line_of("warnings")
        draft.faults.add(
            CITY, line, f"warnings.crowd_reporters: {found.crowd_reporters} must be at least {CROWD_LEAST}"
        )
    return found


def _numbers(draft: Draft, table: str, kind: type[N]) -> N:
    """A table of numbers, each above 0, and those that are shares at most 1; beside them lists of words."""
    values, line = draft.city.values.get(table, {}), draft.city.line_of(table)
    if not isinstance(values, dict):
        draft.faults.add(CITY, line, f"{table}: must be a table")
        return kind()
    found = struct_of(kind, values, CITY, line, draft.faults)
    if found is None:
        return kind()
    for name in kind.__struct_fields__:
        value = getattr(found, name)
        if isinstance(value, int | float) and (value <= 0 or (name in _SHARES and value > 1)):
            cause = "must be above 0" if value <= 0 else "must be at most 1"
            draft.faults.add(CITY, line, f"{table}.{name}: {value:g} {cause}")
    return found


def check_named_classes(draft: Draft) -> None:
    """Classes that city.toml names exist."""
    known = draft.class_names()
    settings = draft.settings
    for where, listed in (
        ("thresholds.subject_classes", settings.thresholds.subject_classes),
        ("warnings.severe", settings.warnings.severe),
    ):
        for name in listed:
            if draft.classes.items and name not in known:
                draft.faults.add(CITY, draft.city.line_of(where.partition(".")[0]), f"{where}: unknown class {name!r}")


def calendars_of(draft: Draft) -> list[CalendarData]:
    """The calendars of the pack, the city's own first; names, hours and listed years are checked."""
    _check_hours(draft)
    hours = {item.name: item for _, item in draft.hours}
    seen: dict[str, int] = {}
    calendars: list[CalendarData] = []
    if draft.city.present and not draft.calendar_entries.keys:
        draft.faults.add(CITY, 1, "no [[calendar]]: the city needs one of its own")
    for line, entry in draft.calendar_entries:
        if entry.name in seen:
            draft.faults.add(CITY, line, f"calendar {entry.name!r} stands already in line {seen[entry.name]}")
        seen.setdefault(entry.name, line)
        for cause in _entry_faults(draft, entry, calendars):
            draft.faults.add(CITY, line, f"calendar {entry.name!r}{cause}")
        if entry.hours not in hours and entry.hours not in draft.hours.keys:
            draft.faults.add(CITY, line, f"calendar {entry.name!r}: unknown working hours {entry.hours!r}")
        days = _days(draft, entry, line)
        if entry.hours in hours:
            calendars.append(_calendar(draft, entry, days, hours[entry.hours]))
    return calendars


def _entry_faults(draft: Draft, entry: CalendarEntry, earlier: list[CalendarData]) -> Iterator[str]:
    if not entry.years:
        yield " has no listed years"
    gap = set(range(min(entry.years, default=0), max(entry.years, default=0))) - set(entry.years)
    if gap:
        yield f": years: {min(gap)} is missing between listed ones"
    if entry.name == OWN_CALENDAR:
        yield f": {OWN_CALENDAR!r} is what a limit says that goes by its unit's calendar"
    for other in earlier:
        for name in sorted((other.functions & set(entry.functions)) | (other.units & set(entry.units))):
            yield f": {name!r} works by calendar {other.name!r} already"
    if draft.units.present:
        functions = {unit.function for _, unit in draft.units}
        yield from (f": no unit has the function {name!r}" for name in entry.functions if name not in functions)
        yield from (f": unknown unit {name!r}" for name in entry.units if name not in draft.units.keys)


def _calendar(draft: Draft, entry: CalendarEntry, days: dict[date, str], hours: WorkingHours) -> CalendarData:
    return CalendarData(
        name=entry.name,
        version=entry.version,
        timezone=draft.settings.timezone,
        holidays=frozenset(day for day, kind in days.items() if kind == "holiday"),
        makeup_workdays=frozenset(day for day, kind in days.items() if kind == "makeup_workday"),
        years=frozenset(entry.years),
        hours=hours,
        functions=frozenset(entry.functions),
        units=frozenset(entry.units),
    )


def _days(draft: Draft, entry: CalendarEntry, entry_line: int) -> dict[date, str]:
    faults: FaultList = draft.faults
    rows = csv_rows(draft.directory, entry.file, CALENDAR_COLUMNS, faults)
    days: dict[date, str] = {}
    for line, (text, kind, _) in rows:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            faults.add(entry.file, line, f"date: {text!r} is not a date like 2026-10-10")
            continue
        if kind not in ("holiday", "makeup_workday"):
            faults.add(entry.file, line, f"kind: {kind!r} is neither holiday nor makeup_workday")
        if day in days:
            faults.add(entry.file, line, f"{day} is listed twice")
        if day.year not in entry.years:
            faults.add(entry.file, line, f"{day} lies outside the listed years of calendar {entry.name!r}")
        if kind == "makeup_workday" and day.weekday() < 5:
            faults.add(entry.file, line, f"{day} is a make-up workday but no weekend day")
        days[day] = kind
    for year in entry.years if days else ():
        if not any(day.year == year for day in days):
            faults.add(CITY, entry_line, f"calendar {entry.name!r}: year {year} is listed but {entry.file} has no day")
    return days


def _check_hours(draft: Draft) -> None:
    seen: dict[str, int] = {}
    for line, item in draft.hours:
        if item.name in seen:
            draft.faults.add(CITY, line, f"working hours {item.name!r} stand already in line {seen[item.name]}")
        seen.setdefault(item.name, line)
        flat = [moment for shift in item.shifts for moment in shift]
        if len(flat) > 1 and flat[-1] == time():  # until midnight
            flat[-1] = time.max
        if not flat or flat != sorted(set(flat)):
            cause = "shifts must be in order and not overlap; one over midnight is two, until 24:00 and from 00:00 on"
            draft.faults.add(CITY, line, f"working hours {item.name!r}: {cause}")
        if not item.weekdays or any(day not in range(7) for day in item.weekdays):
            draft.faults.add(CITY, line, f"working hours {item.name!r}: weekdays are 0 (Monday) to 6")
