"""Checks of what supervision looks for and counts by: [[detector]] rows, `league_from` and `appeal_days` of
policy.toml. What is not written has defaults."""

from schemas.city import DEFAULT_DETECTORS, Detector, Policy
from schemas.vocabulary import FindingKind
from services.chassis.city.shapes import Draft

FARTHEST_M = 50.0  # how far supervision looks around an order
# what each kind must say; it may say nothing else
NEEDS: dict[FindingKind, tuple[str, ...]] = {
    FindingKind.PING_PONG: ("count",),
    FindingKind.RECURRENCE: ("count", "days", "radius_m"),
    FindingKind.NEVER_CONTACTED: (),
    FindingKind.NO_VISIT: (),
    FindingKind.TOO_FAST: ("minutes",),
    FindingKind.PARKED_LONG: ("days",),
    FindingKind.UNIT_SILENT: ("count", "minutes"),
    FindingKind.OVERLOOKED: ("count", "days"),
}
_THRESHOLDS = ("count", "minutes", "days", "radius_m")


def detectors_of(draft: Draft) -> tuple[Detector, ...]:
    """One row for every kind: the pack's own, or the default."""
    seen: dict[FindingKind, Detector] = {}
    for line, row in draft.detectors:
        if row.kind in seen:
            draft.faults.add(draft.policy.file, line, f"detector {row.kind.value!r} stands twice")
        seen.setdefault(row.kind, row)
        for cause in _row_faults(row):
            draft.faults.add(draft.policy.file, line, f"detector {row.kind.value!r}: {cause}")
    return tuple(seen.get(row.kind, row) for row in DEFAULT_DETECTORS)


def count_of(draft: Draft, name: str) -> int:
    """A whole number above 0 of the policy (`league_from`, `appeal_days`), or its default."""
    default: int = getattr(Policy("", ()), name)
    value = draft.policy.values.get(name, default)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    draft.faults.add(draft.policy.file, draft.policy.line_of(name), f"{name}: must be a whole number above 0")
    return default


def _row_faults(row: Detector) -> list[str]:
    causes: list[str] = []
    needs = NEEDS[row.kind]
    for name in _THRESHOLDS:
        value: float = getattr(row, name)
        if row.on and name in needs and value <= 0:
            causes.append(f"{name} {value:g} must be above 0")
        elif name not in needs and value != 0:
            causes.append(f"{name} says nothing here")
    if row.radius_m > FARTHEST_M:
        causes.append(f"radius_m {row.radius_m:g} must be at most {FARTHEST_M:g}")
    return causes
