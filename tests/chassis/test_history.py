"""Dispatch's history as its readers get it: page after page, waited for while dispatch is away, refused in words."""

from typing import Any

import httpx
import msgspec
import pytest

from schemas.codec import decode
from schemas.envelope import Record
from services.chassis import history
from services.chassis.history import History, Untold
from tests.rules.supervision_timeline.story import Story, minutes
from tests.rules.supervision_timeline.toy import START

FACTS = Story("told").opened(START).accepted(START + minutes(5)).noted(START + minutes(6)).facts


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
        assert request.headers["authorization"] == "Bearer secret" and request.url.params["by"] == "order"
        after = request.url.params["after"]
        self.asked.append(after)
        first = int(after or 0)
        rows: list[Any] = [
            {"order_id": fact.order_id, "type": type(fact).__name__, "seq": fact.seq, "fact": fact}
            for fact in FACTS[first : first + 2]
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
    assert [decode(record) for record in records] == FACTS
    assert dispatch.asked == ["", "2"]
    assert [record.value for record in records] == [msgspec.json.encode(fact) for fact in FACTS]


async def test_a_dispatch_that_is_away_for_a_moment_is_waited_for() -> None:
    away = [httpx.ConnectError("refused"), httpx.Response(503), httpx.ReadTimeout("slow")]
    assert len(await read(Dispatch(*away))) == len(FACTS)


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
