"""Sending: what counts as accepted, what is sent again, what is given up, and what goes to Kafka."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32

import httpx
import pytest

from deploy.simulator import Meant, Sent
from deploy.simulator.front_door import Bulk, Direct, NotTaken, Single
from deploy.simulator.ledger import Ledger, read_ledger
from deploy.simulator.stream import HOTLINE, POLICE, READINGS
from deploy.simulator.tally import Tally
from schemas.codec import decode
from schemas.envelope import Outgoing, Record
from schemas.facts import ReadingReceived, ReportReceived
from schemas.ids import report_id_of

AT = datetime(2026, 10, 8, tzinfo=UTC)
URL = "http://intake.test"
Answer = Callable[[httpx.Request], httpx.Response]


def report(n: int, path: str = HOTLINE, danger: str = "") -> Sent:
    meant = Meant(class_key="PD/service/0901", division="310105009", told="street", matter=n, danger=danger)
    return Sent(path, {"source_id": f"s-{n}", "text": f"路灯不亮{n}"}, AT, meant)


def readings(*devices: str) -> Sent:
    body = [{"device_id": d, "kind": "k", "value": 1.0, "unit": "cm", "at": AT.isoformat()} for d in devices]
    return Sent(READINGS, body, AT)


def taken(source_id: str) -> dict[str, Any]:
    return {"report_id": str(report_id_of("t", source_id)), "number": "N", "code": "000000", "state": "accepted"}


class Intake:
    """Answers as intake does; `trouble` is asked first and may answer instead."""

    def __init__(self, trouble: Callable[[int, httpx.Request], httpx.Response | None] = lambda _n, _r: None) -> None:
        self.requests: list[tuple[str, Any]] = []
        self._trouble = trouble

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.requests.append((request.url.path, body))
        instead = self._trouble(len(self.requests), request)
        if instead is not None:
            return instead
        if request.url.path == f"{READINGS}/bulk":
            bad = sum(item["device_id"] == "bad" for item in body)
            return httpx.Response(202, json={"accepted": len(body) - bad, "refused": bad, "items": []})
        if request.url.path.endswith("/bulk"):
            items = [
                {"index": n, "problem": {"code": "phone_invalid"}}
                if item["text"].endswith("7")
                else {"index": n, **taken(item["source_id"])}
                for n, item in enumerate(body)
            ]
            return httpx.Response(202, json={"accepted": len(body), "refused": 0, "items": items})
        return httpx.Response(202, json=taken(body["source_id"]))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.simulator.front_door._PAUSE", 0.001)


def door(kind: type[Single] | type[Bulk], intake: Answer, ledger: Ledger, patience: float = 0.05) -> tuple[Any, Tally]:
    tally = Tally()
    client = httpx.AsyncClient(transport=httpx.MockTransport(intake))
    return kind(client, URL, tally, ledger, patience), tally


@pytest.mark.parametrize("kind", [Single, Bulk])
async def test_what_was_answered_202_lies_in_the_ledger(kind: type[Single] | type[Bulk], tmp_path: Path) -> None:
    intake = Intake()
    with Ledger(tmp_path / "l") as ledger:
        front, tally = door(kind, intake, ledger)
        await front.send([report(1), report(2, POLICE), readings("a", "bad"), report(3)])
    entries = list(read_ledger(tmp_path / "l"))
    assert {e.source_id for e in entries} == {"s-1", "s-2", "s-3"}
    assert {e.report_id for e in entries} == set(tally.accepted)
    assert tally.sent == {HOTLINE: 2, POLICE: 1, READINGS: 1}
    assert (tally.readings, tally.readings_refused) == (1, 1)
    assert all(meant is not None for meant in tally.accepted.values())
    paths = [path for path, _ in intake.requests]
    assert (f"{HOTLINE}/bulk" in paths) == (kind is Bulk)


async def test_an_answer_that_does_not_come_is_asked_for_again_with_the_same_body(tmp_path: Path) -> None:
    def trouble(n: int, request: httpx.Request) -> httpx.Response | None:
        if n == 1:
            raise httpx.ReadTimeout("gone", request=request)
        return httpx.Response(503, json={"code": "spool_full"}) if n == 2 else None

    intake = Intake(trouble)
    with Ledger(tmp_path / "l") as ledger:
        front, tally = door(Single, intake, ledger)
        await front.send([report(1)])
    assert len(intake.requests) == 3
    assert intake.requests[0] == intake.requests[1] == intake.requests[2]
    assert tally.again == 2
    assert tally.sent[HOTLINE] == 1
    assert len(list(read_ledger(tmp_path / "l"))) == 1


@pytest.mark.parametrize("kind", [Single, Bulk])
async def test_a_door_that_stays_shut_is_given_up_and_nothing_is_in_the_ledger(
    kind: type[Single] | type[Bulk], tmp_path: Path
) -> None:
    with Ledger(tmp_path / "l") as ledger:
        front, tally = door(kind, Intake(lambda _n, _r: httpx.Response(503, json={"code": "unavailable"})), ledger)
        with pytest.raises(NotTaken, match="unavailable"):
            await front.send([report(1)])
    assert not tally.accepted and not list(read_ledger(tmp_path / "l"))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_does_not_do_is_said_at_once(status: int, tmp_path: Path) -> None:
    intake = Intake(lambda _n, _r: httpx.Response(status, json={"code": "forbidden"}))
    with Ledger(tmp_path / "l") as ledger:
        front, _ = door(Single, intake, ledger, patience=60)
        with pytest.raises(NotTaken, match="token"):
            await front.send([report(1)])
    assert len(intake.requests) == 1


async def test_a_refused_report_is_counted_by_its_code_and_not_as_accepted(tmp_path: Path) -> None:
    intake = Intake(lambda _n, r: httpx.Response(422, json={"code": "key_reused"}) if b"s-2" in r.content else None)
    with Ledger(tmp_path / "l") as ledger:
        front, tally = door(Single, intake, ledger)
        await front.send([report(1), report(2), report(3)])
        in_bulk, bulk_tally = door(Bulk, Intake(), ledger)
        await in_bulk.send([report(6), report(7), report(8)])
    assert tally.refused == {"key_reused": 1} and len(tally.accepted) == 2
    assert bulk_tally.refused == {"phone_invalid": 1} and len(bulk_tally.accepted) == 2
    assert [e.source_id for e in read_ledger(tmp_path / "l")] == ["s-1", "s-3", "s-6", "s-8"]


async def test_bulk_never_holds_more_than_a_thousand(tmp_path: Path) -> None:
    intake = Intake()
    with Ledger(None) as ledger:
        front, _ = door(Bulk, intake, ledger)
        await front.send([report(10 * n) for n in range(2300)])
    assert [len(body) for _, body in intake.requests] == [1000, 1000, 300]


class Broker:
    """A publisher that keeps what it is given."""

    def __init__(self, refused: list[Any] | None = None) -> None:
        self.messages: list[Outgoing] = []
        self._refused = refused or []

    async def send_all(self, messages: list[Outgoing]) -> list[Any]:
        self.messages += messages
        return self._refused


def direct(broker: Broker, ledger: Ledger, tally: Tally) -> Direct:
    return Direct(broker, tally, ledger, lambda item: bool(item.meant and item.meant.danger))  # type: ignore[arg-type]


async def test_what_goes_to_kafka_is_what_the_published_schema_promises(tmp_path: Path) -> None:
    broker, tally = Broker(), Tally()
    with Ledger(tmp_path / "l") as ledger:
        await direct(broker, ledger, tally).send([report(1), report(2, POLICE, "fire"), readings("a", "b", "c", "d")])
    facts = [(m.topic, decode(Record(m.topic, 0, 0, m.key, m.value, m.headers))) for m in broker.messages]
    reports = {topic: fact for topic, fact in facts if isinstance(fact, ReportReceived)}
    assert set(reports) == {"reports.normal", "reports.urgent"}
    assert reports["reports.urgent"].source == "police"
    for message, (_, fact) in zip(broker.messages, facts, strict=True):
        assert message.headers == ()
        if isinstance(fact, ReadingReceived):
            buckets = {str(crc32(r.device_id.encode()) % 64).encode() for r in fact.readings}
            assert buckets == {message.key}
    assert sum(len(fact.readings) for _, fact in facts if isinstance(fact, ReadingReceived)) == 4
    expected: set[UUID] = {report_id_of("hotline", "s-1"), report_id_of("police", "s-2")}
    assert set(tally.accepted) == {e.report_id for e in read_ledger(tmp_path / "l")} == expected


async def test_what_kafka_refuses_is_not_in_the_ledger(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger, pytest.raises(NotTaken, match="Kafka refused"):
        await direct(Broker([(None, ValueError("too large"))]), ledger, Tally()).send([report(1)])
    assert not list(read_ledger(tmp_path / "l"))
