"""From the shifted coordinates that Chinese map services publish (GCJ-02) to the world's (WGS-84), as pure functions.

The forward shift is the formula in the open since 2013 (eviltransform, github.com/googollee/eviltransform, MIT): two
trigonometric polynomials on the Krasovsky 1940 ellipsoid. It has no closed inverse; iterating converges fast, as the
shift changes by less than a metre over a hundred metres.
"""

from math import cos, pi, radians, sin, sqrt

SEMI_MAJOR_M = 6378245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
CONVERGED_DEG = 1e-9  # about 0.1 mm
ITERATIONS = 10


def wgs84_to_gcj02(lon: float, lat: float) -> tuple[float, float]:
    """Shift a WGS-84 point (decimal degrees) to GCJ-02. Only meaningful inside mainland China."""
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * (sin(6.0 * pi * x) + sin(2.0 * pi * x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x))
    north += 2.0 / 3.0 * (waves + 20.0 * sin(pi * y) + 40.0 * sin(pi / 3.0 * y))
    north += 2.0 / 3.0 * (160.0 * sin(pi / 12.0 * y) + 320.0 * sin(pi / 30.0 * y))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x))
    east += 2.0 / 3.0 * (waves + 20.0 * sin(pi * x) + 40.0 * sin(pi / 3.0 * x))
    east += 2.0 / 3.0 * (150.0 * sin(pi / 12.0 * x) + 300.0 * sin(pi / 30.0 * x))
    phi = radians(lat)
    flat = 1.0 - ECCENTRICITY_SQUARED * sin(phi) ** 2
    metres_north = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (flat * sqrt(flat)) * pi / 180.0
    metres_east = SEMI_MAJOR_M / sqrt(flat) * cos(phi) * pi / 180.0
    return lon + east / metres_east, lat + north / metres_north


def gcj02_to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """The WGS-84 point (decimal degrees) whose shift is this GCJ-02 point; a round trip is exact to under a millimetre.

    Fixed-point iteration on `wgs84_to_gcj02`. Only meaningful inside mainland China.
    """
    guess_lon, guess_lat = lon, lat
    for _ in range(ITERATIONS):
        shifted_lon, shifted_lat = wgs84_to_gcj02(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - shifted_lon, guess_lat + lat - shifted_lat
        if abs(lon - shifted_lon) < CONVERGED_DEG and abs(lat - shifted_lat) < CONVERGED_DEG:
            break
    return guess_lon, guess_lat
