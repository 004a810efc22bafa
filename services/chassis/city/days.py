"""What of a pack stands on one day: divisions, units, and what lies in divisions that others took in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from msgspec.structs import replace

from schemas.city import Device, Division, Landmark, Unit
from services.chassis.city.places import Polygon
from services.chassis.city.shapes import Draft

Row = TypeVar("Row", Division, Unit)


@dataclass(frozen=True)
class Day:
    """The part of a pack that depends on the day; see `City`."""

    divisions: tuple[Division, ...]
    units: tuple[Unit, ...]
    devices: tuple[Device, ...]
    landmarks: tuple[Landmark, ...]
    polygons: tuple[Polygon, ...]
    ended: frozenset[str]
    turns_on: date | None


def days_of(draft: Draft, day: date) -> tuple[date, ...]:
    """A day, and the later ones on which a row of divisions or units begins to hold, or does not hold any more."""
    rows: tuple[Division | Unit, ...] = (*draft.divisions.items, *draft.units.items)
    begins = {row.valid_from for row in rows if row.valid_from is not None}
    ends = {row.valid_to + timedelta(days=1) for row in rows if row.valid_to not in (None, date.max)}
    return (day, *sorted(turn for turn in begins | ends if turn > day))


def standing(draft: Draft, polygons: tuple[Polygon, ...]) -> Day:
    """What stands on the draft's first day. Polygons, landmarks and devices of a division that ended belong to the one
    that has its code among its aliases; without such a one they are left out, and devices keep a division that nobody
    knows."""
    day = draft.days[0]
    divisions = on_day(draft.divisions.items, day)
    codes = {division.code for division in divisions}
    ended = frozenset(draft.divisions.keys - codes)
    now_in = {alias: division.code for division in divisions for alias in division.aliases if alias in ended}
    return Day(
        divisions,
        on_day(draft.units.items, day),
        tuple(replace(d, division=now_in[d.division]) if d.division in now_in else d for d in draft.devices.items),
        tuple(
            replace(row, division=now_in.get(row.division, row.division))
            for row in draft.landmarks.items
            if row.division in codes or row.division in now_in
        ),
        tuple((now_in.get(code, code), rings) for code, rings in polygons if code in codes or code in now_in),
        ended,
        draft.days[1] if len(draft.days) > 1 else None,
    )


def on_day(rows: Iterable[Row], day: date) -> tuple[Row, ...]:
    """The rows of one day: one for each key."""
    return tuple(row for row in rows if (row.valid_from or date.min) <= day <= (row.valid_to or date.max))
