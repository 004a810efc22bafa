"""Is this the matter of an order that exists? Same class or asset, near, recent, alike in words."""

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from math import cos, floor, radians
from uuid import UUID

from msgspec import Struct, structs

from schemas.city import Thresholds
from schemas.facts import Candidate, ReportReceived
from schemas.vocabulary import TicketType
from services.router.rules.address import OTHER_NUMBER, coarse, same_spot
from services.router.rules.atlas import Atlas
from services.router.rules.classify import UNSORTED, Classified
from services.router.rules.ground import METRES_PER_DEGREE, metres_between
from services.router.rules.locate import Located
from services.router.rules.text import alike, plain

BY_CLASS, BY_PLACE, BY_TIME, BY_WORDS = 0.3, 0.35, 0.1, 0.25
ALIKE_FULL = 0.35  # two tickets about one thing in different words reach about this
OTHER_CLASS = 0.15  # of the class part, for another class of the same major
SUGGEST_BELOW = 0.15  # how far below the merge score a candidate is still shown to a person
_SHOWN = 5
_UNSORTED = UNSORTED.key
_MASK = (1 << 64) - 1
_CELL_LON, _CELL_LAT = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_AROUND = tuple((east, north) for east in (-1, 0, 1) for north in (-1, 0, 1))


class Matter(Struct, frozen=True, array_like=True):
    """What the router remembers of one order to compare later reports with. `last_at` is the newest report's time."""

    order_id: UUID
    class_key: str
    division: str
    lon: float | None
    lat: float | None
    address_key: str
    asset: str
    subject: str
    grams: bytes
    opened_at: datetime
    last_at: datetime
    closed: bool = False
    reports: int = 1
    scene: str = ""


class Told(Struct, frozen=True, array_like=True):
    """What a report told the matters: `this` is the matter it would open, `merges` whether later reports may be found
    to be about the same. Kept with the decision, so that matters can be made anew out of decisions alone."""

    this: Matter
    merges: bool


class Score(Struct, frozen=True):
    """How much a report and a matter are one, in 0–1, with its parts."""

    total: float
    parts: tuple[tuple[str, float], ...]
    because: str


class Link(Struct, frozen=True):
    """The report is about this matter."""

    matter: Matter
    score: Score


class Suggest(Struct, frozen=True):
    """Perhaps the same matter: a person should look."""

    matter: Matter
    score: Score


def matter_of(report: ReportReceived, located: Located, classified: Classified, order_id: UUID, words: bytes) -> Matter:
    """A report as the matter it would open; `words` is the signature of its wording."""
    place = located.place
    at = report.received_at
    return Matter(
        order_id=order_id,
        class_key=classified.key,
        division=place.division if place else "",
        lon=place.lon if place else None,
        lat=place.lat if place else None,
        address_key=located.address_key,
        asset=located.asset,
        subject=plain(report.subject).strip() if report.subject else "",
        grams=words,
        opened_at=at,
        last_at=at,
        scene=classified.scene,
    )


def joined(matter: Matter, this: Matter) -> Matter:
    """A matter with one more report; the same whichever of its reports came first."""
    return structs.replace(matter, last_at=max(matter.last_at, this.last_at), reports=matter.reports + 1)


def may_merge(report: ReportReceived, this: Matter) -> bool:
    """Whether a report can be told to be about anything in particular; imported pasts keep their own orders."""
    if report.imported:
        return False
    sorted_ = this.class_key != _UNSORTED
    return bool(this.asset or this.subject or (sorted_ and (this.lon is not None or this.address_key)))


def lock_keys(this: Matter, atlas: Atlas) -> tuple[int, ...]:
    """What must be locked, as sorted signed 64-bit keys, so that two workers cannot miss each other's twin: the kind
    of matter in its street-town, the asset, the subject."""
    street = atlas.street_of(this.division) or this.division
    keys = {_key("in", _kind(this, atlas), street)}
    if this.asset:
        keys.add(_key("asset", this.asset, ""))
    if this.subject:
        keys.add(_key("subject", this.subject, ""))
    return tuple(sorted(keys))


def matter_keys(this: Matter, atlas: Atlas) -> tuple[int, ...]:
    """Under which sorted signed 64-bit keys a matter is found: kind and cell, kind, street and address, asset,
    subject. A cell is `merge_radius_m` wide, and does not end at a border between streets."""
    return _keys(this, atlas, ((0, 0),))


def lookup_keys(this: Matter, atlas: Atlas) -> tuple[int, ...]:
    """Under which keys the candidates of a report are looked for: its own and those of the eight cells around."""
    return _keys(this, atlas, _AROUND)


def _keys(this: Matter, atlas: Atlas, around: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    kind = _kind(this, atlas)
    keys: set[int] = set()
    if this.lon is not None and this.lat is not None:
        base = _key("cell", kind, "")
        width, height = _cell(atlas.thresholds.merge_radius_m, atlas.city.bounds)
        column, row = floor(this.lon / width), floor(this.lat / height)
        keys.update(_mixed(base, column + east, row + north) for east, north in around)
    if this.address_key:
        street = atlas.street_of(this.division) or this.division
        keys.add(_key("address", f"{kind}\x1f{street}", coarse(this.address_key)))
    if this.asset:
        keys.add(_key("asset", this.asset, ""))
    if this.subject:
        keys.add(_key("subject", this.subject, ""))
    return tuple(sorted(keys))


def _kind(this: Matter, atlas: Atlas) -> str:
    """The major of the class: what is reported under two near classes may still be one thing."""
    item = atlas.classes.get(this.class_key)
    return item.major if item else this.class_key


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


def score(candidate: Matter, this: Matter, atlas: Atlas, informant: bool = False) -> Score:
    """How much two matters are one; the same whichever comes first. Two named subjects that differ never are one;
    with `informant` (the report accuses somebody) a named and an unnamed one neither."""
    limits = atlas.thresholds
    refused = _refused(candidate, this, limits, informant)
    if refused:
        return Score(0.0, (), refused)
    same = candidate.class_key == this.class_key or bool(this.scene and candidate.scene == this.scene)
    if not same and _kind(candidate, atlas) != _kind(this, atlas):
        return Score(0.0, (), "类别不同 | another kind of matter")
    near, where = _near(candidate, this, limits)
    if near <= 0.0:
        return Score(0.0, (), where)
    apart = abs((this.last_at - candidate.last_at).total_seconds()) / 3600.0
    time = 1.0 - 0.5 * min(1.0, apart / limits.merge_hours)
    said = alike(candidate.grams, this.grams)
    words = 1.0 if candidate.asset and candidate.asset == this.asset else min(1.0, said / ALIKE_FULL)
    kind = 1.0 if same else OTHER_CLASS
    total = BY_CLASS * kind + BY_PLACE * near + BY_TIME * time + BY_WORDS * words
    parts = (("class", kind), ("place", near), ("time", time), ("words", words))
    because = f"{where}，相隔 {apart:.1f} 小时，文字相似 {said:.2f} | near, recent, alike"
    return Score(min(1.0, total), parts, because)


def _refused(candidate: Matter, this: Matter, limits: Thresholds, informant: bool) -> str:
    if candidate.subject != this.subject and (informant or (candidate.subject and this.subject)):
        return "被反映主体不同 | another subject"
    if candidate.asset and this.asset and candidate.asset != this.asset:
        return "不是同一设施 | another asset"
    if abs((this.last_at - candidate.last_at).total_seconds()) > limits.merge_hours * 3600.0:
        return "相隔过久 | too long ago"
    return ""


def _near(candidate: Matter, this: Matter, limits: Thresholds) -> tuple[float, str]:
    if this.asset and candidate.asset == this.asset:
        return 1.0, f"同一设施 {this.asset}"
    best, where = 0.0, "地点不同 | another place"
    if None not in (candidate.lon, candidate.lat, this.lon, this.lat):
        metres = metres_between(candidate.lon, candidate.lat, this.lon, this.lat)  # type: ignore[arg-type]
        if metres <= limits.merge_radius_m:
            best, where = 1.0 - 0.4 * metres / limits.merge_radius_m, f"相距 {metres:.0f} 米"
        elif metres > 10 * limits.merge_radius_m:
            return 0.0, f"相距 {metres:.0f} 米 | too far"
    spot = same_spot(candidate.address_key, this.address_key) if candidate.division == this.division else 0.0
    if spot == OTHER_NUMBER:
        best, where = spot, f"{coarse(this.address_key)}，号不同"
    elif spot > best:
        best, where = spot, f"同一地址 {this.address_key}"
    if best < 0.9 and this.subject and candidate.subject == this.subject:
        best, where = 0.9, f"同一被反映主体 {this.subject}"
    return best, where


def choose(
    candidates: list[Matter], this: Matter, atlas: Atlas, informant: bool = False
) -> tuple[Link | Suggest | None, tuple[Candidate, ...]]:
    """The matter a report belongs to (Link), may belong to (Suggest), or None; and those considered, best first."""
    if not candidates:
        return None, ()
    scored = [(score(one, this, atlas, informant), one) for one in candidates]
    scored = [pair for pair in scored if pair[0].total > 0.0]
    if not scored:
        return None, ()
    scored.sort(key=lambda pair: (-pair[0].total, pair[1].closed, pair[1].opened_at, str(pair[1].order_id)))
    shown = tuple(
        Candidate(value=str(one.order_id), score=found.total, because=found.because) for found, one in scored[:_SHOWN]
    )
    top, matter = scored[0]
    bar = atlas.thresholds.merge_score
    if top.total >= bar:
        return Link(matter, top), shown
    return (Suggest(matter, top) if top.total >= bar - SUGGEST_BELOW else None), shown


def is_informant(classified: Classified) -> bool:
    """Whether a report accuses somebody (举报)."""
    return classified.ticket_type is TicketType.INFORMANT
