"""What the steps of a decision rest on, as data: where in a report it stands, and what weighed how much."""

from msgspec import Struct


class Evidence(Struct, frozen=True, omit_defaults=True):
    """A part of a report that a step rests on: `part` is where it stands (`address`, `title`, `text`, or a field such
    as `device_id`), `start` and `end` count characters of its plain wording, `says` is what it was taken for."""

    part: str
    words: str
    says: str = ""
    start: int = 0
    end: int = 0


class Term(Struct, frozen=True):
    """A word or piece of one that weighed for or against an answer, and how much (the unit is the model's own)."""

    word: str
    weight: float
