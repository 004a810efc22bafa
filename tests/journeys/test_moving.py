"""Orders and reports that move, over the whole running city: merged and parted, split, and 110 → 12345 → 110."""

from random import Random
from typing import Any
from uuid import uuid4

from deploy.demo.teller import Teller

CENTRE = ("dispatcher", "310106-centre")  # the district's: it sees every order of the stories
POLICE = ("gateway", "310000-police")


class City:
    """What people do in the stories, one line each."""

    def __init__(self, teller: Teller) -> None:
        self.teller = teller
        self.house = Random(uuid4().int).randint(100, 2900)

    def ticket(self, words: str, house: int = 0) -> str:
        """A hotline ticket from 临汾路; its report."""
        spot = f"静安区临汾路街道临汾路{self.house + house}号"
        body = {"source_id": f"t-{uuid4().hex}", "ticket_type": "complaint", "address": spot, "text": f"{spot}{words}"}
        return str(self.teller.post("intake", "/v1/hotline/tickets", body, "agent")["report_id"])

    def order(self, order_id: str) -> dict[str, Any]:
        """An order as it stands."""
        return self.teller.until("the order", lambda: self.teller.get("dispatch", f"/v1/orders/{order_id}"))

    def on_order(self, order_id: str, action: str, who: tuple[str, str] = CENTRE, **said: Any) -> Any:
        """Act on an order at its present version."""
        version = {"if-match": f'"{self.order(order_id)["version"]}"'}
        return self.teller.post("dispatch", f"/v1/orders/{order_id}/actions/{action}", said, *who, **version)

    def work(self, order_id: str, *steps: tuple[str, dict[str, Any]]) -> Any:
        """The lead takes these steps."""
        answer = None
        for action, said in steps:
            shown = self.order(order_id)
            part = [a for a in shown["assignments"] if a["role"] == "lead"][-1]
            version, who = {"if-match": f'"{part["version"]}"'}, ("responder", part["unit"]["unit_id"])
            path = f"/v1/assignments/{part['assignment_id']}/actions/{action}"
            answer = self.teller.post("dispatch", path, said, *who, **version)
        return answer

    def without_assists(self, order_id: str) -> None:
        """The centre takes back what others were to help with."""
        for part in self.order(order_id)["assignments"]:
            if part["role"] == "assist" and part["status"] in ("offered", "accepted"):
                path, version = f"/v1/assignments/{part['assignment_id']}/actions/withdraw", f'"{part["version"]}"'
                self.teller.post("dispatch", path, {"reason": "not needed"}, *CENTRE, **{"if-match": version})

    def totals(self, order_id: str, count: int) -> dict[str, Any]:
        """When each reporter of an order was promised an answer, by report, once as many have a running clock."""

        def look() -> dict[str, Any] | None:
            found = (self.teller.get("supervision", f"/v1/clocks/{order_id}") or {}).get("clocks", [])
            running = {c["report_id"]: c["due"] for c in found if c["stage"] == "total" and c["state"] == "running"}
            return running if len(running) == count else None

        return self.teller.until(f"{count} promises", look)


def test_five_reporters_are_merged_and_parted_and_none_gains_or_loses_a_minute(teller: Teller) -> None:
    city = City(teller)
    first = city.ticket("门口人行道上的雨水井盖缺失，有人差点踩空")
    one = teller.order_of(first)["order_id"]
    for words in (
        "门前井盖不见了，晚上很危险",
        "路边雨水井盖缺失，老人小孩经过危险",
        "人行道井盖被偷了，没有人管",
        "门口窨井盖缺失",
    ):
        city.ticket(words)
    promised = city.totals(one, 5)
    other = teller.order_of(city.ticket("门口人行道上的雨水井盖缺失，已经两天", house=60))["order_id"]
    assert other != one
    theirs = city.totals(other, 1)
    city.on_order(one, "merge", into=other, reason="同一井盖")
    assert city.totals(other, 6) == promised | theirs, "each keeps his own promise under the other order"
    assert len(city.order(other)["reports"]) == 6 and city.order(one)["status"] == "merged"
    late = city.ticket("门口人行道雨水井盖缺失，差点摔倒")  # about the merged one: follows to the other
    assert teller.order_of(late)["order_id"] == other
    city.totals(other, 7)
    city.on_order(one, "unmerge", reason="是两处井盖")
    again = city.totals(one, 6)
    assert promised.items() <= again.items() and late in again
    assert city.totals(other, 1) == theirs
    city.work(one, ("accept", {}))
    assert city.order(one)["status"] == "handling"


def test_a_ticket_with_two_demands_is_split_and_answered_whole(teller: Teller) -> None:
    city = City(teller)
    order = teller.order_of(city.ticket("门口雨水井盖缺失，旁边还堆着垃圾没人清运"))["order_id"]
    before = city.totals(order, 1)
    ref = city.order(order)["class"]
    part = {
        "class_key": f"{ref['standard']}/{ref['kind']}/{ref['code']}",
        "lead": "310106021-sanitation",
        "text": "旁边堆着垃圾",
    }
    city.on_order(order, "split", parts=[part])
    [made] = city.order(order)["parts"]
    clocks = teller.clocks_of(made["order_id"])
    assert {"accept", "handle"} <= clocks.keys() and "total" not in clocks, "one reporter, one promise"
    assert city.totals(order, 1) == before
    done = ("finish", {"result": "explained", "answer": "已安排清运"})
    city.work(made["order_id"], ("accept", {}), done)
    if city.order(made["order_id"])["status"] == "verifying":
        city.on_order(made["order_id"], "verify", ("inspector", ""), passed=True)
    assert city.order(made["order_id"])["status"] == "closed", "whoever reported is called once, on the first order"
    city.without_assists(order)
    city.work(order, ("accept", {}), done)
    assert city.order(order)["status"] in ("callback", "verifying")


def test_110_to_12345_and_back_to_110(teller: Teller) -> None:
    city = City(teller)
    number = f"JQ-{uuid4().hex[:8]}"
    spot = f"静安区临汾路街道临汾路{city.house}弄小区门口"
    call = teller.post(
        "intake",
        "/v1/police/calls",
        {
            "source_id": f"p-{uuid4().hex}",
            "source_number": number,
            "police_class": "080000",
            "address": spot,
            "text": f"报警人称：{spot}，商户要进小区开店，居民不让进，双方争吵，无人受伤，无械具。",
        },
        "gateway",
    )
    order = teller.order_of(call["report_id"])["order_id"]
    if city.order(order)["status"] == "triage":
        city.on_order(order, "route", lead="310106021-centre")
    city.work(order, ("accept", {}))

    def receipts() -> list[str]:
        path = f"/v1/receipts/{number}"
        headers = {"authorization": f"Bearer {teller.token(*POLICE)}"}
        answer = teller._http.get(teller._base["dispatch"] + path, headers=headers)
        return [r["step"] for r in answer.json()["receipts"]]

    assert receipts() == ["signed"], "told under the police's own number"
    city.on_order(order, "transfer", platform="110", reason="当事人扬言报复，涉嫌违法")
    assert city.order(order)["status"] == "handling", "kept until somebody signs"
    [handover] = city.order(order)["handovers"]
    teller.until("the time to sign", lambda: teller.clocks_of(order).get("sign"))
    path, version = f"/v1/handovers/{handover['handover_id']}", {"if-match": '"1"'}
    signed = teller.post("dispatch", f"{path}/sign", {"person": "张警官", "number": "P-9"}, *POLICE, **version)
    assert signed["state"] == "signed"
    assert city.order(order)["status"] == "transferred"
    said = {"step": "result", "answer": "已依法处置"}
    teller.post("dispatch", f"{path}/receipts", said, *POLICE, **{"if-match": f'"{signed["version"]}"'})
    assert receipts() == ["signed", "result", "result"]
    history = teller.get("dispatch", f"/v1/orders/{order}/history") or {"items": []}
    assert [row["type"] for row in history["items"]][-2:] == ["OrderTransferred", "HandoverReported"]
    clock = teller.until("the signature", lambda: _met(teller, order))
    assert clock["owner"]["unit_id"] == "110"


def _met(teller: Teller, order: str) -> dict[str, Any] | None:
    found = (teller.get("supervision", f"/v1/clocks/{order}") or {}).get("clocks", [])
    return next((c for c in found if c["stage"] == "sign" and c["state"] == "met"), None)
