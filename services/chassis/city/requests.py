"""Checks of what units may ask for: [[request]] rows and [returns] of policy.toml. What is not written has defaults."""

from schemas.city import DEFAULT_REQUESTS, RequestRule, ReturnRule
from schemas.vocabulary import RequestKind, Stage
from services.chassis.city.files import struct_of
from services.chassis.city.shapes import Draft

DATED = frozenset({RequestKind.EXTENSION, RequestKind.DEFERRAL, RequestKind.PARKING})
MOVABLE = frozenset({Stage.ACCEPT, Stage.ARRIVE, Stage.HANDLE, Stage.TOTAL})
_COUNTS = ("minutes", "urgent_minutes", "arbitration_from", "ping_pong_from")


def requests_of(draft: Draft) -> tuple[RequestRule, ...]:
    """One row for every kind: the pack's own, or the default."""
    seen: dict[RequestKind, RequestRule] = {}
    for line, row in draft.requests:
        if row.kind in seen:
            draft.faults.add(draft.policy.file, line, f"request {row.kind.value!r} stands twice")
        seen.setdefault(row.kind, row)
        for cause in _row_faults(row):
            draft.faults.add(draft.policy.file, line, f"request {row.kind.value!r}: {cause}")
    return tuple(seen.get(rule.kind, rule) for rule in DEFAULT_REQUESTS)


def returns_of(draft: Draft) -> ReturnRule:
    """How returns are decided."""
    values = draft.policy.values.get("returns", {})
    line = draft.policy.line_of("returns")
    if not isinstance(values, dict):
        draft.faults.add(draft.policy.file, line, "returns: must be a table")
        return ReturnRule()
    found = struct_of(ReturnRule, values, draft.policy.file, line, draft.faults)
    if found is None:
        return ReturnRule()
    for name in _COUNTS:
        if getattr(found, name) < 1:
            draft.faults.add(draft.policy.file, line, f"returns.{name}: {getattr(found, name)} must be at least 1")
    functions = {unit.function for _, unit in draft.units}
    if draft.units.present and not functions & set(found.coordinators):
        draft.faults.add(
            draft.policy.file, line, f"returns.coordinators: no unit has a function of {list(found.coordinators)}"
        )
    return found


def _row_faults(row: RequestRule) -> list[str]:
    causes: list[str] = []
    if row.most < 0:
        causes.append(f"most {row.most} must be at least 0")
    if row.kind is RequestKind.DEFERRAL and row.most != 1:
        causes.append("a deferral is granted once: most must be 1")
    dated = row.kind in DATED
    if dated != (row.longest_days > 0):
        causes.append(f"longest_days {row.longest_days} must be " + ("above 0" if dated else "left out"))
    unmovable = [stage.value for stage in row.moves if stage not in MOVABLE]
    if unmovable or (row.moves and not dated):
        causes.append(f"moves: {unmovable or [stage.value for stage in row.moves]} cannot be moved by it")
    return causes
