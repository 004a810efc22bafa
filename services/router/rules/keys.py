"""Under which keys a matter is found, and which keys are locked, so that the search for a twin is never all pairs.

A key is a signed 64-bit hash. A matter is found by its asset, its subject, its address (road and first number,
crossing, compound, landmark), and, where it has a point, by its cell: `merge_radius_m` wide, not ending at a border
between streets; once with its kind (looked for in the nine cells around) and once without (its own cell alone), because
a report may be put under the wrong class.
"""

from functools import lru_cache
from hashlib import blake2b
from math import cos, floor, radians
from typing import TYPE_CHECKING

from services.router.rules.address import coarse
from services.router.rules.atlas import Atlas
from services.router.rules.ground import METRES_PER_DEGREE

if TYPE_CHECKING:
    from services.router.rules.merge import Matter

_MASK = (1 << 64) - 1
_CELL_LON, _CELL_LAT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_AROUND = tuple((east, north) for east in (-1, 0, 1) for north in (-1, 0, 1))


def lock_keys(this: "Matter", atlas: Atlas) -> tuple[int, ...]:
    """What must be locked, sorted, so that two workers cannot miss each other's twin: the kind of matter in its
    street-town, the address, the asset, the subject."""
    street = atlas.street_of(this.division) or this.division
    return tuple(sorted({_key("in", kind_of(this, atlas), street), *_named(this)}))


def matter_keys(this: "Matter", atlas: Atlas) -> tuple[int, ...]:
    """Under which keys a matter is found, sorted."""
    return _keys(this, atlas, ((0, 0),))


def lookup_keys(this: "Matter", atlas: Atlas) -> tuple[int, ...]:
    """Under which keys the candidates of a report are looked for: its own and those of the eight cells around."""
    return _keys(this, atlas, _AROUND)


def kind_of(this: "Matter", atlas: Atlas) -> str:
    """The major of the class: what is reported under two near classes may still be one thing."""
    item = atlas.classes.get(this.class_key)
    return item.major if item else this.class_key


def _keys(this: "Matter", atlas: Atlas, around: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    keys = _named(this)
    if this.lon is not None and this.lat is not None:
        width, height = _cell(atlas.thresholds.merge_radius_m, atlas.city.bounds)
        column, row = floor(this.lon / width), floor(this.lat / height)
        base = _key("cell", kind_of(this, atlas), "")
        keys.update(_mixed(base, column + east, row + north) for east, north in around)
        keys.add(_mixed(_key("cell", "", ""), column, row))
    return tuple(sorted(keys))


def _named(this: "Matter") -> set[int]:
    keys = set()
    if this.address_key:
        keys.add(_key("address", coarse(this.address_key), ""))
    if this.asset:
        keys.add(_key("asset", this.asset, ""))
    if this.subject:
        keys.add(_key("subject", this.subject, ""))
    return keys


@lru_cache(maxsize=65_536)
def _key(what: str, one: str, other: str) -> int:
    digest = blake2b(f"{what}\x1f{one}\x1f{other}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=16)
def _cell(radius: float, bounds: tuple[float, float, float, float]) -> tuple[float, float]:
    """Width and height of a cell in degrees; nowhere in the bounds is it narrower than the radius."""
    farthest = max(abs(bounds[1]), abs(bounds[3]))
    return radius / (METRES_PER_DEGREE * cos(radians(farthest))), radius / METRES_PER_DEGREE


def _mixed(base: int, column: int, row: int) -> int:
    value = (base ^ (column * _CELL_LON) ^ (row * _CELL_LAT)) & _MASK
    value = ((value ^ (value >> 31)) * _CELL_LON) & _MASK
    value ^= value >> 29
    return value - (1 << 64) if value >> 63 else value
