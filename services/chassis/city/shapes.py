"""Which files a city pack has and what stands in them; everything read, nothing judged yet."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from schemas.city import (
    CalendarData,
    Capacity,
    ClassItem,
    Delegation,
    Detector,
    Device,
    Division,
    DutyRule,
    Elevation,
    Landmark,
    Limit,
    OneStopItem,
    PoliceClass,
    Preposition,
    RequestRule,
    Resource,
    ResourceKind,
    ScreenRule,
    Setting,
    Shift,
    Thresholds,
    Unit,
    Warnings,
    WorkingHours,
)
from schemas.ladder import Channel, Rung
from services.chassis.city.faults import FaultList
from services.chassis.city.files import (
    CsvShape,
    Document,
    Table,
    csv_table,
    features_of,
    toml_document,
    toml_rows,
    toml_table,
)

CITY, LEXICON, SCENES, RULEBOOK, POLICY = "city.toml", "lexicon.toml", "scenes.toml", "rulebook.toml", "policy.toml"
POLYGONS, SOURCES = "polygons.geojson", "SOURCES.md"

DIVISIONS = CsvShape(
    "divisions.csv",
    Division,
    "code",
    ("code", "name", "parent", "tier", "kind", "aliases", "lon", "lat", "valid_from", "valid_to"),
    lists=("aliases",),
    empties=("parent",),
)
UNITS = CsvShape(
    "units.csv",
    Unit,
    "unit_id",
    (
        "unit_id",
        "name",
        "name_en",
        "tier",
        "function",
        "division",
        "parent",
        "second_parent",
        "phone",
        "valid_from",
        "valid_to",
        "successor",
    ),
    optional=("valid_from", "valid_to", "successor"),
)
CLASSES = CsvShape(
    "classes.csv",
    ClassItem,
    "code",
    ("standard", "kind", "code", "name", "name_en", "major", "words", "not_words", "verification", "photos"),
    lists=("words", "not_words"),
    empties=("name_en",),
)
POLICE = CsvShape("police.csv", PoliceClass, "code", ("code", "name", "stays_with", "class_key"), lists=("stays_with",))
ONE_STOP = CsvShape("one_stop.csv", OneStopItem, "code", ("code", "name", "class_key"), needed=False)
LANDMARKS = CsvShape(
    "landmarks.csv",
    Landmark,
    "name",
    ("name", "kind", "division", "share", "numbers", "aliases"),
    lists=("aliases",),
    optional=("share", "numbers", "aliases"),
    needed=False,
)
DEVICES = CsvShape(
    "devices.csv", Device, "device_id", ("device_id", "kind", "division", "name", "lon", "lat", "gateway", "asset")
)
RESOURCES = CsvShape(
    "resources.csv", Resource, "resource_id", ("resource_id", "kind", "name", "unit", "lon", "lat"), needed=False
)
ROSTERS = CsvShape(
    "rosters.csv",
    Shift,
    "unit_id",
    ("unit_id", "days", "starts", "ends", "person", "deputy", "phone", "note"),
    lists=("days",),
    times=("starts", "ends"),
)
CALENDAR_COLUMNS = ("date", "kind", "name")


class CalendarEntry(Struct, frozen=True):
    """One [[calendar]] of city.toml: `hours` names a [[working_hours]], `years` are those with a published list,
    `functions` and `units` are those who work by it."""

    name: str
    file: str
    hours: str
    version: str
    years: tuple[int, ...]
    functions: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


class DangerRow(Struct, frozen=True):
    """One [[danger]] of lexicon.toml: patterns of words that mean the same."""

    kind: str
    words: tuple[str, ...]
    platforms: tuple[str, ...]
    near: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass
class Settings:
    """What city.toml says, apart from its calendars and working hours."""

    name: str = ""
    title: str = ""
    title_en: str = ""
    timezone: str = ""
    version: str = ""
    root: str = ""
    bounds: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)
    phone_pattern: str = r"^\+?[0-9][0-9\- ]{4,18}$"
    thresholds: Thresholds = field(default_factory=Thresholds)
    warnings: Warnings = field(default_factory=Warnings)


@dataclass
class Draft:
    """A pack as it stands in its files; the checks read it and note faults."""

    directory: Path
    faults: FaultList
    city: Document
    lexicon: Document
    rulebook: Document
    policy: Document
    divisions: Table[Division]
    units: Table[Unit]
    classes: Table[ClassItem]
    police: Table[PoliceClass]
    one_stop: Table[OneStopItem]
    devices: Table[Device]
    landmarks: Table[Landmark]
    rosters: Table[Shift]
    dangers: Table[DangerRow]
    settings_of_danger: Table[Setting]
    screens: Table[ScreenRule]
    rules: Table[DutyRule]
    capacities: Table[Capacity]
    delegations: Table[Delegation]
    elevations: Table[Elevation]
    prepositions: Table[Preposition]
    resource_kinds: Table[ResourceKind]
    resources: Table[Resource]
    limits: Table[Limit]
    requests: Table[RequestRule]
    rungs: Table[Rung]
    channels: Table[Channel]
    detectors: Table[Detector]
    calendar_entries: Table[CalendarEntry]
    hours: Table[WorkingHours]
    features: list[tuple[int, dict[str, Any]]]
    settings: Settings = field(default_factory=Settings)
    days: tuple[date, ...] = ()  # the one it is read for, and the later ones on which divisions or units change
    calendars: list[CalendarData] = field(default_factory=list)

    def class_keys(self) -> dict[str, int]:
        """Line of each class key."""
        return {item.key: line for line, item in self.classes}

    def class_names(self) -> set[str]:
        """Everything a rule or limit may write under `classes`: keys, and majors as `major:NAME`."""
        return {item.key for _, item in self.classes} | {f"major:{item.major}" for _, item in self.classes}

    def platforms(self) -> set[str]:
        """Emergency platforms by the number people dial: the phones of the units of the whole city."""
        return {unit.phone for _, unit in self.units if unit.division == self.settings.root and unit.phone}

    def knows_platforms(self) -> bool:
        """Whether units and root could be read, so that an absent platform is a fault of its own."""
        return self.units.present and bool(self.settings.root)


def read(directory: Path, faults: FaultList, rulebook_text: str | None = None) -> Draft:
    """Read every file of a pack; a text of a rulebook takes the place of the file."""
    city, lexicon, scenes, policy = (toml_document(directory, file, faults) for file in (CITY, LEXICON, SCENES, POLICY))
    rulebook = toml_rows(directory, RULEBOOK, faults, rulebook_text)
    scenes.allow(("screen",), faults)
    if not (directory / SOURCES).is_file():
        faults.add(SOURCES, 0, "file is missing: it names source, licence and changes of everything in the pack")
    draft = Draft(
        directory=directory,
        faults=faults,
        city=city,
        lexicon=lexicon,
        rulebook=rulebook,
        policy=policy,
        divisions=csv_table(directory, DIVISIONS, faults),
        units=csv_table(directory, UNITS, faults),
        classes=csv_table(directory, CLASSES, faults),
        police=csv_table(directory, POLICE, faults),
        one_stop=csv_table(directory, ONE_STOP, faults),
        devices=csv_table(directory, DEVICES, faults),
        landmarks=csv_table(directory, LANDMARKS, faults),
        rosters=csv_table(directory, ROSTERS, faults),
        dangers=toml_table(lexicon, "danger", DangerRow, "kind", faults),
        settings_of_danger=toml_table(lexicon, "setting", Setting, "name", faults),
        screens=toml_table(scenes, "screen", ScreenRule, "kind", faults),
        rules=toml_table(rulebook, "rule", DutyRule, "rule_id", faults),
        capacities=toml_table(rulebook, "capacity", Capacity, "capacity_id", faults),
        delegations=toml_table(rulebook, "delegation", Delegation, "delegation_id", faults),
        elevations=toml_table(rulebook, "elevation", Elevation, "elevation_id", faults),
        prepositions=toml_table(rulebook, "preposition", Preposition, "preposition_id", faults),
        resource_kinds=toml_table(rulebook, "resource_kind", ResourceKind, "kind", faults),
        resources=csv_table(directory, RESOURCES, faults),
        limits=toml_table(policy, "limit", Limit, "limit_id", faults),
        requests=toml_table(policy, "request", RequestRule, "kind", faults),
        rungs=toml_table(policy, "rung", Rung, "rung_id", faults),
        channels=toml_table(policy, "channel", Channel, "name", faults),
        detectors=toml_table(policy, "detector", Detector, "kind", faults),
        calendar_entries=toml_table(city, "calendar", CalendarEntry, "name", faults),
        hours=toml_table(city, "working_hours", WorkingHours, "name", faults),
        features=features_of(directory, POLYGONS, faults),
    )
    broken = {fault.file for fault in faults.found}
    for table in (draft.divisions, draft.units, draft.classes):
        if not table.present and table.file not in broken:
            faults.add(table.file, 1, "no rows")
    return draft
