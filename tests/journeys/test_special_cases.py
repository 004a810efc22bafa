"""A special case over the whole running city: orders of two streets, a meeting, a commitment kept and one missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from deploy.audit.findings import Fault
from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.trouble import Trouble
from tests.journeys.test_audit import look, tampered
from tests.journeys.working import Work

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

DISTRICT = "310106-centre"
RUBBISH = "路边垃圾成堆，几天没人清理"
STREETS = ("临汾路", "临汾路", "天目西路")


class Gathered:
    """A special case of a centre, and those who act on it."""

    def __init__(self, teller: Teller, orders: list[str], centre: str = DISTRICT) -> None:
        self.teller, self.centre = teller, centre
        body = {"title": "垃圾清运专项", "reason": "同一家清运公司", "lead": centre, "orders": orders}
        self.id: str = teller.post("dispatch", "/v1/special-cases", body, "dispatcher", centre)["case_id"]

    def shown(self) -> dict[str, Any]:
        """The case whole."""
        found = self.teller.get("dispatch", f"/v1/special-cases/{self.id}")
        assert found is not None
        return dict(found)

    def do(self, action: str, **said: Any) -> dict[str, Any]:
        """The centre acts on the case. Raises Trouble when it is refused."""
        path, version = f"/v1/special-cases/{self.id}/actions/{action}", {"if-match": f'"{self.shown()["version"]}"'}
        found: dict[str, Any] = self.teller.post("dispatch", path, said, "dispatcher", self.centre, **version)
        return found

    def on(self, place: int, action: str, by: str = "", **said: Any) -> dict[str, Any]:
        """Somebody acts on a commitment. Raises Trouble when it is refused."""
        one = self.shown()["commitments"][place]
        path = f"/v1/special-cases/{self.id}/commitments/{one['commitment_id']}/actions/{action}"
        role, by = ("responder", by) if by else ("dispatcher", self.centre)
        found: dict[str, Any] = self.teller.post(
            "dispatch", path, said, role, by, **{"if-match": f'"{one["version"]}"'}
        )
        return found

    def until(self, what: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The case, once it stands like this."""

        def look_at() -> dict[str, Any] | None:
            shown = self.shown()
            return shown if holds(shown) else None

        return self.teller.until(what, look_at)

    def breaches(self) -> list[dict[str, Any]]:
        """Its missed commitments, as supervision lists them."""
        found = self.teller.get("supervision", "/v1/breaches?stage=commitment") or {"items": []}
        return [item for item in found["items"] if item.get("case_id") == self.id]


def test_one_commitment_is_kept_another_missed_and_kept_late_and_the_case_is_closed(
    teller: Teller, whole: Stack
) -> None:
    harmed = set(look(whole).findings)  # by other tests
    orders = [Work.reported(teller, RUBBISH, street) for street in STREETS]
    case = Gathered(teller, [work.order_id for work in orders[:2]])
    case.do("link", orders=[orders[2].order_id], reason="同一家公司")
    for work in orders:
        assert work.shown()["case"]["title"] == "垃圾清运专项"
    listed = teller.get("dispatch", f"/v1/orders?case={case.id}") or {}
    assert {item["order_id"] for item in listed["items"]} == {work.order_id for work in orders}
    with pytest.raises(Trouble, match="case_taken"):
        Gathered(teller, [orders[0].order_id])

    before = {clock["clock_id"]: clock["due"] for work in orders for clock in work.until_clock("total", "running")}
    kept, late = orders[0].lead, orders[2].lead
    assert kept != late, "two streets"
    now = datetime.now(UTC)
    case.do(
        "meeting",
        held_at=(now - timedelta(seconds=1)).isoformat(),
        units=[DISTRICT, kept, late],
        persons=[{"name": "陈处长", "unit": DISTRICT}],
        matter="清运不及时",
        decided="每日两清；设立热线",
        outcome="agreed",
        commitments=[
            {"text": "每日两清", "unit": kept, "due": (now + timedelta(minutes=30)).isoformat()},
            {"text": "设立热线", "unit": late, "due": (now + timedelta(seconds=4)).isoformat()},
        ],
    )
    with pytest.raises(Trouble, match="commitments_open"):
        case.do("close", result="solved", conclusion="已处理")
    mine = teller.until("my commitment", lambda: queue(teller, kept, case.id))
    assert mine["actions"] == ["answer"]
    case.on(0, "answer", kept, answer="已每日两清")
    with pytest.raises(Trouble, match="forbidden"):
        case.on(0, "accept", kept)
    case.on(0, "accept", note="巡查属实")

    shown = case.until("the miss", lambda found: bool(found["commitments"][1]["missed"]))
    assert [(c["state"], c["missed"]) for c in shown["commitments"]] == [("kept", False), ("open", True)]
    red = case.until("its clock", lambda found: found["commitments"][1]["clock"]["state"] == "missed")
    assert red["commitments"][1]["clock"]["light"] == "red", "dispatch shows it as supervision does"
    breach = teller.until("the breach", lambda: case.breaches() or None)
    assert [(b["stage"], b["owner"]["unit_id"], b["state"]) for b in breach] == [("commitment", late, "missed")]
    case.on(1, "answer", late, answer="热线已开通")
    case.on(1, "accept")
    closed = case.do("close", result="explained", conclusion="作业时间合规，已公示")
    assert (closed["state"], closed["result"]) == ("closed", "explained")

    history = (teller.get("dispatch", f"/v1/special-cases/{case.id}/history") or {})["items"]
    assert [row["action"] for row in history].count("missed") == 1, "a breach arrives once"
    assert len(case.breaches()) == 1 and case.shown()["commitments"][1]["missed"], "and stays visible"
    clocks = (teller.get("supervision", f"/v1/clocks/{case.id}") or {})["clocks"]
    assert sorted((c["owner"]["unit_id"], c["state"]) for c in clocks) == sorted([(kept, "met"), (late, "missed")])
    assert {c["clock_id"]: c["due"] for work in orders for c in work.clocks("total")} == before, "linking moved nothing"
    assert set(look(whole).findings) <= harmed, "every report and special case is in its place"
    with tampered(
        whole,
        "CREATE TABLE public.kept_clocks AS SELECT * FROM supervision.clocks WHERE order_id = %(id)s",
        "DELETE FROM supervision.clocks WHERE order_id = %(id)s AND state = 'met'",
        back=(
            "INSERT INTO supervision.clocks SELECT * FROM public.kept_clocks ON CONFLICT DO NOTHING",
            "DROP TABLE public.kept_clocks",
        ),
        id=case.id,
    ):
        found = [finding for finding in look(whole).findings if finding not in harmed]
        assert [(f.fault, f.store, f.id) for f in found] == [(Fault.CLOCKLESS, "supervision", case.id)], found
    with psycopg.connect(whole.database_url("postgres")) as connection:
        row = connection.execute("SELECT count(*) FROM supervision.notices WHERE order_id = %s", [case.id]).fetchone()
    assert row is not None and row[0] <= 2, "once warned at most, once missed"


def queue(teller: Teller, unit: str, case_id: str) -> dict[str, Any] | None:
    """What a unit committed to in a case, as its responder's list shows it."""
    items = (teller.get("dispatch", "/v1/me/commitments", "responder", unit) or {"items": []})["items"]
    return next((item for item in items if item["case_id"] == case_id), None)
