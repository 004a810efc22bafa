"""Shanghai, compiled once for all tests of the router's rules."""

from pathlib import Path

import pytest

from services.chassis.city import load
from services.router.rules.atlas import Atlas

CITIES = Path(__file__).parents[3] / "deploy" / "cities"


@pytest.fixture(scope="session")
def shanghai() -> Atlas:
    return Atlas.of(load(CITIES / "shanghai"))
