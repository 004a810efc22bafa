"""What became of an order's items: the difference between what it counted and what it counts, and what that corrects in
days whose numbers were frozen."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from services.supervision.rules.kpi.definitions import BUCKETS, KPIS, Kind
from services.supervision.rules.kpi.tally import Measure

_SECONDS = {"time_to_accept": "accept_s", "time_to_contact": "contact_s", "time_to_handle": "handle_s"}


class Changes(Struct):
    """Rows of an order that are new, that changed, and that are gone."""

    new: list[Measure]
    changed: list[tuple[Measure, Measure]]
    gone: list[Measure]

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


class Item(Struct, frozen=True):
    """One item of one number: its numerator in tenths (seconds times ten of a duration) and its bucket."""

    kpi: str
    num: int
    bucket: int | None


class Correction(Struct, frozen=True):
    """What an item changed in a number of a frozen day. `row` says where it counts."""

    row: Measure
    kpi: str
    num: int
    den: int
    bucket: int | None


def changes(before: Iterable[Measure], after: Sequence[Measure]) -> Changes:
    """What must be written so that an order counts `after` where it counted `before`."""
    old = {row.key: row for row in before}
    found = Changes([], [], [])
    for row in after:
        was = old.pop(row.key, None)
        if was is None:
            found.new.append(row)
        elif was != row:
            found.changed.append((was, row))
    found.gone = list(old.values())
    return found


def items(row: Measure) -> list[Item]:
    """The items of a row, one for each number in which it counts."""
    found = []
    for kpi in KPIS:
        bit = 1 << kpi.bit
        if not row.den & bit:
            continue
        if kpi.kind is Kind.DURATION:
            seconds = getattr(row, _SECONDS[kpi.kpi]) or 0
            found.append(Item(kpi.kpi, seconds * 10, bucket_of(seconds)))
        elif kpi.kpi == "satisfied":
            found.append(Item(kpi.kpi, row.tenths, None))
        else:
            found.append(Item(kpi.kpi, 10 if row.num & bit else 0, None))
    return found


def bucket_of(seconds: int) -> int:
    """Which bucket a duration falls into: the first whose upper bound it does not exceed; the last is open."""
    return bisect_left(BUCKETS, seconds)


def corrections(found: Changes, through: date) -> list[Correction]:
    """What the changes correct in numbers frozen through that day."""
    pairs: list[tuple[Measure | None, Measure | None]] = [(None, row) for row in found.new]
    pairs += found.changed
    pairs += [(row, None) for row in found.gone]
    done: list[Correction] = []
    for was, row in pairs:
        one = was or row
        if one is None or one.day > through:
            continue
        moved = was is not None and row is not None and _place(was) != _place(row)
        if moved:
            done += _corrected(was, None) + _corrected(None, row)
        else:
            done += _corrected(was, row)
    return done


def _place(row: Measure) -> tuple[str, str, str, str]:
    return row.tier, row.district, row.major, row.source


def _corrected(was: Measure | None, row: Measure | None) -> list[Correction]:
    one = row or was
    assert one is not None
    old = {item.kpi: item for item in items(was)} if was is not None else {}
    new = {item.kpi: item for item in items(row)} if row is not None else {}
    done = []
    for kpi in {**old, **new}:
        a, b = old.get(kpi), new.get(kpi)
        if a == b:
            continue
        if a is not None and b is not None and a.bucket == b.bucket:
            done.append(Correction(one, kpi, b.num - a.num, 0, None))
            continue
        if a is not None:
            done.append(Correction(one, kpi, -a.num, -1, a.bucket))
        if b is not None:
            done.append(Correction(one, kpi, b.num, 1, b.bucket))
    return done
