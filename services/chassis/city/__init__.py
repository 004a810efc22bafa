"""City packs: a folder of plain files in, one checked `City` out, or every fault with file and line.

Reads files only; decides nothing. `load` is what services call at start and on reload; `faults.py` says what can come
back, `shapes.py` which files there are, the other modules hold one family of checks each.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.city import City, DutyRule
from services.chassis.city.dangers import dangers_of, settings_of_danger, words_of
from services.chassis.city.days import days_of, standing
from services.chassis.city.duties import check_rules
from services.chassis.city.faults import CityFaults, Fault, FaultList
from services.chassis.city.files import toml_rows, toml_table
from services.chassis.city.landmarks import check_landmarks
from services.chassis.city.models import model_of
from services.chassis.city.naming import version_of
from services.chassis.city.places import check_devices, check_divisions, check_units, polygons_of
from services.chassis.city.readiness import check_readiness
from services.chassis.city.rosters import check_rosters
from services.chassis.city.settings import calendars_of, check_named_classes, is_zone, settings_of
from services.chassis.city.shapes import RULEBOOK, read
from services.chassis.city.versions import policies_of
from services.chassis.city.words import (
    check_classes,
    check_one_stop,
    check_police,
    check_screens,
)
from services.chassis.clock import SystemClock

__all__ = ["CityFaults", "Fault", "load", "rules_of", "version_of"]


def load(directory: Path, on: date | None = None, rulebook: str | None = None) -> City:
    """Read and check the city pack in `directory`; its divisions and units are those of the day `on`, which is today
    unless given. The text `rulebook` takes the place of the file where one is given.

    Raises CityFaults with all faults at once; a pack is used whole or not at all.
    """
    with uncollected():  # everything that is made here stays: looking through it for rubbish takes a third of the time
        return _load(directory, on, rulebook)


def _load(directory: Path, on: date | None, rulebook: str | None) -> City:
    faults = FaultList()
    if not directory.is_dir():
        raise CityFaults([Fault(str(directory), 0, "no such folder")])
    draft = read(directory, faults, rulebook)
    settings = draft.settings = settings_of(draft)
    draft.days = days_of(draft, on or _today(settings.timezone))
    draft.calendars = calendars_of(draft)
    check_divisions(draft)
    polygons = polygons_of(draft)
    check_units(draft)
    check_devices(draft)
    check_landmarks(draft)
    check_rosters(draft)
    check_classes(draft)
    check_named_classes(draft)
    negations, harmless = words_of(draft, "negation"), words_of(draft, "harmless")
    dangers = dangers_of(draft)
    danger_settings = settings_of_danger(draft, dangers)
    check_police(draft)
    check_one_stop(draft)
    check_screens(draft)
    check_rules(draft)
    check_readiness(draft)
    policy, earlier = policies_of(draft)
    model = model_of(draft)
    draft.rulebook.word("version", faults)
    faults.raise_if_any()
    day = standing(draft, polygons)
    return City(
        name=settings.name,
        title=settings.title,
        title_en=settings.title_en,
        timezone=settings.timezone,
        version=settings.version,
        bounds=settings.bounds,
        root=settings.root,
        divisions=day.divisions,
        units=day.units,
        every_unit=draft.units.items,
        ended=day.ended,
        turns_on=day.turns_on,
        classes=draft.classes.items,
        dangers=dangers,
        police_classes=draft.police.items,
        one_stop=draft.one_stop.items,
        screens=draft.screens.items,
        devices=day.devices,
        landmarks=day.landmarks,
        rosters=draft.rosters.items,
        rules=draft.rules.items,
        capacities=draft.capacities.items,
        delegations=draft.delegations.items,
        elevations=draft.elevations.items,
        prepositions=draft.prepositions.items,
        resource_kinds=draft.resource_kinds.items,
        resources=draft.resources.items,
        rulebook_version=version_of(draft.rulebook.text),
        policy=policy,
        earlier_policies=earlier,
        calendars=tuple(draft.calendars),
        thresholds=settings.thresholds,
        warnings=settings.warnings,
        polygons=day.polygons,
        phone_pattern=settings.phone_pattern,
        negations=negations,
        settings=danger_settings,
        harmless=harmless,
        model=model,
    )


def rules_of(text: str) -> tuple[DutyRule, ...]:
    """The rows of a rulebook that was checked at another time, as they can be read; nothing is checked."""
    faults = FaultList()
    document = toml_rows(Path(), RULEBOOK, faults, text)
    return toml_table(document, "rule", DutyRule, "rule_id", faults).items


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector's rounds for a while."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _today(zone: str) -> date:
    """The day it is in a zone; UTC's where that is none, which is a fault of its own."""
    return SystemClock().now().astimezone(ZoneInfo(zone if is_zone(zone) else "UTC")).date()
