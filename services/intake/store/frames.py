"""Records in a file that may end in the middle of one: mark, length, CRC-32, payload."""

from collections.abc import Iterator
from mmap import mmap
from struct import Struct
from zlib import crc32

MARK = b"\x89PSR"
_HEAD = Struct("<4sII")
HEAD_BYTES = _HEAD.size


def frame(payload: bytes) -> bytes:
    """One record."""
    return _HEAD.pack(MARK, len(payload), crc32(payload)) + payload


def payload_at(data: bytes | mmap, start: int) -> tuple[bytes, int] | None:
    """The payload of the record that begins at `start`, and where it ends; None if none stands there whole."""
    body = start + HEAD_BYTES
    if body > len(data):
        return None
    mark, length, check = _HEAD.unpack_from(data, start)
    end = body + length
    if mark != MARK or end > len(data):
        return None
    payload = data[body:end]
    return (payload, end) if crc32(payload) == check else None


def intact(data: bytes | mmap) -> Iterator[tuple[bytes, int, int]]:
    """Every whole record as (payload, start, end). Where one is damaged, reading goes on at the next whole one: bytes
    behind a damage were acknowledged too."""
    position = 0
    while position < len(data):
        found = payload_at(data, position)
        if found is None:
            following = data.find(MARK, position + 1)
            if following < 0:
                return
            position = following
            continue
        payload, end = found
        yield payload, position, end
        position = end
