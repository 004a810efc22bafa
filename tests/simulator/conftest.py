"""The two city packs, read once."""

import pytest

from deploy.stack.processes import city_folder
from schemas.city import City
from services.chassis.city import load


@pytest.fixture(scope="session")
def shanghai() -> City:
    return load(city_folder("shanghai"))


@pytest.fixture(scope="session")
def boston() -> City:
    return load(city_folder("boston"))
