"""The durable queue of one lane for the time Kafka is away: appended in groups, one fsync a group, off the loop."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from schemas.envelope import Outgoing
from schemas.refusals import Refused
from services.chassis import metrics
from services.chassis.logs import logger
from services.intake.store.frames import HEAD_BYTES
from services.intake.store.spool_file import SpoolFile, open_spool

log = logger(__name__)
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Outgoing).decode
FULL_RETRY_S, DISK_RETRY_S = 10, 5
Place = tuple[int, int]  # how often the file had been emptied, and where the record ends in it


class Spool:
    """One lane's spool. What `append` has answered survives any crash, and comes out of `read` in that order."""

    def __init__(self, folder: Path, lane: str, limit_bytes: int) -> None:
        self.lane = lane
        self._limit = limit_bytes
        self._file: SpoolFile = open_spool(folder, lane)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"spool-{lane}")
        self._waiting: list[tuple[list[bytes], asyncio.Future[Place]]] = []
        self._waiting_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._emptied = 0
        self.filled = asyncio.Event()
        if self._file.damaged_bytes:
            log.error("damaged bytes in the spool were skipped", lane=lane, bytes=self._file.damaged_bytes)
        self._tell()

    @property
    def records(self) -> int:
        """Records that are not yet on Kafka, those on their way to the disk included."""
        return self._file.waiting + sum(len(payloads) for payloads, _ in self._waiting)

    @property
    def empty(self) -> bool:
        """Whether nothing waits, neither on the disk nor on its way there."""
        return not self._file.waiting and not self._waiting and self._flushing is None

    def holds(self, place: Place) -> bool:
        """Whether the record that `append` put there still waits for Kafka."""
        emptied, end = place
        return emptied == self._emptied and end > self._file.offset

    def backlog(self, newest: int) -> list[tuple[Outgoing, Place]]:
        """What an earlier process left behind, the newest of it, each with its place. At start only."""
        start = self._file.offset
        found: deque[tuple[bytes, int]] = deque(maxlen=newest)
        while records := self._file.read(1000):
            found.extend(records)
            self._file.offset = records[-1][1]
        self._file.offset = start
        return [(_unpack(payload), (self._emptied, end)) for payload, end in found]

    async def append(self, messages: list[Outgoing]) -> Place:
        """Keep messages; done when the disk has them. Raises Refused: spool_full, unavailable (the disk failed)."""
        payloads = [_pack(message) for message in messages]
        size = sum(len(payload) + HEAD_BYTES for payload in payloads)
        if self._file.end + self._waiting_bytes + size > self._limit:
            raise Refused("spool_full", retry_after=FULL_RETRY_S)
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiting.append((payloads, future))
        self._waiting_bytes += size
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                group, self._waiting, self._waiting_bytes = self._waiting, [], 0
                payloads = [payload for part, _ in group for payload in part]
                try:
                    end = await loop.run_in_executor(self._thread, self._file.append, payloads)
                except OSError as error:
                    log.error("the spool's disk failed", lane=self.lane, error=error.strerror)
                    for _, future in group:
                        if not future.done():
                            future.set_exception(Refused("unavailable", "spool", retry_after=DISK_RETRY_S))
                    continue
                for _, future in group:
                    if not future.done():
                        future.set_result((self._emptied, end))
                self.filled.set()
                self._tell()
        finally:
            self._flushing = None

    async def settled(self) -> None:
        """Wait until nothing is on its way to the disk."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def read(self, records: int) -> tuple[list[Outgoing], int]:
        """The next messages to drain, in order, and where the last one ends."""
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._file.read, records)
        return [_unpack(payload) for payload, _ in found], found[-1][1] if found else self._file.end

    async def drained(self, end: int, records: int) -> None:
        """Messages up to `end` are on Kafka; when they were the last, the file is emptied."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._file.advance, end, records)
        except OSError as error:  # only the note of how far we are is missing: a crash now means repeats
            log.warning("the spool's offset could not be written", lane=self.lane, error=error.strerror)
        self._tell()

    async def clear(self) -> None:
        """Empty the file; only when nothing waits."""
        assert self.empty
        self._emptied += 1
        self.filled.clear()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.clear)
        self._tell()

    async def close(self) -> None:
        """Finish what is on its way to the disk and give the file back."""
        await self.settled()
        self._thread.shutdown()
        self._file.close()

    def _tell(self) -> None:
        metrics.SPOOL_RECORDS.labels(self.lane).set(self._file.waiting)
        metrics.SPOOL_BYTES.labels(self.lane).set(self._file.end - self._file.offset)
        if self._file.waiting:
            self.filled.set()
