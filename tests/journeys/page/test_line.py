"""The page on a bad line: slow, broken in the middle, gone, and back."""

import asyncio
import time
from typing import Any

from playwright.async_api import expect

from deploy.demo.teller import Teller
from tests.journeys.page.conftest import NewOrder, NewPhone
from tests.journeys.page.test_working import done

# As browsers' own tools set it for a slow 3G line: bytes a second, milliseconds.
SLOW = {"offline": False, "downloadThroughput": 50_000, "uploadThroughput": 50_000, "latency": 400}
SECONDS = 15  # a machine that does other things beside is given some


async def test_on_a_slow_line_it_is_there_within_seconds(phone: NewPhone, new_order: NewOrder, unit: str) -> None:
    order = new_order()
    mine = await phone()
    line = await mine.context.new_cdp_session(mine.page)
    await line.send("Network.enable")
    await line.send("Network.emulateNetworkConditions", SLOW)
    asked: dict[str, str] = {}
    taken: dict[str, float] = {}
    line.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
    line.on("Network.loadingFinished", lambda event: taken.update({event["requestId"]: event["encodedDataLength"]}))

    def page() -> float:
        return sum(size for id_, size in taken.items() if "/app/" in asked[id_])

    started = time.monotonic()
    await mine.open()
    await expect(mine.page.locator("#token")).to_be_visible()
    assert time.monotonic() - started < SECONDS
    assert 10_000 < page() < 50_000, "compressed, all files together"
    started = time.monotonic()
    await mine.sign_in(mine.token("wang", unit))
    await expect(await mine.find(order)).to_be_visible()
    assert time.monotonic() - started < SECONDS

    taken.clear()
    await mine.page.reload()
    await expect(await mine.find(order)).to_be_visible()
    assert page() < 10_000, "the second time the page itself is only asked for, not sent again"


async def test_the_page_is_painted_before_the_service_has_said_anything(phone: NewPhone, unit: str) -> None:
    mine = await phone()
    await mine.enter("wang", unit)
    answers = asyncio.Event()

    async def hold(route: Any) -> None:
        await answers.wait()
        await route.continue_()

    await mine.context.route("**/v1/**", hold)
    await mine.page.reload()
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    await expect(mine.page.locator("main")).to_contain_text("正在打开…")
    paints = "() => performance.getEntriesByName('first-contentful-paint').length"
    assert await mine.page.evaluate(paints) == 1
    answers.set()
    await expect(mine.page.locator("main")).not_to_contain_text("正在打开…")


async def test_a_tap_counts_once_however_often_it_is_made(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter_at(order, "wang", unit)
    await mine.button("accept").evaluate("(button) => { button.click(); button.click(); button.click(); }")
    await mine.was_told("已提交：接单")
    assert len(mine.sent) == 1 and done(teller, order) == ["accept"]


async def test_an_answer_that_got_lost_is_asked_for_again_under_the_same_key(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter_at(order, "wang", unit)
    lost = 0

    async def lose(route: Any) -> None:
        nonlocal lost
        reply = await route.fetch()  # the service has done it
        if lost < 2:
            lost += 1
            await route.abort("connectionreset")
        else:
            await route.fulfill(response=reply)

    await mine.context.route("**/actions/accept", lose)
    await mine.do("accept")
    await mine.was_told("已提交：接单")
    assert lost == 2 and done(teller, order) == ["accept"]
    keys = {request.headers["idempotency-key"] for request in mine.sent}
    assert len(mine.sent) == 3 and len(keys) == 1


async def test_without_signal_it_says_so_keeps_what_was_written_and_sends_it_once(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter_at(order, "wang", unit)
    await mine.do("accept")
    await expect(mine.button("finish")).to_be_visible()
    await mine.do("progress")
    form = mine.sheet()
    await form.get_by_label("说明").fill("已围挡，等材料")
    await mine.context.set_offline(True)
    await expect(mine.page.locator("#line")).to_contain_text("没有信号")
    await form.get_by_role("button", name="中途汇报").tap()
    await expect(form.get_by_role("alert")).to_contain_text("正在重试")
    await expect(form.get_by_role("alert")).to_contain_text("还没有送出", timeout=20_000)
    await expect(form.get_by_label("说明")).to_have_value("已围挡，等材料")
    await mine.context.set_offline(False)
    await expect(mine.page.locator("#line")).to_have_text("")
    await form.get_by_role("button", name="中途汇报").tap()
    await expect(mine.sheet()).to_have_count(0)
    assert done(teller, order) == ["accept", "progress"]
    assert len({request.headers["idempotency-key"] for request in mine.sent if "progress" in request.url}) == 1


async def test_what_was_last_seen_stays_and_says_how_old_it_is(phone: NewPhone, new_order: NewOrder, unit: str) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter("wang", unit)
    await expect(await mine.find(order)).to_be_visible()
    await mine.context.set_offline(True)
    await mine.page.get_by_role("button", name="刷新").tap()
    await expect(mine.page.locator("#line")).to_contain_text("没有信号：显示的是 今天")
    await expect(await mine.find(order)).to_contain_text("还剩")
    await mine.context.set_offline(False)
    await expect(mine.page.locator("#line")).to_have_text("")
