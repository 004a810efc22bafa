"""What came of one attempt to bring something."""

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """What came of one attempt: `kind` is delivered, gone (the platform wants no more), refused (never to be taken) or
    failed; `asked` is how many seconds the platform wants to be left alone."""

    kind: str
    reason: str = ""
    asked: float = 0.0
