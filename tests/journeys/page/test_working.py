"""A responder's day on the page: sign in, see the work, do it; two who do it at once; what comes in meanwhile."""

from typing import Any
from uuid import uuid4

from playwright.async_api import expect

from deploy.demo.teller import Teller
from services.dispatch.rules.words import ACTIONS as WORDS
from services.dispatch.rules.words import CHOICES, FIELDS
from tests.journeys.page.conftest import NewOrder, NewPhone


def now(teller: Teller, order: dict[str, Any]) -> dict[str, Any]:
    """The order as it stands."""
    found = teller.get("dispatch", f"/v1/orders/{order['order_id']}")
    assert found is not None
    return dict(found)


def done(teller: Teller, order: dict[str, Any]) -> list[str]:
    """The actions of people on an order, in their order."""
    found = teller.get("dispatch", f"/v1/orders/{order['order_id']}/history")
    assert found is not None
    people = {"accept", "contact", "arrive", "progress", "finish"}
    return [row["action"] for row in found["items"] if row["action"] in people]


async def test_from_signing_in_to_the_answer(phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str) -> None:
    order = new_order()
    mine = await phone()
    await mine.open()
    await expect(mine.page.get_by_role("heading", name="登录")).to_be_visible()
    await mine.sign_in(mine.token("wang", unit))
    card = await mine.find(order)
    await expect(card).to_contain_text("还剩")
    await expect(card).to_contain_text("待接单")
    await expect(mine.page.locator("#bar")).to_contain_text(order["lead"]["name"])
    assert "eyJ" not in mine.page.url, "no token in an address"

    await card.get_by_role("link").tap()
    shown = mine.page.locator("main")
    for said in ("暴露垃圾散落一地", order["place"]["name"], "张**", "流转路径", "时限", "本单位", order["number"]):
        await expect(shown).to_contain_text(said)
    await expect(shown).not_to_contain_text("13800001234")

    await mine.do("accept")
    await mine.was_told("已提交：接单")
    await mine.do("contact")
    await mine.sheet().get_by_role("button", name="联系上了").tap()
    await expect(shown).to_contain_text("联系 今天")
    await mine.do("arrive")
    await expect(shown).to_contain_text("到场 今天")
    await mine.do("progress")
    await mine.sheet().get_by_role("button", name="正在处理").tap()
    await mine.sheet().get_by_role("button", name="中途汇报").tap()
    await expect(mine.sheet()).to_have_count(0)

    await mine.do("finish")
    await mine.sheet().get_by_role("button", name="办结", exact=True).tap()
    await expect(mine.sheet().get_by_role("alert")).to_have_text("请填写“办理结果”")
    await mine.sheet().get_by_text("实际解决").tap()
    await mine.sheet().get_by_label("给诉求人的答复").fill("已清运干净，并加派一次巡查。")
    await mine.sheet().get_by_role("button", name="办结", exact=True).tap()
    await mine.was_told("已提交：办结")
    await expect(mine.page.locator(".head .status")).not_to_have_text("处置中")
    await mine.page.locator("summary").tap()
    await expect(mine.page.locator("details")).to_contain_text("正在处理")

    assert done(teller, order) == ["accept", "contact", "arrive", "progress", "finish"]
    part = now(teller, order)["assignments"][0]
    assert (part["result"], part["answer"]) == ("solved", "已清运干净，并加派一次巡查。") and part["arrived_at"]
    await mine.page.get_by_role("link", name="返回工单列表").tap()
    await expect(mine.page.get_by_role("heading", name="我的工单")).to_be_visible()
    await expect(card).to_have_count(0)


async def test_the_second_of_two_is_told_what_the_first_did(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    first, second = await phone(), await phone()
    await second.deaf()
    await first.enter_at(order, "wang", unit)
    await second.enter_at(order, "li", unit)
    await first.do("accept")
    await first.was_told("已提交：接单")
    await second.do("accept")
    told = second.sheet()
    await expect(told.get_by_role("heading")).to_have_text("内容刚刚有变化")
    await expect(told.locator(".changes")).to_contain_text(f"接单 {order['lead']['name']}")
    await expect(told).to_contain_text("现在状态：处置中 · 处置中")
    await expect(told.get_by_role("button", name="按最新状态再提交")).to_have_count(0)
    await told.get_by_role("button", name="办结").tap()

    # the same again, where it is still possible: what was written is not lost
    form = second.sheet()
    await form.get_by_text("解释说明").tap()
    await form.get_by_label("给诉求人的答复").fill("已向来电人说明")
    await first.do("arrive")
    await expect(first.page.locator("main")).to_contain_text("到场 今天")
    await form.get_by_role("button", name="办结", exact=True).tap()
    await expect(second.sheet().locator(".changes")).to_contain_text("到场")
    await second.sheet().get_by_role("button", name="按最新状态再提交").tap()
    await second.was_told("已提交：办结")
    assert done(teller, order) == ["accept", "arrive", "finish"]
    assert now(teller, order)["assignments"][0]["answer"] == "已向来电人说明"


async def test_an_action_that_is_not_possible_now_says_which_are(
    phone: NewPhone, new_order: NewOrder, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.alter(
        f"**/v1/orders/{order['order_id']}", lambda body: body["assignments"][0]["actions"].append("arrive")
    )
    await mine.enter_at(order, "wang", unit)
    await mine.do("arrive")
    told = mine.sheet()
    await expect(told.get_by_role("heading")).to_have_text("现在不能“到场”")
    await told.get_by_role("button", name="接单").tap()
    await mine.was_told("已提交：接单")


async def test_what_happens_elsewhere_appears_by_itself(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    list_, detail = await phone(), await phone()
    await list_.enter("wang", unit)
    await detail.enter_at(order, "li", unit)
    await list_.hears()
    await detail.hears()
    another = new_order()
    await expect(await list_.find(another)).to_contain_text("还剩")
    await list_.page.get_by_role("button", name=f"接单 {order['number']}").tap()
    await expect(detail.page.locator(".head .status")).to_have_text("处置中")
    await expect(detail.button("finish")).to_be_visible()
    await expect(list_.card(order)).to_contain_text("处置中")


async def test_an_action_nobody_drew_a_form_for_has_one(phone: NewPhone, new_order: NewOrder, unit: str) -> None:
    order = new_order()
    mine = await phone()
    words = {"zh": "", "en": ""}
    asked = [
        {"name": "note", "kind": "long", "required": True, "zh": "事由", "en": "Why", "min": 1, "max": 100},
        {"name": "count", "kind": "number", "required": True, "zh": "数量", "en": "How many", "min": 1, "max": 9},
        {"name": "until", "kind": "moment", "required": True, "zh": "到几时", "en": "Until"},
        {"name": "urgent", "kind": "flag", "required": True, "zh": "是否紧急", "en": "Urgent?"},
        {"name": "unit", "kind": "unit", "required": True, "zh": "哪个单位", "en": "Which unit"},
        {"name": "items", "kind": "text", "many": True, "required": False, "zh": "清单", "en": "List"},
        {"name": "later", "kind": "text", "required": False, "zh": "备注", "en": "Remark"},
        {"name": "report_id", "kind": "report", "required": False, "zh": "诉求", "en": "Report"},
        {"name": "kind", "kind": "variant", "required": True, "zh": "种类", "en": "Kind", "options": [
            {"value": "a", "zh": "甲", "en": "A", "fields": []},
            {"value": "b", "zh": "乙", "en": "B", "fields": [
                {"name": "why", "kind": "text", "required": True, "zh": "为何", "en": "Why so"},
            ]},
        ]},
    ]  # fmt: skip
    await mine.alter(
        "**/v1/actions", lambda body: body["assignment"].update(dance=words | {"zh": "跳舞", "fields": asked})
    )
    await mine.alter(
        f"**/v1/orders/{order['order_id']}", lambda body: body["assignments"][0]["actions"].append("dance")
    )
    await mine.enter_at(order, "wang", unit)
    await mine.do("more")
    await mine.sheet().get_by_role("button", name="跳舞").tap()
    form = mine.sheet()
    send = form.get_by_role("button", name="跳舞")
    await send.tap()
    await expect(form.get_by_role("alert")).to_have_text("请填写“事由”")
    await form.get_by_label("事由").fill("因为")
    await form.get_by_label("数量").fill("3")
    await form.get_by_label("到几时").fill("2026-12-24T18:00")
    await form.get_by_role("group", name="是否紧急").get_by_text("否", exact=True).tap()
    await form.get_by_label("哪个单位").fill("虹桥街道城市运行")
    await form.get_by_role("button", name="虹桥街道城市运行管理中心").tap()
    await form.get_by_label("清单").fill("一\n\n二 ")
    await form.get_by_text("乙").tap()
    await form.get_by_label("为何").fill("高兴")
    await send.tap()
    await expect(form.get_by_role("alert")).to_contain_text("没有此操作")
    assert mine.sent[-1].url.endswith("/actions/dance")
    assert mine.sent[-1].post_data_json == {
        **{"note": "因为", "count": 3, "until": "2026-12-24T10:00:00.000Z", "urgent": False},
        **{"unit": "310105009-centre", "items": ["一", "二"], "kind": "b", "why": "高兴"},
        "report_id": order["reports"][0]["report_id"],
    }


async def test_an_urgent_order_rings_the_phone_of_whom_it_came_to(phone: NewPhone, teller: Teller) -> None:
    centre, house = "310105009-centre", uuid4().int % 3000
    mine = await phone()
    await mine.enter("luo", centre)
    await mine.hears()
    quarrel = f"长宁区虹桥街道虹桥路{house}弄小区门口，商户要进小区开店，居民不让进，双方争吵，无人受伤，无械具。"
    call = {"source_id": uuid4().hex, "police_class": "080000", "text": quarrel}
    order = teller.order_of(teller.post("intake", "/v1/police/calls", call, "gateway")["report_id"])
    assert order["urgency"] == "urgent" and order["lead"]["unit_id"] == centre
    ring = mine.page.locator("#ring")
    await expect(ring).to_have_attribute("role", "alert")
    await expect(ring).to_contain_text(f"紧急工单 {order['number']}，请立即处理")
    await ring.get_by_role("link").tap()
    await expect(mine.page.locator("main")).to_contain_text(order["number"])
    await expect(mine.page.locator("main")).to_contain_text("值班")
    await expect(ring).to_be_empty()


async def test_a_photo_is_made_small_sent_and_shown_and_goes_with_the_result(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter_at(order, "wang", unit)
    await mine.do("accept")
    await expect(mine.button("finish")).to_be_visible()
    taken = await mine.picture()
    await mine.button("[data-key=photo]").tap()
    await mine.sheet().get_by_label("处理前").set_input_files(taken)
    await mine.was_told("照片已上传")
    await mine.button("[data-key=photos]").tap()
    picture = mine.sheet().get_by_role("img")
    await expect(picture).to_have_js_property("naturalWidth", 1600)
    await mine.page.keyboard.press("Escape")

    await mine.do("finish")
    form = mine.sheet().first
    await form.get_by_role("button", name="拍照上传").tap()
    await mine.sheet().last.get_by_label("处理后").set_input_files(taken)
    await expect(mine.sheet()).to_have_count(1)
    await expect(form.get_by_label("处理后")).to_be_checked()
    await form.get_by_label("处理前").uncheck()
    await expect(form.get_by_label("值班班长")).to_be_hidden()
    await form.get_by_text("实际解决").tap()
    await form.get_by_label("给诉求人的答复").fill("已清运")
    await form.get_by_role("button", name="办结", exact=True).tap()
    await mine.was_told("已提交：办结")
    kept = now(teller, order)["attachments"]
    assert [(one["kind"], one["width"], one["media_type"]) for one in kept] == [
        ("before", 1600, "image/jpeg"),
        ("after", 1600, "image/jpeg"),
    ]
    assert mine.sent[-1].post_data_json["photos"] == [kept[1]["attachment_id"]]


async def test_a_return_is_asked_for_and_the_centre_decides(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    mine = await phone()
    await mine.enter_at(order, "wang", unit)
    await mine.do("more")
    await mine.sheet().get_by_role("button", name=WORDS["request"].zh).tap()
    form = mine.sheet()
    await form.get_by_text("退单", exact=True).tap()
    await expect(form.get_by_text(CHOICES["weather"].zh)).to_have_count(0)
    await form.get_by_text(CHOICES["not_our_duty"].zh).tap()
    await form.get_by_label(FIELDS["basis"].zh).fill("道路清扫由养护单位负责")
    await form.get_by_label(FIELDS["suggested_unit"].zh).fill("静安区市政道路")
    await form.get_by_role("button", name="静安区市政道路养护中心").tap()
    await form.get_by_role("button", name=WORDS["request"].zh).tap()
    await expect(mine.page.locator("main")).to_contain_text("退单待审批")

    [asked] = now(teller, order)["requests"]
    assert (asked["kind"], asked["reason"], asked["suggested_unit"]["unit_id"]) == (
        *("return", "not_our_duty"),
        "310106-road",
    )
    centre = await phone()
    await centre.enter("zhu", asked["decider"]["unit_id"], f"#/order/{order['order_id']}", role="dispatcher")
    await centre.page.get_by_role("button", name="审批").tap()
    await centre.sheet().get_by_text("否", exact=True).tap()
    await centre.sheet().get_by_label(FIELDS["note"].zh).fill("仍由你单位负责")
    await centre.sheet().get_by_role("button", name=WORDS["decision"].zh).tap()
    await expect(mine.page.locator("main")).to_contain_text("退单未同意")
    await expect(mine.page.locator("main")).to_contain_text("仍由你单位负责")
