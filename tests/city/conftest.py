"""The packs that ship, read once for all tests here."""

import os
from pathlib import Path

import pytest

import deploy
from schemas.city import City
from services.chassis.city import load

CITIES = Path(deploy.__file__).parent / "cities"


@pytest.fixture(scope="session")
def shanghai() -> City:
    """The Shanghai pack."""
    return load(CITIES / "shanghai")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the published source files, which do not ship."""
    folder = os.environ.get("PAIDAN_DATA")
    if not folder:
        pytest.skip("PAIDAN_DATA does not name the folder with the published source files")
    return Path(folder)
