"""Tokens that are no good are told plainly, and one that ends in the middle of the work leads back to signing in."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.async_api import expect

from tests.journeys.page.conftest import NewOrder, NewPhone


@pytest.mark.parametrize(
    ("pasted", "told"),
    [("", "请先粘贴令牌"), ("not a token", "这不是登录令牌"), ("eyJhbGciOi.cut-short", "这不是登录令牌")],
)
async def test_what_is_no_token(phone: NewPhone, pasted: str, told: str) -> None:
    mine = await phone()
    await mine.open()
    await mine.sign_in(pasted)
    await expect(mine.page.locator("main").get_by_role("alert")).to_contain_text(told)
    assert not await mine.page.evaluate("() => localStorage.getItem('paidan.token')")


async def test_a_token_of_yesterday_and_one_of_somebody_else(phone: NewPhone, unit: str) -> None:
    mine = await phone()
    await mine.open()
    await mine.sign_in(mine.token("wang", unit, lasts=-60))
    await expect(mine.page.locator("main").get_by_role("alert")).to_contain_text("过期，请向管理员要一个新的")
    claims = jwt.decode(mine.token("wang", unit), options={"verify_signature": False})
    await mine.sign_in(jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "other"}))
    await expect(mine.page.locator("main").get_by_role("alert")).to_have_text("系统不认这个令牌，请向管理员要一个新的")
    await mine.sign_in(f'  export TOKEN="{mine.token("wang", unit)}"\n')
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()


async def test_a_token_that_ends_while_working_leads_back_to_the_same_order(
    phone: NewPhone, new_order: NewOrder, unit: str
) -> None:
    order = new_order()
    mine = await phone(locale="en-GB")
    await mine.open(f"#/order/{order['order_id']}")
    await mine.sign_in(mine.token("wang", unit, lasts=4))
    await expect(mine.page.locator("main")).to_contain_text(order["number"])
    await mine.page.wait_for_function(
        "(end) => Date.now() > end", arg=await mine.page.evaluate("() => Date.now() + 4000"), polling=200
    )
    await mine.do("accept")
    await expect(mine.page.locator(".notice")).to_have_text("Your sign-in has expired; sign in with a new token")
    await mine.sign_in(mine.token("wang", unit))
    await expect(mine.page.locator("main")).to_contain_text(order["number"])


async def test_kept_or_not_and_signed_out(phone: NewPhone, unit: str) -> None:
    mine = await phone()
    await mine.enter("wang", unit)
    await mine.page.reload()
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    await mine.page.get_by_role("button", name="退出登录").tap()
    await expect(mine.page.locator("#token")).to_be_visible()
    assert await mine.page.evaluate("() => localStorage.getItem('paidan.token')") is None
    await mine.page.get_by_label("在这部手机上保持登录").uncheck()
    await mine.sign_in(mine.token("wang", unit))
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    assert await mine.page.evaluate("() => localStorage.getItem('paidan.token')") is None


async def test_somebody_without_a_unit_and_an_order_of_another(phone: NewPhone, new_order: NewOrder) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter("boss", "", role="inspector")
    await expect(mine.page.locator("main").get_by_role("alert")).to_contain_text("你的令牌没有所属单位")
    await mine.page.get_by_label("按工单号打开").fill(order["number"])
    await mine.page.get_by_role("button", name="打开").tap()
    await expect(mine.page.locator("main")).to_contain_text("暴露垃圾散落一地")
    other = await phone()
    await other.enter("zhao", "310106-road", f"#/order/{order['order_id']}")
    await expect(other.page.locator("main").get_by_role("alert")).to_have_text("这张工单不属于你的单位")


async def test_a_number_may_end_in_a_sign(phone: NewPhone) -> None:
    mine = await phone()
    await mine.enter("boss", "", role="inspector")
    for sign, spelt in (("$", "%24"), ("=", "%3D"), ("*", "*"), ("~", "~"), ("U", "U")):
        async with mine.page.expect_request(f"**/v1/orders/00000-00000-{spelt}"):
            await mine.page.get_by_label("按工单号打开").fill(f"00000-00000-{sign}")
            await mine.page.get_by_role("button", name="打开").tap()
        await expect(mine.page.locator("main").get_by_role("alert")).to_have_text("没有这张工单")
        await mine.page.get_by_role("link", name="返回工单列表").tap()
