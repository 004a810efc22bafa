"""Where it is: device registry > coordinates > grid code > names > the caller's word, each checked against the rest."""

from msgspec import Struct, structs

from schemas.city import Device
from schemas.facts import Candidate, Place, ReportReceived
from schemas.geo import gcj02_to_wgs84
from schemas.vocabulary import Crs, Tier
from services.router.rules.address import address_key
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.text import both
from services.router.rules.weighing import Named, named

SURE, CLASH = 0.5, 0.6  # a street below SURE is only a candidate; a clash with the caller's word takes this much away
_SHOWN = 5


class Located(Struct, frozen=True):
    """Where a report's matter is. `place` is the deepest division the evidence settles (None: nothing known),
    `candidates` are divisions with shares; `asset` and `address_key` are what a merge looks for; `clash` says which
    two words of the report contradict each other, or ""."""

    place: Place | None
    confidence: float
    because: str
    candidates: tuple[Candidate, ...] = ()
    asset: str = ""
    address_key: str = ""
    clash: str = ""


class Point(Struct, frozen=True):
    """A usable WGS-84 point of a report, in degrees."""

    lon: float
    lat: float


def locate(report: ReportReceived, plain_text: str, atlas: Atlas) -> Located:
    """The place of a report; `plain_text` is its wording (address line first). Never raises for odd content."""
    device = atlas.devices.get(report.device_id) if report.device_id else None
    asset = (device.asset or f"device:{device.device_id}") if device else ""
    if device and device.division in atlas.divisions:
        return structs.replace(_of_device(device, atlas), asset=asset, address_key=address_key(plain_text))
    words = named(report, plain_text, atlas)
    point, odd = _point_of(report, atlas)
    found = _of_point(point, words, atlas) if point else None
    found = found or _of_grid(report.grid_code, atlas) or _of_names(words, atlas)
    because = both(odd, found.because) if odd else found.because
    place = found.place
    if place and point and place.lon is None:
        place = structs.replace(place, lon=point.lon, lat=point.lat)
    return structs.replace(found, place=place, because=because, asset=asset, address_key=address_key(plain_text))


def _of_device(device: Device, atlas: Atlas) -> Located:
    place = structs.replace(atlas.place(device.division, 1.0), lon=device.lon, lat=device.lat)
    return Located(place, 1.0, f"设备登记 {device.device_id} | device registry")


def _point_of(report: ReportReceived, atlas: Atlas) -> tuple[Point | None, str]:
    if report.lon is None or report.lat is None:
        return None, ""
    lon, lat = report.lon, report.lat
    if not atlas.ground.holds(lon, lat):
        return None, "坐标不在本市，未采用 | coordinates outside the city, not used"
    if report.crs is Crs.GCJ02:
        lon, lat = gcj02_to_wgs84(lon, lat)
    return Point(lon, lat), ""


def _of_point(point: Point, words: Named, atlas: Atlas) -> Located | None:
    """Point in polygon; near a border all sides are candidates; below the polygon a street that the text names, else
    the streets of the nearest known points, whose uncertainty is said."""
    areas = atlas.ground.areas(point.lon, point.lat)
    if not areas:
        return None
    area, share = areas[0]
    reason = f"坐标落在{atlas.divisions[area].name} | point in polygon"
    candidates = [Candidate(value=code, score=part, name=atlas.divisions[code].name) for code, part in areas]
    if len(areas) > 1:
        named_sides = [code for code, _ in areas if words.district and atlas.covers(code, words.best or words.district)]
        if named_sides:
            area, share = named_sides[0], max(share, 0.8)
        reason = f"坐标距界不足 {atlas.thresholds.border_m:g} 米，{atlas.divisions[area].name} | near a border"
    clash = _clash_with_point(area, words, atlas)
    trust = 0.98 * share * (CLASH if clash else 1.0)
    if atlas.rank_of(area) >= RANKS[Tier.STREET]:
        return _at(area, trust, reason, candidates if len(areas) > 1 else [], point, clash, atlas)
    if words.best and words.sure >= SURE and atlas.covers(area, words.best):
        reason = both(reason, f"文中写明{atlas.divisions[words.best].name} | and the text names it")
        return _at(words.best, trust * max(words.sure, 0.9), reason, candidates, point, clash, atlas)
    if words.district not in ("", area) and atlas.covers(area, words.district):
        area, trust = words.district, trust * words.district_sure
        reason = both(reason, f"称在{atlas.divisions[area].name} | and the district is named")
    near, distance = atlas.ground.nearest(area, point.lon, point.lat)
    if not near:
        return _at(area, trust, reason, candidates, point, clash, atlas)
    streets = [_candidate(code, part * share, "最近居委点 | nearest known point", atlas) for code, part in near]
    street, part = near[0]
    nearest = f"最近已知点 {distance:.0f} 米属{atlas.divisions[street].name}，街镇为推断 | street inferred"
    reason = both(reason, nearest)
    if part * trust < SURE:
        return _at(area, trust, reason, streets, point, clash, atlas)
    return _at(street, part * trust, reason, streets, point, clash, atlas)


def _clash_with_point(area: str, words: Named, atlas: Atlas) -> str:
    said = words.best if words.sure >= SURE else ""
    for code in (said, words.district):
        if code and not atlas.covers(area, code) and not atlas.covers(code, area):
            return f"坐标在{atlas.divisions[area].name}，文中为{atlas.divisions[code].name}"
    return ""


def _of_grid(code: str, atlas: Atlas) -> Located | None:
    """A unit grid code: 14 or 15 digits, of which the first 12, 9 or 6 are a division (GB/T 30428.1)."""
    if len(code) not in (14, 15) or not (code.isascii() and code.isdigit()):
        return None
    for digits, trust in ((12, 0.97), (9, 0.95), (6, 0.8)):
        division = atlas.codes.get(code[:digits], code[:digits])
        if division in atlas.divisions:
            return Located(atlas.place(division, trust), trust, f"单元网格编码 {code} | grid code")
    return None


def _of_names(words: Named, atlas: Atlas) -> Located:
    """The names in the text, checked against the district named beside them or stated by the caller."""
    candidates = tuple(_candidate(code, score, "文中地名 | named", atlas) for code, score in words.ranked[:_SHOWN])
    if words.best and words.sure >= SURE:
        place = atlas.place(words.best, words.sure)
        return Located(place, words.sure, words.because, candidates, clash=words.clash)
    if words.district:
        sure = words.district_sure
        hint = words.because.partition(" | ")[0]
        hint = f"（{hint}，不足为凭）" if hint else ""
        because = f"只知{atlas.divisions[words.district].name}{hint} | street unknown"
        return Located(atlas.place(words.district, sure), sure, because, candidates, clash=words.clash)
    return Located(None, 0.0, words.because or "没有可用的地点 | no usable place", candidates, clash=words.clash)


def _at(
    code: str, sure: float, because: str, candidates: list[Candidate], point: Point, clash: str, atlas: Atlas
) -> Located:
    place = structs.replace(atlas.place(code, sure), lon=point.lon, lat=point.lat)
    because = both(because, f"{clash} | clash") if clash else because
    return Located(place, sure, because, tuple(candidates), clash=clash)


def _candidate(code: str, score: float, because: str, atlas: Atlas) -> Candidate:
    return Candidate(value=code, score=score, name=atlas.divisions[code].name, because=because)
