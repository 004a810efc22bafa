"""Where a list goes on: opaque cursors, each good for the list that gave it."""

import base64
import binascii
import hashlib
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from schemas.moments import reckonable
from schemas.refusals import Refused


class After(msgspec.Struct, array_like=True, frozen=True):
    """The last row that was shown: a moment, an id, and a number within it."""

    at: datetime
    id: UUID
    n: int = 0


class Behind(msgspec.Struct, array_like=True, frozen=True):
    """The last row of a list that is ordered by numbers: the first counts most."""

    first: float
    second: float
    id: UUID


_READ = msgspec.json.Decoder(tuple[str, msgspec.Raw]).decode
Place = TypeVar("Place", After, Behind)


def list_id(*asked: object) -> str:
    """What tells one list from another: its name and everything that narrows or orders it."""
    return hashlib.blake2b(repr(asked).encode(), digest_size=6).hexdigest()


def write_cursor(place: After | Behind, of: str = "") -> str:
    """A place in the list `of` as an opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode((of, place))).rstrip(b"=").decode()


def read_cursor(text: str, of: str = "", kind: type[Place] = After) -> Place | None:  # type: ignore[assignment]
    """The place of a cursor; None for an empty one. Raises Refused `cursor_invalid` for what is no cursor, and for one
    of another list."""
    if not text:
        return None
    try:
        name, raw = _READ(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Refused("cursor_invalid") from None
    if name != of:
        raise Refused("cursor_invalid", "a cursor of another list")
    if isinstance(place, After) and (place.at.tzinfo is None or not reckonable(place.at)):
        raise Refused("cursor_invalid")
    return place
