"""Checks of the ladder and of who is told outside the screens: [[rung]] and [[channel]] rows of policy.toml."""

from schemas.ids import platform_name
from schemas.ladder import DEFAULT_LADDER, Channel, Rung
from schemas.vocabulary import LimitUnit, Party, RungKind, Stage
from services.chassis.city.shapes import Draft

UNIT = "unit:"
UNANSWERED = (Stage.ANSWER, Stage.COMMITMENT)  # a supervision of these would have no end, or is their case's own
HIGHEST = 3
LONGEST_DIGEST = 24 * 60
_WHOLE = (LimitUnit.WORK_DAY, LimitUnit.NATURAL_DAY)
_RINGS = (Party.DUTY_PHONE, Party.DUTY_LEADER)


def ladder_of(draft: Draft) -> tuple[Rung, ...]:
    """The pack's ladder; the default one where it has none. A pack that writes a rung writes its whole ladder."""
    seen: dict[str, int] = {}
    for line, row in draft.rungs:
        _once(draft, seen, "rung", row.rung_id, line)
        for cause in _rung_faults(draft, row):
            draft.faults.add(draft.policy.file, line, f"rung {row.rung_id!r}: {cause}")
    return draft.rungs.items or DEFAULT_LADDER


def channels_of(draft: Draft) -> tuple[Channel, ...]:
    """Who is told by mail or webhook; nobody where the pack names none."""
    seen: dict[str, int] = {}
    for line, row in draft.channels:
        _once(draft, seen, "channel", row.name, line)
        for cause in _channel_faults(draft, row):
            draft.faults.add(draft.policy.file, line, f"channel {row.name!r}: {cause}")
    return draft.channels.items


def _once(draft: Draft, seen: dict[str, int], noun: str, name: str, line: int) -> None:
    if name in seen:
        draft.faults.add(draft.policy.file, line, f"{noun} {name!r} stands already in line {seen[name]}")
    seen.setdefault(name, line)


def _rung_faults(draft: Draft, row: Rung) -> list[str]:
    return [cause for check in (_reach, _height, _moment) for cause in check(draft, row)]


def _reach(draft: Draft, row: Rung) -> list[str]:
    causes = [] if row.receivers else ["no receiver: nobody would hear it"]
    for name in (*row.receivers, row.answers):
        if name.startswith(UNIT):
            if draft.units.present and name.removeprefix(UNIT) not in draft.units.keys:
                causes.append(f"unknown unit {name.removeprefix(UNIT)!r}")
        elif name not in set(Party):
            causes.append(f"{name!r} is neither unit:ID nor one of {', '.join(Party)}")
    if row.answers in _RINGS:
        causes.append(f"answers: {row.answers!r} rings somebody; a unit answers")
    return causes


def _height(draft: Draft, row: Rung) -> list[str]:
    supervises = row.kind is RungKind.SUPERVISE
    causes = []
    if supervises and not 1 <= row.level <= HIGHEST:
        causes.append(f"level {row.level} must be 1 to {HIGHEST}")
    if not supervises and row.level:
        causes.append("level: only a supervision has one")
    barred = [stage.value for stage in row.stages if stage in UNANSWERED[not supervises :]]
    if barred:
        causes.append(f"stages: {barred} cannot be supervised" if supervises else f"stages: {barred} have no ladder")
    return causes


def _moment(draft: Draft, row: Rung) -> list[str]:
    causes = []
    if row.delay < 0:
        causes.append(f"delay {row.delay:g} must be at least 0")
    elif row.unit in _WHOLE and row.delay != int(row.delay):
        causes.append(f"delay {row.delay:g} must be whole days")
    if row.unit is LimitUnit.BUSINESS_RULE:
        causes.append("unit 'business_rule': a later deadline could give an earlier rung")
    if row.after == "start" and (row.share > 0) == (row.delay > 0):
        causes.append("after the start, either a delay or a share of the limit")
    if row.share and (row.after != "start" or not 0 < row.share < 1):
        causes.append(f"share {row.share:g} must be above 0 and below 1, after the start")
    if row.calendar and row.calendar not in draft.calendar_entries.keys and draft.city.present:
        causes.append(f"unknown calendar {row.calendar!r}")
    return causes


def _channel_faults(draft: Draft, row: Channel) -> list[str]:
    causes = [] if row.name.strip() else ["a channel needs a name"]
    if row.name.strip() and row.name != platform_name(row.name):
        causes.append("a name is in lower case, half-width, without blanks around it")
    if draft.units.present:
        causes += [f"unknown unit {unit!r}" for unit in row.units if unit not in draft.units.keys]
    causes += [f"level {level} is none from 1 to {HIGHEST}" for level in row.levels if not 1 <= level <= HIGHEST]
    if row.quiet is not None and row.quiet[0] == row.quiet[1]:
        causes.append("quiet: begins and ends at the same time")
    if not 0 <= row.digest_minutes <= LONGEST_DIGEST:
        causes.append(f"digest_minutes {row.digest_minutes} must be 0 to {LONGEST_DIGEST}")
    return causes
