"""Where an id lies: the span of ids that share a number."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from schemas.ids import read_number

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


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
