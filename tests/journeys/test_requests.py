"""What units ask for, over the whole running city: returned and arbitrated, to and fro, refused, parked, resumed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.demo.teller import Teller
from tests.journeys.working import Work

RUBBISH = "路边垃圾成堆，几天没人清理"


class Asking(Work):
    """An order whose units ask for something."""

    def other(self, function: str) -> str:
        """Another unit of the lead's street."""
        return f"{self.lead.rsplit('-', 1)[0]}-{function}"

    def ask(self, unit: str, **said: Any) -> dict[str, Any]:
        """A unit asks; the request as the order shows it."""
        self.by_unit(unit, "request", {"basis": "见附件"} | said)
        found: dict[str, Any] = self.shown()["requests"][-1]
        return found

    def give_back(self, unit: str, to: str) -> dict[str, Any]:
        """A unit says whose it is instead."""
        return self.ask(unit, kind="return", reason="not_our_duty", suggested_unit=to)

    def decide(self, request: dict[str, Any], granted: bool) -> dict[str, Any]:
        """Whoever has to, decides."""
        path, version = f"/v1/requests/{request['request_id']}/decision", {"if-match": f'"{request["version"]}"'}
        said, who = {"granted": granted, "note": "已核实"}, ("dispatcher", request["decider"]["unit_id"])
        found: dict[str, Any] = self.teller.post("dispatch", path, said, *who, **version)
        return found

    def history(self, kind: str) -> list[dict[str, Any]]:
        """The facts of a kind, the first first."""
        found = self.teller.get("dispatch", f"/v1/orders/{self.order_id}/history") or {}
        return [row["fact"] for row in found["items"] if row["type"] == kind]


def test_a_return_is_refused_twice_and_arbitrated_the_third_time(teller: Teller) -> None:
    work = Asking.reported(teller, RUBBISH)
    to = work.other("housing")
    total = work.until_clock("total", "running")[0]["due"]
    for _ in range(2):
        request = work.give_back(work.lead, to)
        assert not request["arbitration"]
        work.decide(request, granted=False)
    third = work.give_back(work.lead, to)
    assert third["arbitration"] and third["decider"]["unit_id"] != request["decider"]["unit_id"]
    work.until_clock("decide", "met", "met", "running")
    assert work.decide(third, granted=True)["lead"]["unit_id"] == to
    work.until_clock("accept", "cancelled", "running")
    assert work.until_clock("total", "running")[0]["due"] == total, "the promise to the citizen runs on"
    part = [a for a in work.shown()["assignments"] if a["unit"]["unit_id"] == to][-1]
    assert part["pinned"] and part["status"] == "offered"


def test_an_order_sent_to_and_fro_is_told_as_ping_pong(teller: Teller) -> None:
    work = Asking.reported(teller, RUBBISH)
    to = work.other("housing")
    work.decide(work.give_back(work.lead, to), granted=True)
    work.decide(work.give_back(to, work.lead), granted=True)
    told = work.history("AssignmentReturned")
    assert [(fact.get("returns", 1), fact.get("ping_pong", False)) for fact in told] == [
        (1, False),
        (2, True),
    ]
    assert work.shown()["lead"]["unit_id"] == work.lead


def test_an_extension_that_is_refused_leaves_every_clock_as_it_was(teller: Teller) -> None:
    work = Asking.reported(teller, RUBBISH)
    work.by_lead("accept")
    work.until_clock("accept", "met")
    before = {c["clock_id"]: (c["due"], c["state"]) for stage in ("handle", "total") for c in work.clocks(stage)}
    until = (datetime.now(UTC) + timedelta(days=15)).isoformat()
    request = work.ask(work.lead, kind="extension", reason="complex", until=until)
    work.until_clock("decide", "running")
    work.decide(request, granted=False)
    work.until_clock("decide", "met")
    after = {c["clock_id"]: (c["due"], c["state"]) for stage in ("handle", "total") for c in work.clocks(stage)}
    assert after == before


def test_a_parked_order_stands_still_and_is_taken_up_again(teller: Teller) -> None:
    work = Asking.reported(teller, RUBBISH)
    work.by_lead("accept")
    total = work.until_clock("total", "running")[0]["due"]
    until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
    request = work.ask(work.lead, kind="parking", reason="funding", until=until, evidence=["会议纪要"])
    assert work.decide(request, granted=True)["status"] == "parked"
    work.until_clock("total", "paused")
    listed = teller.get("dispatch", "/v1/orders?status=parked") or {"items": []}
    assert work.order_id in [order["order_id"] for order in listed["items"]]
    work.on_order("resume", "dispatcher", request["decider"]["unit_id"], reason="资金已到位")
    assert work.until_clock("total", "running")[0]["due"] >= total
    assert work.shown()["status"] == "handling"
