"""Checks of what things are called and what readings mean: classes, 110 classes, services, screens."""

from collections.abc import Iterable

from schemas.city import ScreenRule
from services.chassis.city.shapes import SCENES, Draft


def check_classes(draft: Draft) -> None:
    """Keys and words of the classes."""
    table, faults = draft.classes, draft.faults
    seen: dict[str, int] = {}
    for line, item in table:
        if item.key in seen:
            faults.add(table.file, line, f"class {item.key} stands already in line {seen[item.key]}")
        seen.setdefault(item.key, line)
        for word in sorted(set(item.words) & set(item.not_words)):
            faults.add(table.file, line, f"{word!r} both points to class {item.key} and takes it back")
        for word in _repeated(item.words):
            faults.add(table.file, line, f"word {word!r} is repeated")
        for word in item.not_words:
            if word and any(word in own and word != own for own in item.words):
                faults.add(table.file, line, f"{word!r} takes back a word of its own class that contains it")


def _repeated(words: Iterable[str]) -> list[str]:
    listed = list(words)
    return sorted({word for word in listed if listed.count(word) > 1})


def check_police(draft: Draft) -> None:
    """110 classes: written once; the suggested class and the platforms exist."""
    table, platforms, keys = draft.police, draft.platforms(), draft.class_keys()
    seen: dict[str, int] = {}
    for line, item in table:
        if item.code in seen:
            draft.faults.add(table.file, line, f"110 class {item.code!r} stands already in line {seen[item.code]}")
        seen.setdefault(item.code, line)
        if item.class_key and draft.classes.present and item.class_key not in keys:
            draft.faults.add(table.file, line, f"unknown class {item.class_key!r}")
        for platform in item.stays_with:
            if draft.knows_platforms() and platform not in platforms:
                cause = f"unknown platform {platform!r}: no unit of the whole city has this phone"
                draft.faults.add(table.file, line, cause)


def check_one_stop(draft: Draft) -> None:
    """Government services: each beginning of a code written once, each class exists."""
    table, keys = draft.one_stop, draft.class_keys()
    seen: dict[str, int] = {}
    for line, item in table:
        if item.code in seen:
            draft.faults.add(table.file, line, f"service {item.code!r} stands already in line {seen[item.code]}")
        seen.setdefault(item.code, line)
        if draft.classes.present and item.class_key not in keys:
            draft.faults.add(table.file, line, f"unknown class {item.class_key!r}")


def check_screens(draft: Draft) -> None:
    """Screens: one per kind, thresholds that can be met, classes that exist."""
    seen: dict[str, int] = {}
    keys = draft.class_keys()
    for line, item in draft.screens:
        if item.kind in seen:
            draft.faults.add(SCENES, line, f"screen of {item.kind!r} stands already in line {seen[item.kind]}")
        seen.setdefault(item.kind, line)
        for cause in _threshold_faults(item):
            draft.faults.add(SCENES, line, f"screen of {item.kind!r}: {cause}")
        for name in ("class_key", "fault_class_key"):
            key = getattr(item, name)
            if key and draft.classes.present and key not in keys:
                draft.faults.add(SCENES, line, f"{name}: unknown class {key!r}")
        if not item.class_key:
            draft.faults.add(SCENES, line, f"screen of {item.kind!r}: class_key is missing, its alarms have no class")
        if item.silent_after_s > 0 and not item.fault_class_key:
            draft.faults.add(SCENES, line, f"screen of {item.kind!r}: silence is judged but has no fault_class_key")


def _threshold_faults(item: ScreenRule) -> list[str]:
    """Why these thresholds cannot work; [] when they can."""
    low, high = item.low, item.high
    causes: list[str] = []
    if item.minimum >= item.maximum:
        causes.append(f"minimum {item.minimum:g} is not below maximum {item.maximum:g}")
    if low is None and high is None:
        causes.append("neither low nor high: it can never raise an alarm")
    if low is not None and high is not None and low >= high:
        causes.append(f"low {low:g} is not below high {high:g}: every reading would be an alarm")
    if low is not None and not item.minimum < low <= item.maximum:
        causes.append(f"low {low:g} is never crossed by readings from {item.minimum:g} to {item.maximum:g}")
    if high is not None and not item.minimum <= high < item.maximum:
        causes.append(f"high {high:g} is never crossed by readings from {item.minimum:g} to {item.maximum:g}")
    if item.clear_low is not None and (low is None or item.clear_low < low):
        causes.append(f"clear_low {item.clear_low:g} must not be below low")
    if item.clear_high is not None and (high is None or item.clear_high > high):
        causes.append(f"clear_high {item.clear_high:g} must not be above high")
    clear_low, clear_high = item.clear_low or low, item.clear_high if item.clear_high is not None else high
    if clear_low is not None and clear_high is not None and clear_low >= clear_high:
        causes.append("no reading lies inside the clearing band: an alarm would never clear")
    if item.clear_high is not None and item.clear_high < item.minimum:
        causes.append(f"clear_high {item.clear_high:g} lies below every possible reading: an alarm would never clear")
    if item.confirm < 1 or item.confirm_clear < 1:
        causes.append("confirm and confirm_clear count readings and are at least 1")
    if item.silent_after_s < 0:
        causes.append("silent_after_s must not be negative")
    return causes
