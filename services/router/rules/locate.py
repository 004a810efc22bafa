"""Where it is: device registry > coordinates > grid code > names > the caller's word, each checked against the rest."""

from collections.abc import Iterator

from msgspec import Struct, structs

from schemas.city import Device
from schemas.facts import Candidate, Place, ReportReceived
from schemas.geo import gcj02_to_wgs84
from schemas.vocabulary import Crs, Tier
from services.router.rules.address import address_key
from services.router.rules.atlas import RANKS, Atlas
from services.router.rules.ground import metres_between
from services.router.rules.reasons import Evidence
from services.router.rules.text import both, readable
from services.router.rules.weighing import CLASH, Named, named

SURE = 0.5  # a street below it is only a candidate
TWO_SURE = 0.5  # what remains where a street named for sure contradicts
MOVED_M = 500.0  # a device that reports from farther away than this has been moved
MOVED, YOUNGER = 0.4, 0.45  # what remains when a device was moved; when the report is older than the division
_GRID_SIZES = (14, 15)
_GRID_TRUST = {Tier.COMMITTEE: 0.97, Tier.STREET: 0.95, Tier.DISTRICT: 0.8}
_GRID_WRONG = {Tier.STREET: 0.6, Tier.DISTRICT: 0.4}  # what follows is in no register
_GRID_PARTS = ((12, Tier.COMMITTEE), (9, Tier.STREET), (6, Tier.DISTRICT))
_SHOWN = 5


class Located(Struct, frozen=True):
    """Where a report's matter is. `place` is the deepest division the evidence settles (None: nothing known),
    `candidates` are divisions with shares; `asset` and `address_key` are what a merge looks for; `clash` says which
    two words of the report contradict each other, or ""; `evidence` is what the answer rests on."""

    place: Place | None
    confidence: float
    because: str
    candidates: tuple[Candidate, ...] = ()
    asset: str = ""
    address_key: str = ""
    clash: str = ""
    evidence: tuple[Evidence, ...] = ()


class Point(Struct, frozen=True):
    """A usable WGS-84 point of a report, in degrees."""

    lon: float
    lat: float


def locate(report: ReportReceived, plain_text: str, atlas: Atlas) -> Located:
    """The place of a report; `plain_text` is its wording (address line first). Never raises for odd content."""
    device = atlas.devices.get(report.device_id) if report.device_id else None
    key = address_key(plain_text)
    point, odd = _point_of(report, atlas)
    if device and device.division in atlas.divisions:
        registered = _of_device(device, point, atlas)
        return structs.replace(registered, asset=device.asset or f"device:{device.device_id}", address_key=key)
    words = named(report, plain_text, atlas, closely=point is None)
    odd = both(odd, words.odd)
    found: Located | None = _of_point(point, words, atlas) if point else None
    if found is None and report.grid_code:
        found, wrong = _of_grid(report.grid_code, words, atlas)
        odd = both(odd, wrong)
    found = found or _of_names(words, atlas)
    place = found.place
    if place and point and place.lon is None:
        place = structs.replace(place, lon=point.lon, lat=point.lat)
    evidence = (*found.evidence, *_evidence(words, place, atlas.read(plain_text).body, atlas))
    because = both(odd, found.because) if odd else found.because
    located = Located(place, found.confidence, because, found.candidates, "", key, found.clash, evidence)
    return _if_it_stood(located, report, atlas)


def _of_device(device: Device, point: Point | None, atlas: Atlas) -> Located:
    """Where the registry has the device, unless it reports from somewhere else."""
    place = structs.replace(atlas.place(device.division, 1.0), lon=device.lon, lat=device.lat)
    because = f"设备登记 {device.device_id} | device registry"
    evidence = (Evidence("device_id", device.device_id, place.name),)
    if point is None or device.lon is None or device.lat is None:
        return Located(place, 1.0, because, evidence=evidence)
    away = metres_between(device.lon, device.lat, point.lon, point.lat)
    if away <= MOVED_M:
        return Located(place, 1.0, because, evidence=evidence)
    clash = f"设备登记在{place.name}，来件坐标相距 {away:.0f} 米，可能已移位"
    because = both(because, f"{clash} | the device was moved")
    place = structs.replace(place, confidence=MOVED)
    return Located(place, MOVED, because, clash=clash, evidence=(*evidence, _evidence_of(point)))


def _point_of(report: ReportReceived, atlas: Atlas) -> tuple[Point | None, str]:
    """The point of a report in WGS-84: GCJ-02 is shifted back, CGCS2000 is WGS-84 within a metre."""
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
    clash, remains = _clash_with(area, f"坐标在{atlas.divisions[area].name}", words, atlas)
    trust = 0.98 * share * remains
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


def _clash_with(area: str, where: str, words: Named, atlas: Atlas) -> tuple[str, float]:
    """What of the text contradicts an area that was told otherwise, and what remains of its trust."""
    said = words.best if words.sure >= SURE else ""
    for code, remains, who in (
        (said, TWO_SURE, "文中"),
        (words.district, CLASH, "文中"),
        (words.stated, CLASH, "来件所称"),
    ):
        if code and not atlas.covers(area, code) and not atlas.covers(code, area):
            return f"{where}，{who}为{atlas.divisions[code].name}", remains
    return "", 1.0


def _of_grid(code: str, words: Named, atlas: Atlas) -> tuple[Located | None, str]:
    """A unit grid code: 14 or 15 digits, of which the first 12, 9 or 6 are a division (GB/T 30428.1). It has no check
    digit, but each part must be in the register: what is said of a code that cannot be used comes second."""
    if len(code) not in _GRID_SIZES or not (code.isascii() and code.isdigit()):
        return None, f"网格编码“{code[:20]}”不是14或15位数字，未采用 | the grid code is not 14 or 15 digits, not used"
    for digits, tier in _GRID_PARTS:
        division = atlas.codes.get(code[:digits], code[:digits])
        if division not in atlas.divisions:
            continue
        because = f"单元网格编码 {code} | grid code"
        trust = _GRID_TRUST[tier]
        clash, remains = _clash_with(division, f"网格在{atlas.divisions[division].name}", words, atlas)
        if digits < 12 and code[digits:12].strip("0"):
            trust = _GRID_WRONG[tier]
            because = both(
                because, f"编码第{digits + 1}位起无此登记，请核对 | digits from {digits + 1} on are in no register"
            )
        trust *= remains
        because = both(because, f"{clash} | clash") if clash else because
        evidence = (Evidence("grid_code", code, atlas.divisions[division].name),)
        return Located(atlas.place(division, trust), trust, because, clash=clash, evidence=evidence), ""
    return None, f"网格编码 {code} 不在册，未采用 | the grid code is in no register, not used"


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
    return Located(place, sure, because, tuple(candidates), clash=clash, evidence=(_evidence_of(point),))


def _candidate(code: str, score: float, because: str, atlas: Atlas) -> Candidate:
    return Candidate(value=code, score=score, name=atlas.divisions[code].name, because=because)


def _evidence_of(point: Point) -> Evidence:
    return Evidence("coordinates", f"{point.lon:.6f},{point.lat:.6f}")


def _evidence(words: Named, place: Place | None, body: str, atlas: Atlas) -> Iterator[Evidence]:
    """The parts of the text that speak for the place or for a division above or below it."""
    if place is None:
        return
    head = body.find("\n")
    title = body.find("\n", head + 1)
    for mention in words.evidence[:_SHOWN]:
        code = mention.names[0].code if mention.names else place.division
        if atlas.covers(place.division, code) or atlas.covers(code, place.division):
            at = mention.start
            part, begins = ("address", 0) if at < head else ("title", head + 1) if at < title else ("text", title + 1)
            start, says = len(readable(body[begins:at])), atlas.divisions[code].name
            written = mention.text if mention.like == 1.0 else readable(body[at : mention.end])
            yield Evidence(part, written, says, start, start + len(written))


def _if_it_stood(found: Located, report: ReportReceived, atlas: Atlas) -> Located:
    """The place, doubted where the matter is older than the division that it would lie in."""
    place = found.place
    if place is None or report.occurred_at is None:
        return found
    begins = atlas.divisions[place.division].valid_from
    if begins is None or report.occurred_at.astimezone(atlas.zone).date() >= begins:
        return found
    sure = found.confidence * YOUNGER
    because = both(
        found.because, f"{place.name}自 {begins} 起设立，事发在此之前 | the division is younger than the matter"
    )
    return structs.replace(found, place=structs.replace(place, confidence=sure), confidence=sure, because=because)
