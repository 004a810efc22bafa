"""A lane: straight to Kafka, into the spool when Kafka is away, in order when it is back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.envelope import Outgoing
from schemas.refusals import Refused
from services.chassis.clock import SystemClock
from services.chassis.publisher import Publisher
from services.intake.handlers import outlet as outlet_module
from services.intake.handlers.outlet import Outlet, Sent
from services.intake.store.spool import Spool
from services.intake.store.spool_file import SpoolFile
from tests.handlers.intake.conftest import PretendPublisher, message_of
from tests.harness.kafka import ended

SEND_S = 0.15


@asynccontextmanager
async def opened(folder: Path, kafka: PretendPublisher, limit: int = 1_000_000) -> AsyncIterator[Outlet]:
    spool = Spool(folder, "normal", limit)
    outlet = Outlet(cast(Publisher, kafka), spool, send_timeout=SEND_S, clock=SystemClock())
    running = asyncio.create_task(outlet.run())
    try:
        yield outlet
    finally:
        await ended(running)
        await outlet.close()


async def until(condition: Any, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def numbers(messages: list[Outgoing]) -> list[int]:
    return [int(message.key or b"") for message in messages]


async def test_straight_to_kafka(tmp_path: Path, kafka: PretendPublisher) -> None:
    async with opened(tmp_path, kafka) as outlet:
        assert await outlet.send([message_of(1), message_of(2)]) == [None, None]
        assert outlet.direct and numbers(kafka.sent) == [1, 2]


async def test_what_is_not_acknowledged_in_time_is_spooled_then_drained_in_order(
    tmp_path: Path, kafka: PretendPublisher
) -> None:
    async with opened(tmp_path, kafka) as outlet:
        kafka.hold()
        (first,) = await outlet.send([message_of(1)])
        assert isinstance(first, tuple) and outlet.spool.holds(first) and not outlet.direct
        loop = asyncio.get_running_loop()
        began = loop.time()
        later = await asyncio.gather(*(outlet.send([message_of(n)]) for n in range(2, 50)))
        assert all(isinstance(place, tuple) for (place,) in later)
        assert loop.time() - began < SEND_S * 5, "newcomers must not wait for Kafka one after the other"
        kafka.free.set()
        await until(lambda: outlet.direct)
        assert not outlet.spool.holds(first)
        drained = numbers(kafka.sent)
        assert set(drained) == set(range(1, 50))
        assert [n for n in drained if n > 1] == sorted(n for n in drained if n > 1)
        assert await outlet.send([message_of(99)]) == [None]
        assert numbers(kafka.sent)[-1] == 99


async def test_a_failing_kafka_is_spooled_at_once(tmp_path: Path, kafka: PretendPublisher) -> None:
    async with opened(tmp_path, kafka) as outlet:
        kafka.fail = True
        places = await outlet.send([message_of(1), message_of(2), message_of(3)])
        assert all(isinstance(place, tuple) for place in places)
        kafka.fail = False
        await until(lambda: outlet.direct)
        assert numbers(kafka.sent) == [1, 2, 3]


async def test_it_returns_to_direct_sends_under_a_steady_stream(
    tmp_path: Path, kafka: PretendPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool that newcomers keep filling must still come to its end, with every message once and in order."""
    monkeypatch.setattr(outlet_module, "DRAIN_RECORDS", 20)
    monkeypatch.setattr(outlet_module, "LAST_RECORDS", 10)
    answers: list[Sent] = []
    stop = False

    async def stream(outlet: Outlet) -> int:
        n = 0
        while not stop:
            answers.extend(await outlet.send([message_of(n)]))
            n += 1
        return n

    async with opened(tmp_path, kafka) as outlet:
        kafka.fail = True
        running = asyncio.create_task(stream(outlet))
        await until(lambda: outlet.spool.records > 60)
        kafka.fail = False
        await until(lambda: outlet.direct)
        await until(lambda: answers[-1] is None)
        stop = True
        count = await running
        await until(lambda: len(kafka.sent) == count)
        assert numbers(kafka.sent) == list(range(count))


async def test_full_is_refused_and_what_fits_is_kept(tmp_path: Path, kafka: PretendPublisher) -> None:
    kafka.fail = True
    async with opened(tmp_path, kafka, limit=1000) as outlet:
        places = [(await outlet.send([message_of(n)]))[0] for n in range(30)]
        refused = [place for place in places if isinstance(place, Refused)]
        kept = [n for n, place in enumerate(places) if isinstance(place, tuple)]
        assert refused and kept and len(refused) + len(kept) == 30
        assert {(place.code, place.extra["retry_after"]) for place in refused} == {("spool_full", 10)}
        assert (tmp_path / "normal.000.spool").stat().st_size <= 1000
        kafka.fail = False
        await until(lambda: outlet.direct)
        assert numbers(kafka.sent) == kept
        assert await outlet.send([message_of(77)]) == [None]


async def test_a_failing_disk_is_said_and_does_not_spoil_what_comes_after(
    tmp_path: Path, kafka: PretendPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: SpoolFile, payloads: list[bytes]) -> int:
        raise OSError(5, "Input/output error")

    async with opened(tmp_path, kafka) as outlet:
        kafka.fail = True
        with monkeypatch.context() as patch:
            patch.setattr(SpoolFile, "append", failing)
            (place,) = await outlet.send([message_of(1)])
            assert isinstance(place, Refused) and (place.code, place.refusal.status) == ("unavailable", 503)
        (place,) = await outlet.send([message_of(2)])
        assert isinstance(place, tuple)
        kafka.fail = False
        await until(lambda: outlet.direct)
        assert numbers(kafka.sent) == [2]


async def test_what_an_earlier_process_left_goes_first(tmp_path: Path, kafka: PretendPublisher) -> None:
    kafka.fail = True
    async with opened(tmp_path, kafka) as outlet:
        await outlet.send([message_of(n) for n in range(5)])
    kafka.connected = False
    async with opened(tmp_path, kafka) as outlet:
        assert [message for message, _ in outlet.spool.backlog(3)] == [message_of(2), message_of(3), message_of(4)]
        assert outlet.spool.records == 5
        (place,) = await outlet.send([message_of(5)])
        assert isinstance(place, tuple)
        kafka.connected, kafka.fail = True, False
        await until(lambda: outlet.direct)
        assert numbers(kafka.sent) == [0, 1, 2, 3, 4, 5]


async def test_one_sync_serves_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    append = SpoolFile.append

    def counted(self: SpoolFile, payloads: list[bytes]) -> int:
        calls.append(len(payloads))
        return append(self, payloads)

    monkeypatch.setattr(SpoolFile, "append", counted)
    spool = Spool(tmp_path, "normal", 1_000_000)
    places = await asyncio.gather(*(spool.append([message_of(n)]) for n in range(200)))
    assert sum(calls) == 200 and len(calls) <= 5
    assert places == sorted(places)
    messages, _ = await spool.read(1000)
    assert messages == [message_of(n) for n in range(200)]
    await spool.close()
