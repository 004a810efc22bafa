"""Checks of the time-limit policy: references, rows that can never match, stages nobody gave a limit."""

from collections.abc import Collection
from typing import Any

from schemas.city import OWN_CALENDAR, Limit
from schemas.vocabulary import LimitUnit, Stage
from services.chassis.city.shapes import Draft

DAY_ENDS = ("working_hours", "midnight")
WITHOUT = "stages_without_limit"
_KNOWN = (
    "league_from",
    "appeal_days",
    "detector",
    "version", "since", "covers", "day_end", "late_hours", "conclude_after", "callback", "limit", "request", "returns",
    "rung", "channel", WITHOUT,
)  # fmt: skip
_DAYS = (LimitUnit.WORK_DAY, LimitUnit.NATURAL_DAY, LimitUnit.BUSINESS_RULE)
_SELECTORS = ("sources", "ticket_types", "urgencies", "tiers", "rounds")


def check_limits(draft: Draft) -> str:
    """Check every limit row and the whole; returns the policy's default end of a day."""
    policy, faults = draft.policy, draft.faults
    policy.allow(_KNOWN, faults)
    day_end = policy.word("day_end", faults, DAY_ENDS[0])
    if policy.present and day_end not in DAY_ENDS:
        faults.add(policy.file, policy.line_of("day_end"), f"day_end: {day_end!r} is not one of {', '.join(DAY_ENDS)}")
    seen: dict[str, int] = {}
    classes = draft.class_names()
    for line, row in draft.limits:
        name = f"limit {row.limit_id!r}"
        if row.limit_id in seen:
            faults.add(draft.policy.file, line, f"{name} stands already in line {seen[row.limit_id]}")
        seen.setdefault(row.limit_id, line)
        for cause in _row_faults(draft, row, classes):
            faults.add(draft.policy.file, line, f"{name}: {cause}")
    _check_order(draft)
    _check_stages(draft)
    return day_end


def _row_faults(draft: Draft, row: Limit, classes: Collection[str]) -> list[str]:
    causes: list[str] = []
    if row.amount <= 0:
        causes.append(f"amount {row.amount:g} must be above 0")
    if row.unit in _DAYS and row.amount != int(row.amount):
        causes.append(f"amount {row.amount:g} must be whole days")
    bounds = [bound for bound in (row.valid_from, row.valid_to) if bound is not None]
    if any(bound.tzinfo is None for bound in bounds):
        causes.append("valid_from and valid_to need an offset, like 2026-10-01T00:00:00+08:00")
    elif len(bounds) == 2 and bounds[0] >= bounds[1]:
        causes.append("valid_from is not before valid_to: it would never apply")
    if not 0 < row.warn <= 1:
        causes.append(f"warn {row.warn:g} must be above 0 and at most 1")
    if (
        row.calendar not in ("", OWN_CALENDAR)
        and row.calendar not in draft.calendar_entries.keys
        and draft.city.present
    ):
        causes.append(f"unknown calendar {row.calendar!r}")
    if row.day_end and row.day_end not in DAY_ENDS:
        causes.append(f"day_end {row.day_end!r} is not one of {', '.join(DAY_ENDS)}")
    if any(number < 1 for number in row.rounds):
        causes.append("rounds are counted from 1")
    if draft.classes.present:
        causes += [f"unknown class {key!r}" for key in row.classes if key not in classes]
    return causes


def _check_order(draft: Draft) -> None:
    """The first matching row wins, so a row whose whole selection an earlier one takes can never match."""
    majors: dict[str, set[str]] = {}
    for _, item in draft.classes:
        majors.setdefault(f"major:{item.major}", set()).add(item.key)
    earlier: list[tuple[int, Limit, set[str]]] = []
    for line, row in draft.limits:
        keys = {key for name in row.classes for key in majors.get(name, {name})}
        for before, other, taken in earlier:
            if (
                other.stage == row.stage
                and _takes(other, row)
                and (not other.classes or (row.classes and keys <= taken))
            ):
                cause = f"limit {row.limit_id!r} can never match: {other.limit_id!r} of line {before} takes all of it"
                draft.faults.add(draft.policy.file, line, cause)
                break
        earlier.append((line, row, keys))


def _takes(wide: Limit, narrow: Limit) -> bool:
    for name in _SELECTORS:
        all_of: tuple[Any, ...] = getattr(wide, name)
        some: tuple[Any, ...] = getattr(narrow, name)
        if all_of and not (some and set(some) <= set(all_of)):
            return False
    begins = wide.valid_from is None or (narrow.valid_from is not None and wide.valid_from <= narrow.valid_from)
    ends = wide.valid_to is None or (narrow.valid_to is not None and narrow.valid_to <= wide.valid_to)
    return begins and ends


def _check_stages(draft: Draft) -> None:
    policy = draft.policy
    if not policy.present:
        return
    named = {str(values.get("stage")) for values in policy.values.get("limit", ()) if isinstance(values, dict)}
    without = policy.values.get(WITHOUT, [])
    line = policy.line_of(WITHOUT)
    if not isinstance(without, list):
        draft.faults.add(draft.policy.file, line, f"{WITHOUT}: must be a list of stages")
        return
    for stage in without:
        if stage not in set(Stage):
            draft.faults.add(draft.policy.file, line, f"{WITHOUT}: unknown stage {stage!r}")
        elif stage in named:
            draft.faults.add(draft.policy.file, line, f"{WITHOUT}: stage {stage!r} has a limit")
    for stage in Stage:
        if stage not in named and stage not in without:
            draft.faults.add(
                draft.policy.file, 1, f"stage {stage.value!r} has no limit (add one, or list it in {WITHOUT})"
            )
