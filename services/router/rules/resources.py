"""What is sent: of each kind that a rule asks for, the free resource that is there first."""

from collections.abc import Iterable

from schemas.facts import Called, Candidate, Place
from services.router.rules.atlas import Atlas
from services.router.rules.day import Standing
from services.router.rules.ground import metres_between

DETOUR = 1.4  # how much longer a way through a city is than the straight line: a common rule of thumb
_SHOWN = 5


def chosen(
    kinds: Iterable[str], place: Place | None, free: list[Standing], atlas: Atlas
) -> tuple[tuple[Called, ...], tuple[Candidate, ...], str]:
    """The resources to call (one of each kind that has any in reach), those that were considered, and what to say of
    kinds that have none. The quickest wins, of equally quick ones the first by id."""
    called: list[Called] = []
    considered: list[Candidate] = []
    missing: list[str] = []
    point = _point(place, atlas)
    for name in kinds:
        kind = atlas.resource_kinds[name]
        if point is None:
            missing.append(f"{kind.name}：地点没有坐标 | no point to measure from")
            continue
        near = [
            (metres, one.resource_id, one)
            for one in free
            if one.kind == name and (metres := metres_between(one.lon, one.lat, *point)) <= kind.reach_km * 1000
        ]
        near.sort(key=lambda found: found[:2])
        for metres, _, one in near[:_SHOWN]:
            minutes = _minutes(metres, kind.speed_kmh)
            because = f"{metres / 1000:.1f} 公里，约{minutes:.0f}分钟 | {minutes:.0f} min"
            considered.append(Candidate(value=one.resource_id, score=1 / (1 + minutes), name=one.name, because=because))
        if not near:
            missing.append(f"{kind.name}：{kind.reach_km:g}公里内没有空闲 | none free in reach")
            continue
        metres, _, best = near[0]
        minutes = _minutes(metres, kind.speed_kmh)
        far = f"{metres / 1000:.1f} 公里，约{minutes:.0f}分钟"
        why = f"{best.name}最近：{far}，范围内空闲{len(near)}个 | {best.resource_id} is the nearest free one"
        called.append(
            Called(
                resource_id=best.resource_id,
                kind=name,
                name=best.name,
                unit=best.unit,
                metres=round(metres),
                minutes=round(minutes, 1),
                why=why,
            )
        )
    return tuple(called), tuple(considered), "；".join(missing)


def _minutes(metres: float, speed_kmh: float) -> float:
    return metres * DETOUR / 1000 / speed_kmh * 60


def _point(place: Place | None, atlas: Atlas) -> tuple[float, float] | None:
    if place is None:
        return None
    if place.lon is not None and place.lat is not None:
        return place.lon, place.lat
    for area in atlas.lineage.get(place.division, ()):
        division = atlas.divisions[area]
        if division.lon is not None and division.lat is not None:
            return division.lon, division.lat
    return None
