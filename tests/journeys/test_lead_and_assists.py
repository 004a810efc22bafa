"""A street leads with two assists, passes its part on to a committee and signs its answer: on the running system."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.demo.teller import Teller
from deploy.stack.trouble import Trouble
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

CENTRE, STREET = "310106021-centre", "310106021-street_office"
CLEANING, MARKET, VOLUNTEERS = "310106021-sanitation", "310106021-market", "310106021-volunteer"
DONE = {"result": "solved", "answer": "已处理"}


def test_a_street_leads_with_two_assists_and_a_part_passed_on_and_every_clock_is_met(teller: Teller) -> None:
    work = Work.reported(teller, "门口垃圾成堆，无人清理")
    committee = next(u.unit_id for u in teller.city.units if u.parent == STREET and u.function == "committee")
    routed = work.on_order("route", "dispatcher", CENTRE, lead=STREET, assists=[CLEANING, MARKET], reason="街道牵头")
    assert routed["lead"]["unit_id"] == STREET
    for unit in (STREET, CLEANING, MARKET):
        work.by_unit(unit, "accept", {})
    work.by_unit(STREET, "contact", {"reached": True})
    wish = datetime.now(teller.zone) + timedelta(minutes=90)
    work.by_unit(STREET, "pass_on", {"unit": committee, "note": "请上门核实", "due": wish.isoformat()})
    with pytest.raises(Trouble, match="unit_not_below"):
        work.by_unit(STREET, "pass_on", {"unit": "310106-water"})
    handle = teller.until("the committee's limit", lambda: newest(work).get(("handle", committee)))
    assert teller.local(handle["due"]) == wish and handle["policy"] == "parent_due", "sooner than the policy asks"
    assert newest(work)["accept", committee]["state"] == "running"
    work.by_unit(STREET, "pull_in", {"unit": VOLUNTEERS, "note": "劝导"})
    for unit in (CLEANING, MARKET):
        work.by_unit(unit, "finish", DONE)
    with pytest.raises(Trouble, match="children_open"):
        work.by_unit(STREET, "finish", DONE)
    for action, said in (("accept", {}), ("arrive", {}), ("finish", DONE)):
        work.by_unit(committee, action, said)
    work.by_unit(STREET, "send_back", {"reason": "请补充现场情况"}, of=committee)
    work.by_unit(committee, "finish", DONE)
    with pytest.raises(Trouble, match="assists_open"):
        work.by_unit(STREET, "finish", DONE)
    work.by_unit(CENTRE, "withdraw", {"reason": "不再需要"}, of=VOLUNTEERS, role="dispatcher")
    work.by_unit(STREET, "finish", DONE)
    parts = {a["unit"]["unit_id"]: a["status"] for a in work.shown()["assignments"]}
    assert (parts[committee], parts[VOLUNTEERS]) == ("confirmed", "withdrawn"), "the street has signed for it"
    work.on_order("verify", "inspector", passed=True)
    report_id = work.answer["report_id"]
    work.on_order("callback", "agent", report_id=report_id, reached=True, satisfied="satisfied", solved=True)
    assert work.on_order("close", "agent")["status"] == "closed"
    work.until_clock("total", "met")
    wanted = {(stage, unit) for stage in ("accept", "handle") for unit in (STREET, CLEANING, MARKET, committee)}

    def met() -> bool | None:
        found = newest(work)
        return {found[key]["state"] for key in wanted & set(found)} == {"met"} and wanted <= set(found) or None

    assert teller.until("eight clocks to be met", met)
    assert work.shown()["round"] == 1, "sending an answer back is not rework"


def newest(work: Work) -> dict[tuple[str, str], dict[str, Any]]:
    """The newest clock of each unit for accepting and for handling."""
    found = [clock for stage in ("accept", "handle") for clock in work.clocks(stage)]
    return {(clock["stage"], clock["owner"]["unit_id"]): clock for clock in found}
