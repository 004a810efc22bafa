"""A real Chromium, started once, and phones in it. Without one tests are skipped, but fail where PAIDAN_CI is set."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, async_playwright

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from schemas.city import Division
from tests.journeys.page.phone import Phone, Watcher

DISTRICTS = ("310101", "310104", "310106", "310109", "310110")
RUBBISH = "垃圾桶满溢，暴露垃圾散落一地，希望尽快清运。"
NewPhone = Callable[..., Awaitable[Phone]]
NewOrder = Callable[..., dict[str, Any]]


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, driven by Playwright."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("PAIDAN_CI"):
            pytest.fail("no Chromium, and PAIDAN_CI is set: the pages must be tested here")
        pytest.skip("NOT TESTED: the pages (no Chromium here; apt-get install chromium fonts-wqy-microhei)")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture
async def phone(browser: Browser, whole: Stack) -> AsyncIterator[NewPhone]:
    """Makes phones that are put away after the test. What a browser complained of fails it."""
    async for new in _makes(Phone, browser, whole):
        yield new


@pytest.fixture
async def watcher(browser: Browser, whole: Stack) -> AsyncIterator[NewPhone]:
    """The same, of whoever watches the supervision page."""
    async for new in _makes(Watcher, browser, whole):
        yield new


async def _makes(kind_of: type[Phone], browser: Browser, whole: Stack) -> AsyncIterator[NewPhone]:
    made: list[Phone] = []

    async def new(**kind: Any) -> Phone:
        made.append(await kind_of.new(browser, whole, **kind))
        return made[-1]

    yield new
    for one in made:
        await one.close()
    harmless = ("Failed to load resource", "net::ERR")  # how Chromium tells of an answer that is no success
    complaints = [text for one in made for text in one.errors if not any(word in text for word in harmless)]
    assert not complaints, complaints


@pytest.fixture(scope="package")
def streets(teller: Teller) -> Iterator[Division]:
    """Street-towns, one after another, so that no test meets another's work."""
    cleaned = {unit.division for unit in teller.city.units if unit.unit_id.endswith("-sanitation")}
    return cycle(d for d in teller.city.divisions if d.code in cleaned and d.parent in DISTRICTS)


@pytest.fixture
def street(streets: Iterator[Division]) -> Division:
    """The street of a test."""
    return next(streets)


@pytest.fixture
def unit(street: Division) -> str:
    """The unit that cleans it: the responders' unit."""
    return f"{street.code}-sanitation"


@pytest.fixture
def new_order(teller: Teller, street: Division, unit: str) -> NewOrder:
    """Files a report that becomes an order of the unit, and waits for its clocks."""
    district = next(d.name for d in teller.city.divisions if d.code == street.parent)

    def file() -> dict[str, Any]:
        spot = uuid4().int
        sent = teller.post(
            "intake",
            "/v1/hotline/tickets",
            {
                "text": f"{district}{street.name}{spot % 9000 + 1}弄{spot % 89 + 1}号{RUBBISH}",
                "ticket_type": "complaint",
                "source_id": uuid4().hex,
                "reporter": {"name": "张先生", "phone": "13800001234"},
            },
            "agent",
        )
        order = teller.order_of(sent["report_id"])
        assert order["lead"]["unit_id"] == unit, order["lead"]
        teller.clocks_of(order["order_id"])
        return order

    return file
