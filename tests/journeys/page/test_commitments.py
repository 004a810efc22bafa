"""What a unit committed to in a meeting: seen above the work, answered on the spot; somebody else who was quicker."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import expect

from deploy.demo.teller import Teller
from tests.journeys.page.conftest import NewOrder, NewPhone

TEXT = "每日十八时前再清运一次"


def promised(teller: Teller, order: dict[str, Any], unit: str, *texts: str) -> str:
    """A special case around an order, and a meeting in which its unit commits to something; the case's id."""
    centre = ("dispatcher", f"{order['place']['division'][:6]}-centre")
    body = {"title": "垃圾清运专项", "reason": "多人反映", "lead": unit, "orders": [order["order_id"]]}
    case = teller.post("dispatch", "/v1/special-cases", body, *centre)
    now = datetime.now(UTC)
    due = (now + timedelta(hours=3)).isoformat()
    said = {
        "held_at": (now - timedelta(minutes=1)).isoformat(),
        "units": [unit],
        "matter": "清运",
        "decided": "加密清运",
        "outcome": "agreed",
        "commitments": [{"text": text, "unit": unit, "due": due} for text in texts],
    }
    path = f"/v1/special-cases/{case['case_id']}/actions/meeting"
    teller.post("dispatch", path, said, *centre, **{"if-match": '"1"'})
    return str(case["case_id"])


def commitments(teller: Teller, case_id: str) -> list[dict[str, Any]]:
    """What units committed to in a case."""
    found = teller.get("dispatch", f"/v1/special-cases/{case_id}")
    assert found is not None
    return list(found["commitments"])


async def test_a_responder_sees_what_was_promised_and_says_that_it_is_done(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    order = new_order()
    case_id = promised(teller, order, unit, TEXT, "设立公示牌")
    mine = await phone()
    await mine.enter("wang", unit)
    card = mine.page.locator(".promises")
    row = card.locator("li", has_text=TEXT)
    await expect(row).to_contain_text("还剩 2 小时")
    await expect(row).to_contain_text("垃圾清运专项")
    await expect(card.locator("li")).to_have_count(2)
    await row.get_by_role("button", name="回复落实情况").tap()
    form = mine.sheet()
    await form.get_by_role("button", name="回复落实情况", exact=True).tap()
    await expect(form.get_by_role("alert")).to_have_text("请填写“落实情况”")
    await form.get_by_label("落实情况").fill("已加一班车，照片已上传。")
    await form.get_by_role("button", name="回复落实情况", exact=True).tap()
    await mine.was_told("已提交：回复落实情况")
    await expect(card.locator("li")).to_have_count(1)
    first, second = commitments(teller, case_id)
    assert (first["state"], first["answer"], second["state"]) == ("answered", "已加一班车，照片已上传。", "open")
    await mine.open(f"#/order/{order['order_id']}")
    await expect(mine.page.locator("main")).to_contain_text("专项 垃圾清运专项")


async def test_who_comes_second_is_told_that_it_was_answered(
    phone: NewPhone, new_order: NewOrder, teller: Teller, unit: str
) -> None:
    case_id = promised(teller, new_order(), unit, TEXT)
    mine = await phone()
    await mine.enter("li", unit)
    row = mine.page.locator(".promises li", has_text=TEXT)
    await row.get_by_role("button", name="回复落实情况").tap()
    await mine.sheet().get_by_label("落实情况").fill("晚了一步")
    [one] = commitments(teller, case_id)
    path = f"/v1/special-cases/{case_id}/commitments/{one['commitment_id']}/actions/answer"
    teller.post("dispatch", path, {"answer": "已办"}, "responder", unit, **{"if-match": '"1"'})
    await mine.sheet().get_by_role("button", name="回复落实情况", exact=True).tap()
    told = mine.sheet()
    await expect(told.get_by_role("heading")).to_have_text("内容刚刚有变化")
    await expect(told).to_contain_text("现在状态：待认可")
    await expect(told.get_by_role("button", name="按最新状态再提交")).to_have_count(0)
    assert commitments(teller, case_id)[0]["answer"] == "已办"


async def test_a_unit_that_promised_nothing_sees_no_list(phone: NewPhone, unit: str) -> None:
    mine = await phone()
    await mine.alter("**/v1/me/commitments*", lambda body: body.update(items=[]))
    await mine.enter("wang", unit)
    await expect(mine.page.locator(".chips, .empty").first).to_be_visible()
    await expect(mine.page.locator(".promises")).to_have_count(0)
