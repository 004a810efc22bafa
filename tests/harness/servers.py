"""Real Kafka and PostgreSQL for tests: one pair a session, in a folder of its own, on ports nobody uses."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.stack.lifecycle import Stack

_OFFSETS = (1, 2, 3, 4, 12, 13, 14, 22, 23, 20992, 20993, 21332)


def free_base(start: int = 9100) -> int:
    """A port base from `start` on of which every derived port is free now. Two runs side by side begin to look at
    different places; below 11,300 all ports stay under those that outgoing connections are given."""
    places = 55
    first = os.getpid() % places
    for place in range(places):
        base = 2_000 + (start - 2_000 + 40 * ((first + place) % places)) % 9_300
        if all(is_free(base + offset) for offset in _OFFSETS):
            return base
    raise RuntimeError("no free ports")


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running(home: Path, only: Sequence[str] | None = None, city: str = "shanghai") -> Iterator[Stack]:
    """A stack that is down again afterwards, whatever happens."""
    stack = Stack(home, free_base(), city)
    try:
        stack.up(only=set(only) if only is not None else None)
        yield stack
    finally:
        stack.down()
