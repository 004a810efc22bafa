"""The sender's own record of every report that was accepted, outside the system that it judges.

One JSON object a line, on the disk before the report counts as sent: `{"report_id", "path", "source_id", "at"}`.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from uuid import UUID

import msgspec
from msgspec import Struct

__all__ = ["Entry", "Ledger", "read_ledger"]

_encode = msgspec.json.Encoder().encode


class Entry(Struct, frozen=True):
    """One accepted report; `at` is when the acceptance arrived."""

    report_id: UUID
    path: str
    source_id: str
    at: datetime


class Ledger:
    """Appends entries; without a path it keeps nothing. `write` returns when they are on the disk."""

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else open(path, "ab", buffering=0)  # noqa: SIM115  (closed in __exit__)

    def write(self, entries: Iterable[Entry]) -> None:
        """Append and fsync, as one write."""
        if self._file is None:
            return
        lines = b"".join(_encode(entry) + b"\n" for entry in entries)
        if lines:
            self._file.write(lines)
            os.fsync(self._file.fileno())

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


def read_ledger(path: Path) -> Iterator[Entry]:
    """The entries of a ledger. A torn last line, from a sender that was killed, is left out: it never counted. Raises
    msgspec.DecodeError for any other line that is none."""
    lines = path.read_bytes().split(b"\n")
    for line in lines[:-1]:
        yield msgspec.json.decode(line, type=Entry)
