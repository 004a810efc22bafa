"""The published shift between GCJ-02 and WGS-84, there and back."""

from math import cos, hypot, radians

import pytest

from schemas.geo import gcj02_to_wgs84, wgs84_to_gcj02

CORNERS = [(120.86, 30.68), (121.47, 31.23), (122.24, 31.87), (116.40, 39.90), (87.60, 43.80), (110.35, 20.02)]


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    return 111_320 * hypot((one[0] - other[0]) * cos(radians(one[1])), one[1] - other[1])


def test_the_forward_shift_gives_the_published_example() -> None:
    # eviltransform's own test: 31.1774276, 121.5272106 becomes 31.17530398364597, 121.531541859215
    lon, lat = wgs84_to_gcj02(121.5272106, 31.1774276)
    assert lon == pytest.approx(121.531541859215, abs=1e-9)
    assert lat == pytest.approx(31.17530398364597, abs=1e-9)


@pytest.mark.parametrize("point", CORNERS)
def test_there_and_back_is_the_same_spot_within_a_millimetre(point: tuple[float, float]) -> None:
    assert metres(wgs84_to_gcj02(*gcj02_to_wgs84(*point)), point) < 0.001
    assert metres(gcj02_to_wgs84(*wgs84_to_gcj02(*point)), point) < 0.001


@pytest.mark.parametrize("point", CORNERS)
def test_the_shift_is_hundreds_of_metres(point: tuple[float, float]) -> None:
    assert 100 < metres(wgs84_to_gcj02(*point), point) < 1000
