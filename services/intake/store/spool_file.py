"""One spool file on disk: locked, appended and synchronised, read from an offset, cut behind the last whole record.

`NAME.spool` holds the records, `NAME.done` how far they were drained. The latter is replaced by an atomic rename and
only ever lags: after a crash a record may be sent twice, never not at all.
"""

import fcntl
import os
from mmap import ACCESS_READ, mmap
from pathlib import Path
from zlib import crc32

from services.intake.store.frames import frame, intact

READ_BYTES = 4_194_304


class Taken(Exception):
    """Another process holds this file."""


class SpoolFile:
    """Synchronous; one owner at a time. Raises Taken at opening, OSError from the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._done_path = path.with_suffix(".done")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise Taken(str(path)) from None
        self.damaged_bytes = 0
        self.end = 0
        self.waiting = 0
        self.offset = 0
        self._recover()

    def _recover(self) -> None:
        """Find the end of the last whole record, cut what a crash tore behind it, count what waits."""
        size = os.fstat(self._fd).st_size
        offset = self._read_done()
        self.offset = offset if offset <= size else 0
        whole = 0
        if size:
            with mmap(self._fd, size, access=ACCESS_READ) as data:
                for _, start, end in intact(data):
                    whole += end - start
                    self.waiting += end > self.offset
                    self.end = end
        self.damaged_bytes = self.end - whole
        if self.end < size:
            os.ftruncate(self._fd, self.end)
            os.fsync(self._fd)
        self.offset = min(self.offset, self.end)
        _sync_folder(self.path.parent)

    def append(self, payloads: list[bytes]) -> int:
        """Write records and wait until the disk has them; where the last one ends. On an error nothing was added."""
        data = memoryview(b"".join(map(frame, payloads)))
        position = self.end
        try:
            while data:
                written = os.pwrite(self._fd, data, position)
                position += written
                data = data[written:]
            os.fdatasync(self._fd)
        except OSError:
            os.ftruncate(self._fd, self.end)
            raise
        self.end = position
        self.waiting += len(payloads)
        return self.end

    def read(self, records: int) -> list[tuple[bytes, int]]:
        """The next records to drain, at most so many and about 4 MB, each with where it ends."""
        found: list[tuple[bytes, int]] = []
        span = min(self.end - self.offset, READ_BYTES)
        while span > 0:
            data = os.pread(self._fd, span, self.offset)
            for payload, _, end in intact(data):
                found.append((payload, self.offset + end))
                if len(found) == records:
                    return found
            if found or self.offset + span >= self.end:
                return found
            span = min(self.end - self.offset, span * 4)  # one record larger than the window
        return found

    def advance(self, offset: int, records: int) -> None:
        """Everything before `offset` is on Kafka."""
        self.offset = offset
        self.waiting -= records
        self._write_done(offset)

    def clear(self) -> None:
        """All is on Kafka: empty the file. The offset goes first, durably, so that it never points into new records."""
        self._done_path.unlink(missing_ok=True)
        _sync_folder(self.path.parent)
        os.ftruncate(self._fd, 0)
        os.fsync(self._fd)
        self.offset = self.end = self.waiting = 0

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)

    def remove(self) -> None:
        """Delete the file, whose records another one has taken over."""
        self._done_path.unlink(missing_ok=True)
        self.path.unlink()
        _sync_folder(self.path.parent)
        self.close()

    def _write_done(self, offset: int) -> None:
        body = offset.to_bytes(8, "little")
        beside = self._done_path.with_suffix(".new")
        beside.write_bytes(body + crc32(body).to_bytes(4, "little"))
        os.replace(beside, self._done_path)

    def _read_done(self) -> int:
        try:
            raw = self._done_path.read_bytes()
        except FileNotFoundError:
            return 0
        body = raw[:8]
        if len(raw) != 12 or crc32(body) != int.from_bytes(raw[8:], "little"):
            return 0
        return int.from_bytes(body, "little")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_spool(folder: Path, lane: str) -> SpoolFile:
    """The process's own file for a lane, with the records of files that dead processes left behind taken over."""
    folder.mkdir(parents=True, exist_ok=True)
    own: SpoolFile | None = None
    for path in sorted(folder.glob(f"{lane}.*.spool")):
        try:
            found = SpoolFile(path)
        except Taken:
            continue
        if own is None:
            own = found
        else:
            _take_over(own, found)
    slot = 0
    while own is None:
        try:
            own = SpoolFile(folder / f"{lane}.{slot:03d}.spool")
        except Taken:
            slot += 1
    return own


def _take_over(own: SpoolFile, left: SpoolFile) -> None:
    while records := left.read(1000):
        own.append([payload for payload, _ in records])
        left.offset = records[-1][1]
    own.damaged_bytes += left.damaged_bytes
    left.remove()
