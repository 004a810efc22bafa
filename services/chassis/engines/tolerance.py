"""Reads messages whose header names are no UTF-8. Kafka takes any bytes there, and the client raises, for ever, on the
whole partition: one gateway that writes GBK would halt a city. Such names are read with replacement characters.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

__all__ = ["be_tolerant"]


class _Lossy(bytearray):
    """Bytes whose slices can always be read as text."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _Lossy(found) if isinstance(place, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _LossyBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def __iter__(self) -> Any:
        super().__iter__()
        self._buffer = _Lossy(self._buffer)
        return self


class _Batch:
    """A batch as the quick reader gives it; from the first name on that is no text, as the plain reader does."""

    def __init__(self, quick: Any, data: bytes, number: int) -> None:
        self._quick = quick
        self._data = data
        self._number = number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._quick, name)

    def __iter__(self) -> Iterator[Any]:
        done = 0
        try:
            for record in self._quick:
                yield record
                done += 1
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if not isinstance(error, UnicodeDecodeError) and not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            yield from list(self._plain())[done:]

    def _plain(self) -> _LossyBatch:
        records = _MemoryRecordsPy(self._data)
        for _ in range(self._number):
            records.next_batch()
        assert records._next_slice is not None
        return _LossyBatch(bytes(records._next_slice))


class _Records:
    """What a fetch brought of one partition."""

    def __init__(self, data: bytes) -> None:
        self._quick = MemoryRecords(data)
        self._data = data
        self._number = 0

    def size_in_bytes(self) -> int:
        return int(self._quick.size_in_bytes())

    def has_next(self) -> bool:
        return bool(self._quick.has_next())

    def next_batch(self) -> _Batch | None:
        quick = self._quick.next_batch()
        self._number += 1
        return None if quick is None else _Batch(quick, self._data, self._number - 1)


def be_tolerant() -> None:
    """Have all consumers of this process read that way."""
    fetcher.MemoryRecords = _Records
