"""The only place that draws at random. Ids come from what caused them; this is for what nothing names."""

from random import random
from uuid import UUID, uuid4


def random_id() -> UUID:
    """An id that nothing else has: for a report that came with neither a sender's id nor an idempotency key."""
    return uuid4()


def fraction() -> float:
    """A number in [0, 1): spreads in time what would otherwise happen at once."""
    return random()
