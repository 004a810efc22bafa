"""Work that fails its check, a bad rating, and a 110 caller who is rung within three minutes: on the running system."""

from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest

from deploy.demo.teller import Teller
from deploy.stack.trouble import Trouble
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


def test_work_that_fails_its_check_is_done_again_and_shown(teller: Teller) -> None:
    work = Work.reported(teller, "门口人行道雨水井盖缺失，请尽快处理")
    assert work.shown()["photos"] == "both", "a manhole is solved when photos show it"
    for action in ("accept", "arrive"):
        work.by_lead(action)
    work.by_lead("contact", reached=True)
    work.assists_are_done()
    with pytest.raises(Trouble, match="photos_missing"):
        work.by_lead("finish", result="solved", answer="已更换")
    photos = [work.photo("before"), work.photo("after")]
    assert work.by_lead("finish", result="solved", answer="已更换", photos=photos)["status"] == "verifying"
    failed = work.on_order("verify", "inspector", passed=False, note="仍在晃动")
    assert (failed["status"], failed["round"]) == ("handling", 2)
    work.until_clock("handle", *["met"] * len(work.shown()["assignments"]), "running")
    assert work.by_lead("finish", result="solved", answer="重新安装", photos=photos)["status"] == "verifying"
    assert work.on_order("verify", "inspector", passed=True)["status"] == "callback"
    report_id = work.answer["report_id"]
    work.on_order("callback", "agent", report_id=report_id, reached=True, satisfied="satisfied", solved=True)
    assert work.on_order("close", "agent")["status"] == "closed"
    shown = work.shown()
    assert (shown["result"], shown["solved"], shown["round"]) == ("solved", True, 2)
    work.until_clock("handle", *["met"] * len(shown["assignments"]), "met")
    work.until_clock("total", "met")


def test_a_bad_rating_is_put_before_a_person_who_has_it_done_again(teller: Teller) -> None:
    work = Work.reported(teller, "门口垃圾成堆，无人清理")
    work.by_lead("accept")
    work.assists_are_done()
    work.by_lead("finish", result="solved", answer="已清运")
    work.on_order("verify", "inspector", passed=True)
    with pytest.raises(Trouble, match="code_wrong"):
        wrong = {"number": work.answer["number"], "code": "not it", "satisfied": "satisfied", "solved": True}
        teller.post("dispatch", "/v1/ratings", wrong, "citizen")
    work.rate("dissatisfied", solved=False)
    listed = teller.get("dispatch", "/v1/orders?proposed=reopen")
    assert listed is not None and work.order_id in [order["order_id"] for order in listed["items"]]
    with pytest.raises(Trouble, match="reopening_undecided"):
        work.on_order("close", "agent")
    again = work.on_order("reopen", "supervisor", reason="垃圾还在")
    assert (again["status"], again["round"]) == ("dispatched", 2)
    assert "proposed" not in work.shown()
    work.by_lead("accept")
    work.by_lead("finish", result="explained", answer="已约定每日清运")
    work.on_order("verify", "inspector", passed=True)
    work.rate("satisfied", solved=True)
    assert work.on_order("close", "agent")["status"] == "closed"
    shown = work.shown()
    assert (shown["result"], shown["solved"]) == ("explained", False), "closed, and not solved"
    work.until_clock("callback", "met", "met")
    work.until_clock("total", "met", "met")


def test_a_110_caller_is_rung_within_three_minutes_and_whoever_joins_too(teller: Teller) -> None:
    house = Random(uuid4().int).randint(3000, 99_000)
    body = {
        "source_id": f"story-{uuid4().hex}",
        "police_class": "080000",
        "address": f"长宁区虹桥街道虹桥路{house}弄小区门口",
        "text": f"报警人称：长宁区虹桥街道虹桥路{house}弄小区门口，商户与居民争吵，无人受伤，无械具。",
    }
    work = Work(teller, teller.post("intake", "/v1/police/calls", body, "gateway"))
    (clock,) = work.until_clock("contact", "running")
    assert teller.local(clock["due"]) - teller.local(clock["start"]) == timedelta(minutes=3)
    with pytest.raises(Trouble, match="reason_missing"):
        work.by_lead("contact", reached=False)
    work.by_lead("contact", reached=False, reason="no_answer")
    work.until_clock("contact", "running")
    work.by_lead("contact", reached=True)
    work.until_clock("contact", "met")
    report = work.shown()["reports"][0]
    assert report["report_id"] == work.answer["report_id"] and "contacted_at" in report
