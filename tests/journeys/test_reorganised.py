"""A reorganisation between opening and closing, over the whole running system: at midnight one street becomes part of
another, its station part of that one's, which goes by another name from then on. Nobody does anything on the day."""

import csv
import io
import time
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from os import pathsep
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy.audit.run import audit, settle, spooled
from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.trouble import Trouble
from services.chassis.city import load
from tests.chaos.town import SERVICES, pids, until
from tests.harness.servers import running
from tests.journeys import reorganised
from tests.journeys.reorganised import ENDS, NAME, NAME_BEFORE, NEW, OLD, OLD_NAME, STAYS
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]
DISTRICT = ("dispatcher", "310106-centre")
DONE = {"result": "explained", "answer": "已清运"}


@dataclass
class Evening:
    """What was so before midnight: an order that ended, one that was only offered, one that was accepted, and one of
    the unit that is renamed; each as it was shown, and the moment after which nothing was done any more."""

    teller: Teller
    ended: Work
    offered: Work
    accepted: Work
    renamed: Work
    moment: str = ""
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def works(self) -> tuple[Work, ...]:
        return self.ended, self.offered, self.accepted, self.renamed


def ask(teller: Teller, path: str, who: tuple[str, str] = ("supervisor", ""), service: str = "dispatch") -> Any:
    """What somebody is answered; the code of the refusal when he is refused."""
    headers = {"authorization": f"Bearer {teller.token(*who)}"}
    answer = httpx.get(teller._base[service] + path, headers=headers, timeout=20)
    return answer.json() if answer.status_code == 200 else answer.json()["code"]


def queue(teller: Teller, unit: str) -> set[str]:
    """The orders in a unit's queue."""
    return {item["order_id"] for item in ask(teller, "/v1/me/queue?limit=200", ("responder", unit))["items"]}


def told(work: Work, moment: str = "") -> dict[str, Any]:
    """Everything that is told of an order, at a past moment or now."""
    as_of = f"?as_of={moment.replace('+', '%2B')}" if moment else ""
    order = ask(work.teller, f"/v1/orders/{work.order_id}{as_of}")
    lists = ask(work.teller, f"/v1/orders{as_of or '?'}&class={_class(order)}&division=310106&limit=200")
    return {
        "order": {name: said for name, said in order.items() if name not in ("actions", "clocks", "reports")},
        "numbers": [report["number"] for report in order["reports"]],
        "listed": [item["lead"] for item in lists["items"] if item["order_id"] == work.order_id],
        "table": _table(work, order["number"], as_of),
    }


def _class(order: dict[str, Any]) -> str:
    return f"{order['class']['standard']}/{order['class']['kind']}/{order['class']['code']}"


def _table(work: Work, number: str, as_of: str) -> list[dict[str, str]]:
    """The order's line in the table that people take away, but for what its clocks say."""
    headers = {"authorization": f"Bearer {work.teller.token('supervisor')}"}
    answer = httpx.get(f"{work.teller._base['dispatch']}/v1/orders.csv{as_of}", headers=headers, timeout=20)
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    return [dict(zip(lines[0][:15], line[:15], strict=True)) for line in lines[1:] if line[0] == number]


def history(work: Work) -> list[Any]:
    """All that happened to an order."""
    found: list[Any] = ask(work.teller, f"/v1/orders/{work.order_id}/history")["items"]
    return found


def reported(teller: Teller, street: str) -> Work:
    """Rubbish at a spot of a street that nobody reported before."""
    spot = f"静安区{street}{uuid4().int % 9000 + 1}弄{uuid4().int % 89 + 1}号"
    body = {"text": f"{spot}垃圾桶满溢，暴露垃圾散落一地", "ticket_type": "complaint", "source_id": uuid4().hex}
    return Work(teller, teller.post("intake", "/v1/hotline/tickets", body, "agent"))


def evening_of(teller: Teller) -> Evening:
    """What people do on the last evening."""
    old = [reported(teller, "曹家渡街道") for _ in range(3)]
    evening = Evening(teller, *old, renamed=reported(teller, "静安寺街道"))
    assert [work.lead for work in evening.works] == [OLD, OLD, OLD, NEW]
    evening.ended.on_order("void", *DISTRICT, reason="录入演练")
    evening.accepted.by_lead("accept")
    evening.renamed.by_lead("accept")
    for work in evening.works[1:]:
        teller.clocks_of(work.order_id)
    evening.accepted.until_clock("accept", "met")
    evening.renamed.until_clock("accept", "met")
    evening.moment = datetime.now(UTC).isoformat()
    evening.shown = {work.order_id: told(work) | {"history": history(work)} for work in evening.works}
    evening.shown |= {
        "clocks": {work.order_id: clocks(work) for work in evening.works[1:]},
        "queue": queue(teller, OLD),
    }
    return evening


def clocks(work: Work) -> list[dict[str, Any]]:
    """The clocks of an order, without the light and who has used how much, which are of the moment."""
    found = ask(work.teller, f"/v1/clocks/{work.order_id}", service="supervision")["clocks"]
    return [{name: said for name, said in clock.items() if name not in ("light", "used")} for clock in found]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A city of its own, of which only the servers run."""
    home = tmp_path_factory.mktemp("reorganised")
    with running(home, only=["kafka"], city=str(home / "pack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def evening(stack: Stack) -> Iterator[Evening]:
    """The evening before, seen from the day after: midnight came, and every process started anew by itself."""
    zones, began = stack.home.root / "zones", time.monotonic()
    stack.up(only=["kafka", "postgres"])
    pace = time.monotonic() - began  # of this machine: the rest of the evening takes about four times as long
    midnight, began = datetime.now(UTC) + timedelta(seconds=40 + 7 * pace), time.monotonic()
    pack = reorganised.write_pack(stack.home.root / "pack", reorganised.write_zone(zones, midnight))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONTZPATH", reorganised.zone_path(zones))
        zoneinfo.reset_tzpath(reorganised.zone_path(zones).split(pathsep))
        stack.up()
        evening, before = evening_of(Teller(stack, load(pack))), pids(stack)
        assert datetime.now(UTC) < midnight, f"a machine too slow: {time.monotonic() - began:.0f} s for the evening"
        assert until("every process anew", lambda: _anew(stack, before), 120)
        assert datetime.now(UTC) > midnight
        stack.up()  # waits until all of them are ready; starts none that runs
        yield evening
    zoneinfo.reset_tzpath()


def _anew(stack: Stack, before: dict[str, int | None]) -> bool:
    now = pids(stack)
    return all(now[name] not in (None, before[name]) for name in SERVICES)


def test_the_past_keeps_its_names_its_history_and_its_numbers(evening: Evening) -> None:
    for work in evening.works:
        then = evening.shown[work.order_id]
        past = evening.teller.until("a past that is settled", lambda work=work: _settled(work, evening.moment))  # type: ignore[misc]
        assert past == {name: said for name, said in then.items() if name != "history"}
        assert history(work) == then["history"]
        assert past["table"][0]["lead_name"] == (NAME_BEFORE if work is evening.renamed else OLD_NAME)
        assert told(work)["numbers"] == then["numbers"]
    assert told(evening.ended)["order"]["lead"]["name"] == OLD_NAME, "it ended while its unit was called so"
    assert told(evening.renamed)["order"]["lead"]["name"] == NAME, "it goes on, and so does who leads it"


def _settled(work: Work, moment: str) -> dict[str, Any] | None:
    found = ask(work.teller, f"/v1/orders/{work.order_id}?as_of={moment.replace('+', '%2B')}")
    return None if found == "moment_too_young" else told(work, moment)


def test_clocks_run_on_and_keep_their_owner(evening: Evening) -> None:
    before = evening.shown["clocks"]
    for work in (evening.offered, evening.accepted):
        assert clocks(work) == before[work.order_id], "no clock was touched"
        owners = {
            (c["owner"]["unit_id"], c["owner"]["name"]) for c in clocks(work) if c["stage"] in ("accept", "handle")
        }
        assert owners == {(OLD, OLD_NAME)}
        theirs = ask(evening.teller, f"/v1/clocks/{work.order_id}", ("responder", NEW), "supervision")
        assert [c["clock_id"] for c in theirs["clocks"]] == [c["clock_id"] for c in before[work.order_id]]
        assert ask(evening.teller, f"/v1/clocks/{work.order_id}", ("responder", OLD), "supervision") == "other_unit"
    assert {c["owner"]["name"] for c in clocks(evening.renamed) if c["stage"] == "handle"} == {NAME}


def test_new_reports_go_to_the_unit_of_today(evening: Evening) -> None:
    for street in ("曹家渡街道", "静安寺街道"):
        work = reported(evening.teller, street)
        shown = work.shown()
        assert shown["lead"] == {"unit_id": NEW, "name": NAME, "tier": "street"}, street
        assert shown["place"]["division"] == STAYS
        assert "total" in evening.teller.clocks_of(work.order_id)
        assert queue(evening.teller, NEW) >= {work.order_id}


def test_the_successors_people_carry_on_and_the_old_units_people_do_not(evening: Evening) -> None:
    teller, open_ones = evening.teller, (evening.offered, evening.accepted)
    assert evening.shown["queue"] == {work.order_id for work in open_ones}
    assert queue(teller, NEW) >= evening.shown["queue"] | {evening.renamed.order_id}
    assert queue(teller, OLD) == set()
    for work, action, said in ((evening.offered, "accept", {}), (evening.accepted, "finish", DONE)):
        assert ask(teller, f"/v1/orders/{work.order_id}", ("responder", OLD)) == "other_unit"
        with pytest.raises(Trouble, match="other_unit"):
            work.by_unit(OLD, action, said)
    version = {"if-match": f'"{evening.renamed.shown()["version"]}"'}
    path = f"/v1/orders/{evening.renamed.order_id}/actions/lead"
    with pytest.raises(Trouble, match="unit_unknown"):
        teller.post("dispatch", path, {"unit": OLD, "reason": "改派"}, *DISTRICT, **version)
    seen = ask(teller, f"/v1/orders/{evening.offered.order_id}", ("dispatcher", f"{STAYS}-centre"))
    assert seen["place"]["division"] == ENDS, "the street it was reported in lies in this one now"
    evening.offered.by_unit(NEW, "accept", {}, of=OLD)
    for work in (*open_ones, evening.renamed):
        of = NEW if work is evening.renamed else OLD
        work.by_unit(NEW, "finish", DONE, of=of)
        if work.shown()["status"] == "verifying":
            work.on_order("verify", "inspector", passed=True)
        report = work.answer["report_id"]
        work.on_order("callback", "agent", report_id=report, reached=True, satisfied="satisfied", solved=True)
        if work.shown()["status"] != "closed":
            work.on_order("close", "agent")
        assert work.shown()["status"] == "closed"
        work.until_clock("handle", "met")
    before = evening.shown[evening.accepted.order_id]["history"]
    assert history(evening.accepted)[: len(before)] == before, "what follows is added to it"


def test_afterwards_every_report_is_in_its_place(evening: Evening, stack: Stack) -> None:
    url = stack.database_url("paidan_audit")
    assert settle(stack.kafka_bootstrap, url, 60, lambda _: None)
    found = audit(stack.kafka_bootstrap, url, spooled(stack.home.state_of("intake") / "spool"), datetime.now(UTC))
    assert found.clean, found.findings
