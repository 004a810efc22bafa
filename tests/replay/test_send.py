"""Sending over HTTP, against services that are slow, away, full, or say no."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from deploy.replay import send
from deploy.replay.compare import Ours
from deploy.replay.records import Record
from deploy.replay.send import Addresses, Sender, Stuck, ours_of
from schemas.ids import order_id_of, report_id_of

from .conftest import moment

Make = Callable[..., Record]
AT = Addresses("http://intake", "http://dispatch", "http://supervision")
KEYS = {"Sticker Request": "BOS/service/sticker-request"}
DUE = "2011-10-05T10:00:05-04:00"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "PAUSE", 0.001)


class Town:
    """The three services, in memory: orders open after `opens_after` tries, clocks settle after `settles_after`; until
    then they are `unsettled`."""

    due = DUE
    unsettled = "running"

    def __init__(self, *, opens_after: int = 0, settles_after: int = 0, away: int = 0, version: int = 1) -> None:
        self.tickets: dict[UUID, dict[str, Any]] = {}
        self.closed: dict[UUID, str] = {}
        self.refused: dict[str, str] = {}
        self.close_code = ""
        self.opens_after, self.settles_after, self.away, self.version = opens_after, settles_after, away, version
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            self.away -= 1
            if self.away % 2:
                raise httpx.ConnectError("away", request=request)
            return httpx.Response(503, json={"code": "unavailable"})
        if request.headers["authorization"] != "Bearer good":
            return httpx.Response(401, json={"code": "unauthenticated"})
        handler = {"intake": self.intake, "dispatch": self.dispatch, "supervision": self.supervision}
        return handler[request.url.host](request)

    def intake(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/hotline/tickets/bulk"
        tickets = json.loads(request.content)
        assert len(tickets) <= 1000
        items = []
        for number, ticket in enumerate(tickets):
            if code := self.refused.get(ticket["source_id"]):
                items.append({"index": number, "problem": {"code": code}})
                continue
            report_id = report_id_of("hotline", ticket["source_id"])
            self.tickets[order_id_of(report_id)] = ticket
            items.append({"index": number, "report_id": str(report_id), "state": "accepted"})
        return httpx.Response(202, json={"items": items})

    def dispatch(self, request: httpx.Request) -> httpx.Response:
        order_id = UUID(request.url.path.split("/")[3])
        if self.opens_after or order_id not in self.tickets:
            self.opens_after -= 1
            return httpx.Response(404, json={"code": "not_found"})
        status = "closed" if order_id in self.closed else "dispatched"
        if request.method == "GET":
            return httpx.Response(200, json={"version": self.version, "status": status})
        if request.headers["if-match"] != f'"{self.version}"':
            return httpx.Response(412, json={"code": "version_stale"})
        if self.close_code:
            return httpx.Response(409, json={"code": self.close_code})
        self.closed[order_id] = json.loads(request.content)["closed_at"]
        return httpx.Response(200, json={})

    def supervision(self, request: httpx.Request) -> httpx.Response:
        wanted = [UUID(order_id) for order_id in json.loads(request.content)["order_ids"]]
        assert len(wanted) <= 500
        self.asked += 1
        settled = self.asked > self.settles_after
        items = []
        for order_id in wanted:
            if order_id in self.tickets:
                state = ("met" if order_id in self.closed else "missed") if settled else self.unsettled
                accept = {"stage": "accept", "due": DUE, "state": "cancelled", "policy": "accept"}
                total = {"stage": "total", "due": self.due, "state": state, "policy": "business-rule-2"}
                items.append({"order_id": str(order_id), "clocks": [accept, total]})
        return httpx.Response(200, json={"items": items, "next": None})


def replayer(town: Town, token: str = "good", patience: float = 0.02) -> Sender:
    client = httpx.AsyncClient(
        transport=httpx.MockTransport(town), headers={"Authorization": f"Bearer {token}"}, timeout=5
    )
    return Sender(client, AT, KEYS, patience)


def rows(make: Make, count: int) -> list[Record]:
    return [replace(make(), case_id=str(number)) for number in range(count)]


async def replayed(town: Town, records: list[Record]) -> dict[str, Ours]:
    sender = replayer(town)
    orders, refused = await sender.tickets(records, lambda _: None)
    assert not refused
    assert not await sender.closings(records, orders, lambda _: None)
    return await sender.clocks(records, orders, lambda _: None)


async def test_rows_go_through_and_come_back(record: Make) -> None:
    town = Town()
    steps: list[int] = []
    records = rows(record, 1203)
    sender = replayer(town)
    orders, refused = await sender.tickets(records, steps.append)
    assert (len(orders), refused, steps) == (1203, [], [500, 500, 203])
    await sender.closings(records, orders, lambda _: None)
    assert set(town.closed.values()) == {"2011-10-04T12:00:00-04:00"}
    found = await sender.clocks(records, orders, lambda _: None)
    assert found == {row.case_id: Ours(moment("2011-10-05 10:00:05"), True, "business-rule-2") for row in records}


async def test_a_ticket_carries_the_original_times_and_its_class(record: Make) -> None:
    town = Town()
    await replayer(town).tickets([record(lon=-71.06, lat=42.3)], lambda _: None)
    (ticket,) = town.tickets.values()
    assert ticket == {
        "source_id": "boston311-1",
        "received_at": "2011-10-03T10:00:05-04:00",
        "occurred_at": "2011-10-03T10:00:05-04:00",
        "title": "Sticker Request",
        "text": "Recycling: Sticker Request",
        "district": "Roxbury",
        "class_key": "BOS/service/sticker-request",
        "lon": -71.06,
        "lat": 42.3,
    }


async def test_orders_that_open_late_and_clocks_that_settle_late_are_waited_for(record: Make) -> None:
    found = await replayed(Town(opens_after=9, settles_after=7), rows(record, 3))
    assert [ours.on_time for ours in found.values()] == [True, True, True]


async def test_services_that_are_away_for_a_moment_are_asked_again(record: Make) -> None:
    assert len(await replayed(Town(away=7), rows(record, 3))) == 3


async def test_an_order_that_moved_on_is_closed_at_its_new_version(record: Make) -> None:
    town = Town(version=4)
    await replayed(town, rows(record, 2))
    assert len(town.closed) == 2


async def test_sending_again_changes_nothing(record: Make) -> None:
    town, records = Town(), rows(record, 3)
    first = await replayed(town, records)
    town.version = 2  # closing moved it
    assert await replayed(town, records) == first


async def test_an_open_request_is_not_closed_and_waited_for_until_it_is_missed(record: Make) -> None:
    town = Town(settles_after=4)
    found = await replayed(town, [record(closed=None)])
    assert not town.closed
    assert found["1"].on_time is False


async def test_an_open_request_whose_deadline_lies_ahead_is_not_waited_for(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(settles_after=1_000_000)
    monkeypatch.setattr(town, "due", "2999-01-01T00:00:00Z")
    found = await replayed(town, [record(closed=None)])
    assert found["1"].on_time is None
    assert town.asked == 1


async def test_refused_rows_are_told_with_their_code_and_the_rest_goes_on(record: Make) -> None:
    town = Town()
    town.refused = {"boston311-1": "class_unknown"}
    sender, records = replayer(town), rows(record, 3)
    orders, refused = await sender.tickets(records, lambda _: None)
    assert [(found.case_id, found.code) for found in refused] == [("1", "class_unknown")]
    town.close_code = "not_allowed"
    refused = await sender.closings(records, orders, lambda _: None)
    assert sorted((found.case_id, found.code) for found in refused) == [("0", "not_allowed"), ("2", "not_allowed")]


async def test_what_never_comes_is_named(record: Make) -> None:
    with pytest.raises(Stuck, match="http://intake/v1/hotline/tickets/bulk"):
        await replayer(Town(away=1000)).tickets(rows(record, 1), lambda _: None)
    with pytest.raises(Stuck, match="401 unauthenticated: the token does not do"):
        await replayer(Town(), token="bad").tickets(rows(record, 1), lambda _: None)
    with pytest.raises(Stuck, match="of case 0 was never opened"):
        await replayed(Town(opens_after=1000), rows(record, 1))
    town, records = Town(), rows(record, 2)
    orders, _ = await replayer(town).tickets(records, lambda _: None)
    town.tickets.clear()
    with pytest.raises(Stuck, match="2 orders have no clocks"):
        await replayer(town).clocks(records, orders, lambda _: None)


@pytest.mark.parametrize(("unsettled", "on_time"), [("running", None), ("missed", False), ("cancelled", None)])
async def test_what_never_settles_is_taken_as_it_stands(
    record: Make, monkeypatch: pytest.MonkeyPatch, unsettled: str, on_time: bool | None
) -> None:
    town = Town(settles_after=1_000_000)
    monkeypatch.setattr(town, "unsettled", unsettled)
    found = await replayed(town, rows(record, 2))
    assert [ours.on_time for ours in found.values()] == [on_time, on_time]
    assert town.asked > 5


async def test_a_promise_that_was_kept_is_waited_for_while_it_still_stands_as_missed(
    record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(settles_after=5)
    monkeypatch.setattr(town, "unsettled", "missed")
    found = await replayed(town, rows(record, 2))
    assert [ours.on_time for ours in found.values()] == [True, True]


@pytest.mark.parametrize(
    ("states", "ours"),
    [
        ({}, Ours()),
        ({"accept": "missed"}, Ours()),
        ({"accept": "cancelled", "total": "met"}, Ours(moment("2011-10-05 10:00:05"), True, "p")),
        ({"total": "missed"}, Ours(moment("2011-10-05 10:00:05"), False, "p")),
        ({"total": "running"}, Ours(moment("2011-10-05 10:00:05"), None, "p")),
        ({"total": "cancelled"}, Ours(moment("2011-10-05 10:00:05"), None, "p")),
    ],
)
def test_the_promise_is_read_off_the_total_clock(states: dict[str, str], ours: Ours) -> None:
    clocks = [{"stage": stage, "due": DUE, "state": state, "policy": "p"} for stage, state in states.items()]
    assert ours_of(clocks) == ours
