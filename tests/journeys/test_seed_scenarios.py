"""What the city's own reports of its practice describe, over the running system: the quarrel at a gate that 110 hands
over (police, street and market regulator arrive together), night work at a building site that a sub-area settles with a
promise, danger that is told to 119 and 110 while the city's desk has it, an underpass with the nearest pump truck."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from deploy.demo.teller import Teller
from tests.journeys.working import Work

POLICE, STREET, MARKET = "310105009-police", "310105009-centre", "310105009-market"


def when(work: Work, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """The order, once something holds of it."""
    shown = work.shown()
    return shown if holds(shown) else None


def _house() -> int:
    return Random(uuid4().int).randint(3000, 99_000)


def _explained(teller: Teller, report_id: str) -> dict[str, dict[str, Any]]:
    told = teller.until("the reasons", lambda: teller.get("router", f"/v1/explain/{report_id}"))
    return {step["step"]: step for step in told["steps"]}


def test_a_gate_quarrel_is_told_to_all_three_at_once_and_each_arrives_by_its_own_clock(teller: Teller) -> None:
    """A3: 110 calls that are not the police's go to everybody concerned in one moment; the first to accept leads."""
    body = {
        "text": f"报警人称：虹桥路{_house()}弄小区门口,商户要进小区开店,居民不让进,双方争吵,无人受伤,无械具。",
        "police_class": "080700",
        "address": "长宁区虹桥街道",
    }
    work = Work(teller, teller.post("intake", "/v1/police/calls", body, "gateway"))
    order = work.shown()
    parts = {part["unit"]["unit_id"]: part for part in order["assignments"]}
    assert set(parts) == {POLICE, STREET, MARKET} and order["together"]
    assert {part["status"] for part in parts.values()} == {"offered"}
    assert [hop["tier"] for hop in order["path"]] == ["city", "district", "street"]
    assert order["platforms"] == [] and _explained(teller, work.answer["report_id"])["veto"]["answer"] == "none"
    for unit in (MARKET, POLICE, STREET):
        work.by_unit(unit, "accept", {})
        work.by_unit(unit, "arrive", {})
    arrived = work.shown()
    assert arrived["lead"]["unit_id"] == MARKET
    history = teller.get("dispatch", f"/v1/orders/{work.order_id}/history")["items"]
    seen = [row for row in history if row["action"] == "arrive"]
    assert {row["unit"] for row in seen} == {POLICE, STREET, MARKET}


def test_night_work_at_a_site_is_the_sub_areas_and_ends_as_explained_with_a_promise(teller: Teller) -> None:
    """A5: the sub-area overrides the line departments; many callers are one order; lawful work is explained, not
    solved."""
    site = f"虹口区北外滩街道惠民居委会东余杭路{_house()}弄旁工地"
    answers = []
    for who, words in enumerate(("昨晚23时至今晨5时浇筑作业,噪声扰民", "夜间施工噪声,睡不着", "半夜施工声音太大")):
        body = {
            "text": f"市民来电反映:{site},{words},要求核实有无夜间施工许可并电话答复。",
            "address": site,
            "ticket_type": "complaint",
            "reporter": {"name": f"居民{who}", "phone": f"1390000000{who}"},
        }
        answers.append(teller.post("intake", "/v1/hotline/tickets", body, "agent"))
        if who == 0:
            work = Work(teller, answers[0])
    order = teller.until("three callers on one order", lambda: when(work, lambda shown: len(shown["reports"]) == 3))
    assert order["lead"]["unit_id"].startswith("310109018-") and order["lead"]["tier"] == "sub_area"
    assert [hop["tier"] for hop in order["path"]] == ["city", "district", "street", "sub_area"]
    assert order["rule"] == "sub-area-construction-noise"
    helpers = {part["unit"]["unit_id"].partition("-")[2] for part in order["assignments"] if part["role"] == "assist"}
    assert {"urban_management", "construction", "environment"} <= helpers
    work.by_lead("accept")
    for answer in answers:
        work.by_lead("contact", reached=True, report_id=answer["report_id"])
    work.assists_are_done()
    said = "工地持有夜间施工许可,基坑浇筑不能中断;已商定施工方提前公布施工时间"
    work.by_lead("finish", result="explained", answer=said)
    done = work.shown()
    results = {part["role"]: part.get("result") for part in done["assignments"] if part["unit"]["unit_id"] == work.lead}
    assert results["lead"] == "explained"


def test_danger_is_told_to_119_and_110_and_the_city_desk_has_it_on_the_urgent_lane(teller: Teller) -> None:
    """A call that sounds like help: the hand-over leaves, each platform finds it in its own inbox, the city leads."""
    body = {
        "text": "老人独自在家,邻居闻到焦味敲门无应答。",
        "police_class": "050400",
        "address": f"静安区临汾路街道临汾路{_house()}弄3号",
    }
    work = Work(teller, teller.post("intake", "/v1/police/calls", body, "gateway"))
    order = teller.until("both hand-overs", lambda: when(work, lambda shown: bool(shown.get("handovers"))))
    assert (order["urgency"], order["lead"]["unit_id"]) == ("critical", "310000-duty_desk")
    told = {(one["platform"], one["mode"], one["state"]) for one in order["handovers"]}
    assert {("119", "help", "offered"), ("110", "help", "offered")} <= told
    helpers = {part["unit"]["unit_id"] for part in order["assignments"]}
    assert {"310000-duty_desk", "310106-centre", "310106021-centre"} <= helpers
    queue = teller.get("dispatch", "/v1/me/queue", "responder", "310000-duty_desk")["items"]
    assert any(row["order_id"] == work.order_id for row in queue)
    for platform, unit in (("119", "310000-fire"), ("110", "310000-police")):
        inbox = teller.get("dispatch", "/v1/handovers?limit=200", "gateway", unit)["items"]
        (mine,) = [one for one in inbox if one["order"]["order_id"] == work.order_id]
        assert mine["platform"] == platform


def test_water_in_an_underpass_calls_the_nearest_pump_truck_and_says_why(teller: Teller) -> None:
    """A2: police, water, road and street as one order, and the truck that is there first, busy until the order ends."""
    points = [f"WL-310105-{n:04d}" for n in (7, 18, 26, 42, 55)]
    device = Random(uuid4().int).choice(points)
    now = datetime.now(UTC)
    readings = [
        {"device_id": device, "kind": "water_level", "value": 23.5, "unit": "cm", "at": moment.isoformat()}
        for moment in (now - timedelta(seconds=20), now - timedelta(seconds=10))
    ]
    teller.post("intake", "/v1/sensors/readings", readings, "gateway")

    def busy() -> dict[str, Any] | None:
        items = teller.get("router", "/v1/resources", "dispatcher", "310105-centre")["items"]
        return next((one for one in items if one["state"] == "busy" and one["kind"] == "pump_truck"), None)

    truck = teller.until("a truck that was called", busy)
    order = teller.until("its order", lambda: teller.get("dispatch", f"/v1/orders/{truck['order_id']}"))
    (called,) = order["resources"]
    assert called["resource_id"] == truck["resource_id"] and "最近" in called["why"]
    functions = {part["unit"]["unit_id"].partition("-")[2] for part in order["assignments"]}
    assert {"traffic_police", "water", "road"} <= functions
