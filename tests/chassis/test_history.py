"""Dispatch's history as its readers get it: page after page, waited for while dispatch is away, refused in words."""

from typing import Any

import httpx
import msgspec
import pytest

from schemas.codec import decode
from schemas.envelope import Record
from services.chassis import history
from services.chassis.history import History, Untold
from tests.rules.supervision_timeline.gathered import CaseStory
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.toy import START

FACTS = Story("told").opened(START).accepted(START + minutes(5)).noted(START + minutes(6)).facts
CASE = CaseStory("told").opened(START).met(START, ("street-a", START + minutes(5))).answered(START + minutes(1)).facts
TOLD: dict[str, list[Any]] = {"order": list(FACTS), "case": list(CASE)}


class Dispatch:
    """Answers two facts a page; the first answers are `troubles`."""

    def __init__(self, *troubles: httpx.Response | Exception) -> None:
        self.troubles = list(troubles)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        assert request.headers["authorization"] == "Bearer secret"
        by, after = request.url.params["by"], request.url.params["after"]
        self.asked.append(f"{by}:{after}")
        first = int(after or 0)
        rows: list[Any] = [
            {f"{by}_id": fact.aggregate_id, "type": type(fact).__name__, "seq": fact.seq, "fact": fact}
            for fact in TOLD[by][first : first + 2]
        ]
        body = {"items": rows, "next": str(first + len(rows)), "complete": len(rows) < 2}
        return httpx.Response(200, content=msgspec.json.encode(body))


async def read(dispatch: Dispatch) -> list[Record]:
    told = History("http://dispatch", "secret", page=2, transport=httpx.MockTransport(dispatch))
    try:
        return [record async for page in told.pages() for record in page]
    finally:
        await told.close()


async def test_all_pages_are_read_and_the_facts_are_those_that_were_published() -> None:
    dispatch = Dispatch()
    records = await read(dispatch)
    assert [decode(record) for record in records] == [*FACTS, *CASE]
    assert dispatch.asked == ["order:", "order:2", "case:", "case:2"], "orders first, then special cases"
    assert [record.value for record in records] == [msgspec.json.encode(fact) for fact in [*FACTS, *CASE]]
    assert [record.key.decode() for record in records] == [str(fact.aggregate_id) for fact in [*FACTS, *CASE]]


async def test_a_dispatch_that_is_away_for_a_moment_is_waited_for() -> None:
    away = [httpx.ConnectError("refused"), httpx.Response(503), httpx.ReadTimeout("slow")]
    assert len(await read(Dispatch(*away))) == len(FACTS) + len(CASE)


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.Response(503)])
async def test_one_that_stays_away_is_given_up(
    trouble: httpx.Response | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PATIENCE_S", 0.2)
    with pytest.raises(Untold, match="dispatch"):
        await read(Dispatch(*[trouble] * 100))


async def test_a_refusal_is_told_with_its_words() -> None:
    with pytest.raises(Untold, match="403.*forbidden"):
        await read(Dispatch(httpx.Response(403, json={"code": "forbidden"})))
