"""The day of a reorganisation: who waits for it until when, and a process that ends for it in good order."""

import asyncio
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import httpx
import pytest
from msgspec.structs import replace

from deploy.stack.home import CHECKOUT
from schemas.city import City
from services.chassis import turning
from services.chassis.turning import day_turns
from tests.harness.servers import is_free
from tests.rules.dispatch.town import CITY

MIDNIGHT = datetime(2026, 7, 1, tzinfo=ZoneInfo(CITY.timezone))
TURNS = replace(CITY, turns_on=date(2026, 7, 1))


class Hands:
    """A clock that stands still until somebody moves it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at.astimezone(UTC)


@pytest.mark.parametrize(
    ("city", "at", "turned"),
    [
        (TURNS, MIDNIGHT, True),
        (TURNS, MIDNIGHT + timedelta(days=400), True),
        (TURNS, MIDNIGHT - timedelta(seconds=1), False),
        (CITY, MIDNIGHT, False),  # it knows of no such day
    ],
)
async def test_it_turns_at_the_citys_midnight(
    city: City, at: datetime, turned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = Hands(at)
    monkeypatch.setattr(turning, "SystemClock", lambda: hands)
    monkeypatch.setattr(turning, "LOOK", 0.01)
    waiting = asyncio.ensure_future(day_turns(city))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert bool(done) is turned
    hands.at = MIDNIGHT
    done, _ = await asyncio.wait([waiting], timeout=5 if city.turns_on else 0.1)
    assert bool(done) is (city.turns_on is not None), "a clock that is set meanwhile is seen"
    waiting.cancel()


def test_a_request_under_way_is_answered_before_the_process_ends() -> None:
    port = next(port for port in count(11_600) if is_free(port))
    process = subprocess.Popen([sys.executable, "-m", "tests.chassis.ending", str(port)], cwd=CHECKOUT)
    try:
        end = time.monotonic() + 30
        while is_free(port) and time.monotonic() < end:
            time.sleep(0.02)
        assert httpx.get(f"http://127.0.0.1:{port}/slow", timeout=10).json() == "answered"
        assert process.wait(10) == 0
    finally:
        process.kill()
