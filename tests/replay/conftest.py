"""Rows that were never published, the pack, and the data folder where one is given."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from deploy.replay.records import FULL_FILE, ZONE, Record
from schemas.city import City
from services.chassis.city import load

PACK = Path(__file__).parents[2] / "deploy" / "cities" / "boston"


@pytest.fixture(scope="session")
def city() -> City:
    return load(PACK)


@pytest.fixture(scope="session")
def full_file() -> Path:
    """The whole published file, below PAIDAN_DATA; without it the tests that need it are skipped and say so."""
    data = os.environ.get("PAIDAN_DATA", "")
    if not data or not (Path(data) / FULL_FILE).exists():
        pytest.skip(f"PAIDAN_DATA names no folder with {FULL_FILE}: the excerpt alone is tested")
    return Path(data) / FULL_FILE


def moment(text: str) -> datetime:
    """A time on Boston's wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


PLAIN = Record(
    case_id="1",
    opened=moment("2011-10-03 10:00:05"),
    target=moment("2011-10-05 10:00:04"),
    closed=moment("2011-10-04 12:00:00"),
    on_time=True,
    own_title=True,
    type="Sticker Request",
    reason="Recycling",
    subject="Public Works Department",
    queue="PWDx_Sticker Request",
    department="PWDx",
    neighbourhood="Roxbury",
    channel="Constituent Call",
)


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    """A record with some fields changed; times as text."""

    def make(**changes: object) -> Record:
        times = ("opened", "target", "closed")
        read = {key: moment(v) if key in times and isinstance(v, str) else v for key, v in changes.items()}
        return replace(PLAIN, **read)

    return make
