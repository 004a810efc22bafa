"""Points on the ground: which area a point lies in, near which border, and whose committees stand nearest."""

from collections.abc import Iterable, Mapping
from math import cos, floor, hypot, radians
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon

METRES_PER_DEGREE = 111_320.0
TRUST_NEAREST = 0.85  # leave-one-out over 1,742 committee points: the nearest names the right street-town in 83 %
FAR_M = 800.0  # farther than this from the nearest known point, trust falls with the distance
NEAREST = 5
_CELL_M = 400.0

Share = tuple[str, float]


class Ground:
    """Areas and points of a city in local metres. What a cell of 400 m touches is worked out when first asked."""

    def __init__(
        self,
        polygons: Iterable[tuple[str, tuple[tuple[tuple[float, float], ...], ...]]],
        points: Mapping[str, tuple[tuple[str, float, float], ...]],
        ranks: Mapping[str, int],
        bounds: tuple[float, float, float, float],
        border_m: float,
    ) -> None:
        """`points` are (street, lon, lat) by area code, `ranks` the depth of each division, `border_m` in metres."""
        west, south, east, north = bounds
        self.bounds = bounds
        self._border = border_m
        self._lon0, self._lat0 = (west + east) / 2, (south + north) / 2
        self._east_m = METRES_PER_DEGREE * cos(radians(self._lat0))
        self._codes: list[str] = []
        self._shapes: list[Any] = []
        for code, rings in polygons:
            metric = [[self._metres(lon, lat) for lon, lat in ring] for ring in rings]
            shape = shapely.make_valid(Polygon(metric[0], metric[1:]))
            shapely.prepare(shape)
            self._codes.append(code)
            self._shapes.append(shape)
        self._ranks = [ranks.get(code, 0) for code in self._codes]
        self._tree: Any = shapely.STRtree(self._shapes)
        self._cells: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]] = {}
        self._points = {code: self._grid(rows) for code, rows in points.items() if rows}

    def holds(self, lon: float, lat: float) -> bool:
        """Whether a WGS-84 point lies within the bounds of the city."""
        west, south, east, north = self.bounds
        return west <= lon <= east and south <= lat <= north

    def areas(self, lon: float, lat: float) -> tuple[Share, ...]:
        """The areas (deepest tier with polygons) that a WGS-84 point may lie in, with shares that sum to 1, largest
        first: one unless the point is within `border_m` of a border; none where no polygon is near."""
        x, y = self._metres(lon, lat)
        cell = (floor(x / _CELL_M), floor(y / _CELL_M))
        known = self._cells.get(cell)
        if known is None:
            known = self._cells[cell] = self._touching(cell)
        inside, edge = known
        weights: dict[int, float] = dict.fromkeys(inside, 1.0)
        for number in edge:
            weight = self._weight(number, x, y)
            if weight > 0:
                weights[number] = weight
        if not weights:
            return ()
        rank = max(self._ranks[number] for number in weights)
        shares: dict[str, float] = {}
        for number, weight in weights.items():
            if self._ranks[number] == rank:
                code = self._codes[number]
                shares[code] = max(weight, shares.get(code, 0.0))
        total = sum(shares.values())
        return tuple(sorted(((code, weight / total) for code, weight in shares.items()), key=lambda one: -one[1]))

    def nearest(self, area: str, lon: float, lat: float) -> tuple[tuple[Share, ...], float]:
        """The streets of an area whose known points stand nearest, with shares that sum to at most TRUST_NEAREST, and
        the distance in metres to the nearest point; ((), inf) where the area has no known points."""
        known = self._points.get(area)
        if known is None:
            return (), float("inf")
        streets, xs, ys = known
        x, y = self._metres(lon, lat)
        squares = (xs - x) ** 2 + (ys - y) ** 2
        if len(streets) > NEAREST:
            chosen = np.argpartition(squares, NEAREST)[:NEAREST].tolist()
        else:
            chosen = list(range(len(streets)))
        distances = [(float(squares[number]) ** 0.5, streets[number]) for number in chosen]
        closest = min(distances)[0]
        votes: dict[str, float] = {}
        for distance, street in distances:
            votes[street] = votes.get(street, 0.0) + 1.0 / (distance + 30.0) ** 2
        trust = TRUST_NEAREST * (1.0 if closest <= FAR_M else FAR_M / closest) / sum(votes.values())
        ranked = sorted(((street, vote * trust) for street, vote in votes.items()), key=lambda one: -one[1])
        return tuple(ranked), closest

    def _metres(self, lon: float, lat: float) -> tuple[float, float]:
        return (lon - self._lon0) * self._east_m, (lat - self._lat0) * METRES_PER_DEGREE

    def _grid(self, rows: Iterable[tuple[str, float, float]]) -> tuple[list[str], Any, Any]:
        listed = list(rows)
        metric = np.array([self._metres(lon, lat) for _, lon, lat in listed])
        return [street for street, _, _ in listed], metric[:, 0], metric[:, 1]

    def _touching(self, cell: tuple[int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        left, low = cell[0] * _CELL_M, cell[1] * _CELL_M
        near = shapely.box(
            left - self._border, low - self._border, left + _CELL_M + self._border, low + _CELL_M + self._border
        )
        inside, edge = [], []
        for number in sorted(self._tree.query(near).tolist()):
            if shapely.contains(self._shapes[number], near):
                inside.append(number)
            elif shapely.intersects(self._shapes[number], near):
                edge.append(number)
        return tuple(inside), tuple(edge)

    def _weight(self, number: int, x: float, y: float) -> float:
        """1 deep inside, 0.5 on the border, 0 at `border_m` outside."""
        shape = self._shapes[number]
        point = shapely.Point(x, y)
        if shapely.contains(shape, point):
            away = float(shapely.distance(shape.boundary, point))
            return 0.5 + 0.5 * min(1.0, away / self._border) if self._border > 0 else 1.0
        away = float(shapely.distance(shape, point))
        return 0.5 * (1.0 - away / self._border) if away < self._border else 0.0


def metres_between(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Distance in metres between two WGS-84 points that are near each other (flat-earth, < 0.1 % off below 10 km)."""
    east = (other_lon - lon) * METRES_PER_DEGREE * cos(radians((lat + other_lat) / 2))
    return hypot(east, (other_lat - lat) * METRES_PER_DEGREE)
