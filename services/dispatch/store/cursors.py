"""Where a list goes on, and where an id lies: opaque cursors, and the span of ids that share a number."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from schemas.ids import read_number
from schemas.refusals import Refused

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class After(msgspec.Struct, array_like=True, frozen=True):
    """The last row that was shown: a moment, an id, and a number within it."""

    at: datetime
    id: UUID
    n: int = 0


_read = msgspec.json.Decoder(After).decode


def write_cursor(after: After) -> str:
    """A place as an opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).rstrip(b"=").decode()


def read_cursor(text: str) -> After | None:
    """The place of a cursor; None for an empty one. Raises Refused `cursor_invalid`."""
    if not text:
        return None
    try:
        after = _read(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Refused("cursor_invalid") from None
    if after.at.tzinfo is None:
        raise Refused("cursor_invalid")
    return after


def id_span(text: str) -> tuple[UUID, UUID, int] | None:
    """The lowest and highest id whose number this is, and the two lowest bits they share: a number is the first 48
    and the last 2 bits of its id, so the primary key finds it. None if the text is no number."""
    number = read_number(text)
    if number is None:
        return None
    value = 0
    for sign in number.replace("-", "")[:10]:
        value = value << 5 | _DIGITS.index(sign)
    low = (value >> 2) << 80
    return UUID(int=low), UUID(int=low | ((1 << 80) - 1)), value & 3


def of_span(rows: Sequence[Any], low_bits: int, name: str) -> UUID | None:
    """The id among the rows of a span that really has the number."""
    return next((row[name] for row in rows if row[name].int & 3 == low_bits), None)
