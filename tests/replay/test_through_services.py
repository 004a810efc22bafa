"""Published requests through the real services, real Kafka and real PostgreSQL."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from deploy.replay.compare import Ours, compare
from deploy.replay.filing import class_keys
from deploy.replay.offline import ours_by_rules
from deploy.replay.records import EXCERPT, Record, read
from deploy.replay.report import passes
from deploy.replay.send import Addresses, Sender, Stuck
from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from schemas.city import City
from tests.harness.servers import running

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def boston(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("boston"), city="boston") as stack:
        yield stack


async def _replay(stack: Stack, records: list[Record], city: City, role: str = "import") -> dict[str, Ours]:
    names = ("intake-api", "dispatch-api", "supervision-api")
    at = Addresses(*(f"http://127.0.0.1:{stack.ports.of(name)}" for name in names))
    headers = {"Authorization": f"Bearer {issue_token(role, subject='replay', home=stack.home)}"}
    async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
        sender = Sender(client, at, class_keys(city), patience=120.0)
        orders, refused = await sender.tickets(records, lambda _: None)
        assert not refused
        assert not await sender.closings(records, orders, lambda _: None)
        return await sender.clocks(records, orders, lambda _: None)


def test_the_system_sets_the_deadlines_and_flags_that_its_rules_promise(boston: Stack, city: City) -> None:
    records = list(read(EXCERPT))
    found = asyncio.run(_replay(boston, records, city))
    expected = ours_by_rules(records, city)
    assert {case: ours for case, ours in found.items() if ours != expected[case]} == {}
    assert len(found) == len(expected) == 500
    assert passes(compare(records, found))
    assert asyncio.run(_replay(boston, records, city)) == found  # sent again, nothing changes


def test_only_an_import_may_bring_in_a_past(boston: Stack, city: City) -> None:
    with pytest.raises((Stuck, AssertionError)):
        asyncio.run(_replay(boston, list(read(EXCERPT, 1)), city, role="responder"))
