"""Between two cities over the running system: an order handed there, and a matter handed here, both told by webhook."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from tests.journeys.another_city import HANGZHOU
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
CENTRE = ("dispatcher", "310106-centre")


@pytest.fixture(autouse=True)
def there() -> Iterator[None]:
    """The other city listens."""
    HANGZHOU.up()
    yield
    HANGZHOU.down()


def handed_over(work: Work) -> str:
    """The order offered to the other city; the hand-over's id."""
    work.on_order("transfer", *CENTRE, platform=HANGZHOU.name, reason="路灯由杭州管养")
    return str(work.shown()["handovers"][-1]["handover_id"])


def told(teller: Teller, key: str, value: str, most: int) -> list[dict[str, Any]]:
    """What the other city was told about one thing, once it is as many messages."""

    def look() -> list[dict[str, Any]] | None:
        found = HANGZHOU.of(key, value)
        return found if len(found) >= most else None

    return teller.until(f"{most} messages about {value}", look)


def failures(teller: Teller) -> float:
    """How many attempts to tell the other city have failed so far."""
    page = httpx.get(f"{teller._base['dispatch']}/metrics").text
    name = f'paidan_webhooks_total{{destination="{HANGZHOU.name}",outcome="failed"}} '
    return sum(float(line.removeprefix(name)) for line in page.splitlines() if line.startswith(name))


def test_an_order_goes_to_another_city_which_signs_arrives_and_answers(teller: Teller) -> None:
    work = Work.reported(teller, "门口路灯不亮")
    handover = handed_over(work)
    [offer] = told(teller, "handover_id", handover, 1)
    assert (offer["type"], offer["order"]["number"]) == ("handover.offered", work.shown()["number"])
    assert offer["reports"][0]["reporter"]["phone"] == "***00"
    assert work.shown()["status"] != "transferred", "kept until somebody there signs"
    base = teller._base["dispatch"]
    HANGZHOU.say(base, "receipts", {"handover_id": handover, "step": "signed", "person": "李工", "number": "HZ-1"})
    HANGZHOU.say(base, "receipts", {"handover_id": handover, "step": "arrived"})
    HANGZHOU.say(base, "receipts", {"handover_id": handover, "step": "result", "answer": "已修复"})
    shown = work.shown()
    assert (shown["status"], shown["handovers"][0]["number"], shown["handovers"][0]["answer"]) == (
        "transferred",
        "HZ-1",
        "已修复",
    )
    history = teller.get("dispatch", f"/v1/orders/{work.order_id}/history") or {"items": []}
    assert [row["type"] for row in history["items"]][-4:] == [
        "HandoverOffered",
        "OrderTransferred",
        "HandoverReported",
        "HandoverReported",
    ]
    work.until_clock("sign", "met")


def test_what_a_platform_missed_while_it_was_away_comes_later_in_its_order(teller: Teller) -> None:
    HANGZHOU.down()
    before = failures(teller)
    work = Work.reported(teller, "路灯不亮已经一周")
    first = handed_over(work)
    work.on_order("recall", *CENTRE, reason="先自查")
    second = handed_over(work)
    teller.until("an attempt that failed", lambda: True if failures(teller) >= before + 2 else None)
    assert work.shown()["handovers"][-1]["state"] == "offered", "work goes on whether anybody there listens or not"
    HANGZHOU.up()
    assert [one["type"] for one in told(teller, "handover_id", first, 2)] == ["handover.offered", "handover.returned"]
    assert [one["type"] for one in told(teller, "handover_id", second, 1)] == ["handover.offered"]


def test_an_operator_pauses_a_platform_resumes_it_and_replays_what_was_given_up(whole: Stack, teller: Teller) -> None:
    def paidan(*words: str) -> str:
        command = [sys.executable, "-m", "deploy.cli", "webhooks", *words]
        home = {"PAIDAN_HOME": str(whole.home.root), "PAIDAN_PORT_BASE": str(whole.ports.base)}
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f"{HANGZHOU.name}: told at" in paidan("check") and "whsec_" not in paidan("check")
    paidan("pause", HANGZHOU.name, "--reason", "they move house")
    handover = handed_over(Work.reported(teller, "路灯一闪一闪"))
    shown = json.loads(paidan("list", HANGZHOU.name, "--json", "--bodies"))
    [waiting] = [one for one in shown["deliveries"] if handover in one["body"]]
    assert (waiting["state"], waiting["attempts"]) == ("waiting", 0)
    assert {one["destination"]: one["paused"] for one in shown["platforms"]}[HANGZHOU.name] == "they move house"
    with psycopg.connect(whole.database_url("paidan_dispatch")) as connection:  # as after a day
        connection.execute("UPDATE webhook_deliveries SET state = 'dead' WHERE id = %s", (waiting["id"],))
    assert "goes on" in paidan("resume", HANGZHOU.name)
    shown = json.loads(paidan("list", "--state", "dead", "--json"))
    assert [one["id"] for one in shown["deliveries"]] == [waiting["id"]]
    assert HANGZHOU.of("handover_id", handover) == []
    assert paidan("replay", HANGZHOU.name, waiting["id"]).startswith("1 ")
    told(teller, "handover_id", handover, 1)


def test_a_matter_of_another_city_is_worked_here_and_told_under_its_own_number(teller: Teller) -> None:
    number = f"HZ-{uuid4().hex[:8]}"
    spot = f"静安区临汾路街道临汾路{int(uuid4().hex[:4], 16) + 3000}号"
    said = {
        "source_number": number,
        "address": spot,
        "text": f"{spot}门口垃圾成堆，无人清理",
        "ticket_type": "complaint",
        "reporter": {"name": "周某", "phone": "13900000001"},
    }
    answer = HANGZHOU.say(teller._base["intake"], "handovers", said)
    work = Work(teller, answer)
    assert work.shown()["source"] == "platform"
    for action in ("accept", "arrive"):
        work.by_lead(action)
    work.assists_are_done()
    work.by_lead("finish", result="explained", answer="已安排清运")
    if work.shown()["status"] == "verifying":
        work.on_order("verify", "inspector", passed=True)
    report_id = answer["report_id"]
    work.on_order("callback", "agent", report_id=report_id, reached=True, satisfied="satisfied", solved=True)
    if work.shown()["status"] != "closed":
        work.on_order("close", "agent")
    steps = [one["receipt"] for one in told(teller, "source_number", number, 4)]
    assert [step["step"] for step in steps] == ["signed", "arrived", "result", "closed"]
    assert steps[2]["answer"] == "已安排清运" and steps[3]["result"] == "explained"
    assert "13900000001" not in str(HANGZHOU.of("source_number", number))
    again = HANGZHOU.say(teller._base["intake"], "handovers", said)
    assert again["number"] == answer["number"], "handed over twice, it is one matter"


def test_a_bad_rating_in_the_one_stop_service_reaches_whoever_handles_it(teller: Teller) -> None:
    number = f"YW-{uuid4().hex[:8]}"
    said = {
        "source_id": number,
        "source_number": number,
        "text": "社保转移跑了三次，每次说的材料都不一样",
        "address": "静安区",
        "district": "静安区",
        "matter_code": "000514002000",
        "stars": 1,
    }
    work = Work(teller, teller.post("intake", "/v1/one-stop/tickets", said, "gateway"))
    assert work.lead == "310106-labour", teller.because(work.answer["report_id"], "match")
    work.by_lead("accept")
    headers = {"authorization": f"Bearer {teller.token('gateway', 'one_stop')}"}
    told_back = httpx.get(f"{teller._base['dispatch']}/v1/receipts/{number}", headers=headers).json()
    assert [r["step"] for r in told_back["receipts"]] == ["signed"]
    assert "total" in teller.clocks_of(work.order_id)
