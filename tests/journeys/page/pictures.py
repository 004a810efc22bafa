"""Photographs the pages for the documentation: `make docs-screens`.

The stack, the orders and the page are real; only the deadlines in the list are spread out, so that every light is seen.
"""

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load
from tests.harness.servers import running
from tests.journeys.page.phone import WIDE, Phone, Watcher
from tests.journeys.watched import MATTER, write_pack
from tests.journeys.working import Work

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
UNIT = "310106021-sanitation"
SAID = (
    "临汾路街道汾西路261弄小区门口暴露垃圾堆放三天无人清运，气味很大，希望尽快处理。",
    "临汾路街道阳曲路760弄5号楼前暴露垃圾散落，挡住人行道，轮椅过不去。",
    "临汾路街道保德路425弄垃圾桶满溢，暴露垃圾散落一地。",
    "临汾路街道景凤路52弄夜里有人偷倒垃圾，暴露垃圾堆成小山。",
)
LEFT = (timedelta(minutes=-35), timedelta(minutes=25), timedelta(hours=3, minutes=40), timedelta(days=1, hours=2))
COLOURS = 96  # enough for a page, and a fifth of the bytes
LIGHTS = ("red", "yellow", "green", "green")


def file(teller: Teller, text: str) -> dict[str, Any]:
    """A report that becomes an order with its clocks."""
    ticket = {"text": f"静安区{text}", "ticket_type": "complaint", "source_id": uuid4().hex}
    who = {"reporter": {"name": "张先生", "phone": "13800001234"}}
    order = teller.order_of(teller.post("intake", "/v1/hotline/tickets", ticket | who, "agent")["report_id"])
    teller.clocks_of(order["order_id"])
    return order


def spread(body: dict[str, Any]) -> None:
    """Deadlines near and far, the nearest first."""
    for item, left, light in zip(body["items"], LEFT, LIGHTS, strict=False):
        item["clock"] |= {"due": (datetime.now(UTC) + left).isoformat(), "light": light}


async def photograph(browser: Browser, stack: Stack, teller: Teller) -> None:
    """The way through a day, in Chinese by day and in English by night."""
    orders = [file(teller, text) for text in SAID]
    number = count(1)
    for locale, dark in (("zh-CN", False), ("en-GB", True)):
        mine = await Phone.new(browser, stack, locale=locale, dark=dark)
        await mine.alter("**/v1/me/queue?*", spread)

        async def shoot(what: str, phone: Phone = mine) -> None:
            await phone.page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished))")
            taken = Image.open(BytesIO(await phone.page.screenshot()))
            small = taken.convert("RGB").quantize(COLOURS)
            small.save(FOLDER / f"page-{next(number)}-{what}.png", optimize=True)

        await mine.enter("wang", UNIT)
        await mine.hears()
        await expect(mine.page.locator("article.item")).to_have_count(len(SAID))
        await shoot("queue")
        order = orders[1 if dark else 0]
        await (await mine.find(order)).get_by_role("link").tap()
        await mine.do("accept")
        await expect(mine.button("finish")).to_be_visible()
        await expect(mine.page.locator("#said")).to_be_empty()
        await shoot("order")
        if not dark:
            await mine.do("finish")
            await mine.sheet().get_by_text("实际解决").tap()
            await mine.sheet().get_by_label("给诉求人的答复").fill("已于今日清运干净，并加派一次巡查。")
            await shoot("finish")
        await mine.close()


async def watch(browser: Browser, stack: Stack, teller: Teller) -> None:
    """The supervision page over a city in which some letter boxes lean, and nobody has gone there."""
    streets = ("临汾路", "彭浦", "大宁路", "宝山路", "共和新路", "芷江西路", "天目西路", "临汾路", "彭浦", "临汾路")
    works = [Work.reported(teller, MATTER, street) for street in streets]
    for work in works:
        work.until_clock("accept", "missed")
    for name, locale, dark, wide in (("1-desk", "zh-CN", False, 1440), ("2-phone", "en-GB", True, WIDE)):
        mine = await Watcher.new(browser, stack, locale=locale, dark=dark, wide=wide)
        await mine.watch()
        await expect(mine.page.locator("[data-tile=standing] b")).not_to_have_text("0")
        taken = Image.open(BytesIO(await mine.page.screenshot(full_page=wide != WIDE)))
        small = taken.convert("RGB").quantize(COLOURS)
        small.save(FOLDER / f"board-{name}.png", optimize=True)
        await mine.close()


async def shots(stack: Stack) -> None:
    """All pictures."""
    teller = Teller(stack, load(city_folder("shanghai")))
    FOLDER.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        await photograph(browser, stack, teller)
        await watch(browser, stack, teller)
        await browser.close()


def main() -> None:
    """Start a stack of its own, photograph, stop."""
    with (
        tempfile.TemporaryDirectory() as home,
        running(Path(home), city=str(write_pack(Path(home) / "pack"))) as stack,
    ):
        asyncio.run(shots(stack))
    print(FOLDER)


if __name__ == "__main__":
    main()
