"""The sender, a process of its own: `python -m tests.chaos.sender SETTINGS.json`.

Posts reports one by one and in bulk, posts readings, and writes some reports to Kafka directly. Every 202 it saw (and
every acknowledgement of Kafka) goes to a ledger of its own, synchronised to the disk and kept outside the system. What
got no answer is sent again with the same source id, as a gateway would. On SIGTERM it stops taking up new reports,
brings those under way to their answer, and ends.
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from msgspec import Struct

from deploy.simulator import Mix, stream
from deploy.simulator.front_door import SOURCES
from schemas.ids import report_id_of
from services.chassis.city import load
from tests.bench.wire import Wire, post

CITY = Path(__file__).resolve().parents[2] / "deploy" / "cities" / "shanghai"
READINGS = "/v1/sensors/readings"
PATIENCE = 15.0  # seconds until a request counts as unanswered
NO_ANSWER = 0


class Settings(Struct):
    """What a sender is told. `rates` are reports (or readings) a second by way in."""

    port: int
    bootstrap: str
    ledger: str
    token: str
    seed: int
    single: float = 40.0
    bulk: float = 40.0
    readings: float = 10.0
    direct: float = 8.0


class Entry(Struct, omit_defaults=True):
    """One line of the ledger. `way`: single, bulk, direct, readings, or status for an answer that promised nothing
    (`status` 0: none came). Times are seconds since the epoch; `tries` counts requests until this answer."""

    way: str
    sent: float
    answered: float
    id: str = ""
    state: str = ""
    status: int = 0
    tries: int = 1
    device: str = ""
    at: str = ""


class Ledger:
    """Appends lines; `write` returns when they are on the disk."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, entries: list[Entry]) -> None:
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await asyncio.to_thread(self._put, b"".join(lines for lines, _ in group))
            for _, done in group:
                done.set_result(None)
        self._flushing = None

    def _put(self, lines: bytes) -> None:
        os.write(self._file, lines)
        os.fsync(self._file)


def read(path: Path) -> list[Entry]:
    """The ledger's lines; a last one that was torn off is left out."""
    return [msgspec.json.decode(line, type=Entry) for line in path.read_bytes().split(b"\n")[:-1]]


class Sender:
    """All ways in at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger = Ledger(Path(settings.ledger))
        self._stopping = asyncio.Event()
        self._rand = random.Random(settings.seed)
        city = load(CITY)
        self._reports = self._endless(city)
        self._devices = [d.device_id for d in city.devices if d.kind == "water_level"]
        self._last = 0.0

    def _endless(self, city: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        run = f"chaos{self._settings.seed}"
        for sent in stream(city, self._settings.seed, rate=200, mix=Mix(sensors=0), start=datetime.now(UTC), run=run):
            yield sent.path, {key: value for key, value in sent.body.items() if key != "occurred_at"}

    def stop(self) -> None:
        """Take up nothing new."""
        self._stopping.set()

    async def run(self) -> None:
        """Send until told to stop, then bring what is under way to its answer."""
        said = self._settings
        ways: list[tuple[Any, float, int]] = [
            (self._single, said.single, 8),
            (self._bulk, said.bulk / 20, 3),
            (self._readings, said.readings / 5, 2),
            (self._direct, said.direct / 4, 1),
        ]
        async with asyncio.TaskGroup() as group:
            for way, rate, workers in ways:
                for _ in range(workers if rate else 0):
                    group.create_task(self._paced(way, rate / workers))

    async def _paced(self, way: Any, rate: float) -> None:
        wire = Wire(self._settings.port)
        try:
            while not self._stopping.is_set():
                began = time.monotonic()
                await way(wire)
                rest = self._rand.expovariate(rate) - (time.monotonic() - began)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), max(0.001, rest))
        finally:
            wire.close()

    async def _ask(self, wire: Wire, way: str, path: str, body: bytes) -> tuple[bytes, float, int]:
        """The body of a 202, when it was first asked for, and how often; asks until there is one."""
        request = post(path, body, self._settings.token)
        wire.close()  # the server gives up idle connections, which would look like no answer
        first, tries = time.time(), 0
        while True:
            tries += 1
            sent, status, answer = time.time(), NO_ANSWER, b""
            try:
                async with asyncio.timeout(PATIENCE):
                    status, answer = await wire.ask(request)
            except (OSError, EOFError, TimeoutError, ValueError):
                wire.close()
            if status == 202:
                return answer, first, tries
            said = answer[:200].decode(errors="replace")
            await self._ledger.write([Entry("status", sent, time.time(), said, way, status)])
            if 400 <= status < 500:
                raise RuntimeError(f"{path} answered {status}: {answer[:300]!r}")
            await asyncio.sleep(0.2 + 0.3 * self._rand.random())

    async def _single(self, wire: Wire) -> None:
        path, body = next(self._reports)
        answer, sent, tries = await self._ask(wire, "single", path, msgspec.json.encode(body))
        told = json.loads(answer)
        await self._note("single", path, [body], [told], sent, tries)

    async def _bulk(self, wire: Wire) -> None:
        path, first = next(self._reports)
        bodies = [first]
        while len(bodies) < 20:
            other, body = next(self._reports)
            if other == path:
                bodies.append(body)
        answer, sent, tries = await self._ask(wire, "bulk", f"{path}/bulk", msgspec.json.encode(bodies))
        told = json.loads(answer)
        await self._note("bulk", path, bodies, told["items"], sent, tries)

    async def _note(
        self, way: str, path: str, bodies: list[dict[str, Any]], told: list[dict[str, Any]], sent: float, tries: int
    ) -> None:
        now = time.time()
        entries = []
        for body, item in zip(bodies, told, strict=True):
            if "problem" in item:
                entries.append(Entry("status", sent, now, str(item)[:200], way, item["problem"]["status"]))
                continue
            expected = str(report_id_of(SOURCES[path], body["source_id"]))
            if item["report_id"] != expected:
                raise RuntimeError(f"{body['source_id']} was answered as {item['report_id']}, not {expected}")
            entries.append(Entry(way, sent, now, item["report_id"], item["state"], 202, tries))
        await self._ledger.write(entries)

    async def _readings(self, wire: Wire) -> None:
        now = datetime.now(UTC)
        chosen = self._rand.sample(self._devices, 5)
        level = round(self._rand.uniform(*((18, 40) if self._rand.random() < 0.15 else (0, 4))), 2)
        body = [{"device_id": each, "value": level, "unit": "cm", "at": now.isoformat()} for each in chosen]
        answer, sent, tries = await self._ask(wire, "readings", READINGS, msgspec.json.encode(body))
        state = json.loads(answer)["state"]
        await self._ledger.write(
            [Entry("readings", sent, time.time(), "", state, 202, tries, device, now.isoformat()) for device in chosen]
        )

    async def _direct(self, _: Wire) -> None:
        """Four reports straight to Kafka, each until it is acknowledged."""
        left = []
        while len(left) < 4:
            path, body = next(self._reports)
            now = datetime.now(UTC).isoformat()
            left.append((SOURCES[path], {**body, "source": SOURCES[path], "received_at": now}))
        first, tries = time.time(), 0
        while left:
            tries += 1
            done = await self._produce([body for _, body in left])
            now_s = time.time()
            entries = [
                Entry("direct", first, now_s, str(report_id_of(source, body["source_id"])), "acked", 202, tries)
                for (source, body), ok in zip(left, done, strict=True)
                if ok
            ]
            left = [item for item, ok in zip(left, done, strict=True) if not ok]
            await self._ledger.write(entries)
            if left:
                await asyncio.sleep(0.5)

    async def _produce(self, bodies: list[dict[str, Any]]) -> list[bool]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap, acks="all", enable_idempotence=False, request_timeout_ms=5000
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await producer.start()
                futures = [
                    await producer.send("reports.normal", msgspec.json.encode(body), key=body["source_id"].encode())
                    for body in bodies
                ]
                results = await asyncio.gather(*futures, return_exceptions=True)
                return [not isinstance(result, BaseException) for result in results]
        except (KafkaError, OSError, TimeoutError):
            return [False] * len(bodies)
        finally:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(5):
                    await producer.stop()


async def main() -> None:
    """Send until SIGTERM."""
    logging.disable(logging.CRITICAL)  # the client's complaints about a Kafka that was killed are no news
    sender = Sender(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sender.stop)
    await sender.run()


if __name__ == "__main__":
    asyncio.run(main())
