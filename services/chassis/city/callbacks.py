"""policy.toml beside its limits: how reporters are called back and rate, and how late a phone may tell."""

from schemas.city import Callbacks, Policy
from services.chassis.city.files import struct_of
from services.chassis.city.shapes import Draft

LONGEST_LATE = 14 * 24.0


def callbacks_of(draft: Draft) -> Callbacks:
    """The [callback] table; defaults where it says nothing."""
    values = draft.policy.values.get("callback", {})
    line = draft.policy.line_of("callback")
    if not isinstance(values, dict):
        draft.faults.add(draft.policy.file, line, "callback: must be a table")
        return Callbacks()
    found = struct_of(Callbacks, values, draft.policy.file, line, draft.faults)
    if found is None:
        return Callbacks()
    for name in ("attempts", "rating_days", "correct_hours"):
        value: float = getattr(found, name)
        if value <= 0:
            draft.faults.add(draft.policy.file, line, f"callback.{name}: {value:g} must be above 0")
    return found


def late_hours_of(draft: Draft) -> float:
    """How many hours back people may tell what happened."""
    value = draft.policy.values.get("late_hours", Policy("", ()).late_hours)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_LATE:
        return float(value)
    cause = f"late_hours: must be a number of hours above 0 and at most {LONGEST_LATE:g}"
    draft.faults.add(draft.policy.file, draft.policy.line_of("late_hours"), cause)
    return Policy("", ()).late_hours


def conclude_after_of(draft: Draft) -> int:
    """After how many rounds a matter may be concluded."""
    value = draft.policy.values.get("conclude_after", Policy("", ()).conclude_after)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    draft.faults.add(
        draft.policy.file, draft.policy.line_of("conclude_after"), "conclude_after: must be a number of rounds above 0"
    )
    return Policy("", ()).conclude_after
