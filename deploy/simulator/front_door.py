"""Sends reports and readings: one at a time or in bulk over HTTP, or straight to Kafka.

A request whose answer does not come is sent again with the same source id, so it is the same report; what counts as
accepted is what was answered 202 (or acknowledged by Kafka) and lies in the ledger.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID
from zlib import crc32

import httpx
import msgspec

from deploy.simulator.ledger import Entry, Ledger
from deploy.simulator.stream import HOTLINE, ONE_STOP, PATROL, POLICE, READINGS, Sent
from deploy.simulator.tally import Tally
from schemas.envelope import Outgoing
from schemas.ids import report_id_of
from schemas.topics import REPORTS_NORMAL, REPORTS_URGENT, SENSORS_READINGS
from services.chassis.publisher import Publisher

__all__ = ["Bulk", "Direct", "Door", "NotTaken", "Single"]

SOURCES = {HOTLINE: "hotline", POLICE: "police", PATROL: "patrol", ONE_STOP: "one_stop"}
BUCKETS = 64
_PAUSE = 0.2
_encode = msgspec.json.Encoder().encode
_JSON = {"content-type": "application/json"}


class NotTaken(Exception):
    """The front door answered nothing useful for too long; the text says what."""


class Door(Protocol):
    """A way in. `send` returns when every item is answered, and the accepted ones lie in the ledger."""

    async def send(self, items: Sequence[Sent]) -> None:
        """Send items of any kind, in order as far as the way in allows."""
        ...


class _Http:
    """What both HTTP ways share. `patience` is how many seconds one request is repeated."""

    def __init__(self, client: httpx.AsyncClient, url: str, tally: Tally, ledger: Ledger, patience: float) -> None:
        self._client = client
        self._url = url
        self._tally = tally
        self._ledger = ledger
        self._patience = patience

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        """The answer to one request. Raises NotTaken for a refused token, and when no answer below 500 comes."""
        waited = 0.0
        while True:
            try:
                answer = await self._client.post(self._url + path, content=body, headers=_JSON)
                trouble = f"{path}: {answer.status_code} {_code(answer)}"
                if answer.status_code in (401, 403):
                    raise NotTaken(f"{trouble}: the token does not do for sending")
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            except httpx.TransportError as error:
                trouble = f"{path}: {error!r}"
            if waited >= self._patience:
                raise NotTaken(trouble)
            self._tally.again += 1
            await asyncio.sleep(_PAUSE)
            waited += _PAUSE

    async def _readings(self, item: Sent) -> None:
        """Readings go in bulk, each for itself: a broken device's impossible value must not hold back the others."""
        answer = await self._post(f"{READINGS}/bulk", _encode(item.body))
        if answer.status_code != 202:
            self._tally.refused[_code(answer)] += 1
            return
        said = answer.json()
        self._tally.readings += said["accepted"]
        self._tally.readings_refused += said["refused"]

    def _take(self, pairs: Iterable[tuple[Sent, dict[str, Any]]]) -> None:
        entries = []
        for item, said in pairs:
            report_id = UUID(said["report_id"])
            entries.append(Entry(report_id, item.path, item.body["source_id"], datetime.now(UTC)))
            self._tally.accepted[report_id] = item.meant
            self._tally.states[said["state"]] += 1
        self._ledger.write(entries)


class Single(_Http):
    """One request a report."""

    async def send(self, items: Sequence[Sent]) -> None:
        """Send one after another."""
        for item in items:
            self._tally.sending(item)
            if item.path == READINGS:
                await self._readings(item)
                continue
            answer = await self._post(item.path, _encode(item.body))
            if answer.status_code == 202:
                self._take([(item, answer.json())])
            else:
                self._tally.refused[_code(answer)] += 1


class Bulk(_Http):
    """One request for all reports of a kind that are ready, at most 1,000."""

    MOST = 1000

    async def send(self, items: Sequence[Sent]) -> None:
        """Send kind by kind; readings batch by batch."""
        by_path: dict[str, list[Sent]] = defaultdict(list)
        for item in items:
            self._tally.sending(item)
            by_path[item.path].append(item)
        for item in by_path.pop(READINGS, ()):
            await self._readings(item)
        for path, group in by_path.items():
            for start in range(0, len(group), self.MOST):
                await self._one(path, group[start : start + self.MOST])

    async def _one(self, path: str, group: Sequence[Sent]) -> None:
        answer = await self._post(f"{path}/bulk", _encode([item.body for item in group]))
        if answer.status_code != 202:
            self._tally.refused[_code(answer)] += len(group)
            return
        taken = []
        for item, said in zip(group, answer.json()["items"], strict=True):
            if "report_id" in said:
                taken.append((item, said))
            else:
                self._tally.refused[said["problem"]["code"]] += 1
        self._take(taken)


class Direct:
    """Straight to Kafka, with nothing but what the published JSON Schema asks for; no headers."""

    def __init__(self, publisher: Publisher, tally: Tally, ledger: Ledger, urgent: Callable[[Sent], bool]) -> None:
        self._publisher = publisher
        self._tally = tally
        self._ledger = ledger
        self._urgent = urgent

    async def send(self, items: Sequence[Sent]) -> None:
        """Send all and wait until Kafka has acknowledged all."""
        now = datetime.now(UTC)
        messages: list[Outgoing] = []
        taken: list[tuple[Sent, Entry]] = []
        for item in items:
            self._tally.sending(item)
            if item.path == READINGS:
                messages += _by_bucket(item.body)
                self._tally.readings += len(item.body)
                continue
            source, source_id = SOURCES[item.path], item.body["source_id"]
            messages.append(self._report(item, source, source_id, now))
            taken.append((item, Entry(report_id_of(source, source_id), item.path, source_id, now)))
        refused = await self._publisher.send_all(messages)
        if refused:
            raise NotTaken(f"Kafka refused {len(refused)} messages: {refused[0][1]!r}")
        for item, entry in taken:
            self._tally.accepted[entry.report_id] = item.meant
            self._tally.states["acknowledged"] += 1
        self._ledger.write(entry for _, entry in taken)

    def _report(self, item: Sent, source: str, source_id: str, now: datetime) -> Outgoing:
        topic = REPORTS_URGENT if self._urgent(item) else REPORTS_NORMAL
        fact = {"source": source, "received_at": now.isoformat(), **item.body}
        return Outgoing(topic.name, source_id.encode(), _encode(fact), ())


def _by_bucket(readings: Sequence[dict[str, Any]]) -> list[Outgoing]:
    buckets: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for reading in readings:
        buckets[crc32(reading["device_id"].encode()) % BUCKETS].append(reading)
    return [
        Outgoing(SENSORS_READINGS.name, str(bucket).encode(), _encode({"readings": group}), ())
        for bucket, group in sorted(buckets.items())
    ]


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", answer.status_code))
    except ValueError:
        return str(answer.status_code)
