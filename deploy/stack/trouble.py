"""Refusals of the one-machine stack: what is wrong in one line, and the way out in the same line.

The operator command prints a `Trouble` without a traceback and ends with exit code 2.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["EXIT_CODE", "Trouble", "explained", "in_plain_words"]

EXIT_CODE = 2

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class Trouble(Exception):
    """The machine, as it is, does not allow what was asked. `what` is the fact, `way_out` what the reader can do."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}: {way_out}")
        self.what = what
        self.way_out = way_out


def in_plain_words(error: OSError, where: Path | str) -> Trouble:
    """The trouble behind an operating system error met while working at `where`."""
    place = error.filename or where
    if error.errno in _FULL:
        return Trouble(f"the disk that holds {place} is full", "free some space, or set PAIDAN_HOME to another disk")
    if error.errno in _FORBIDDEN:
        return Trouble(
            f"no permission to write {place}",
            "run as the owner of that folder, or set PAIDAN_HOME to a folder of your own",
        )
    if error.errno == errno.ENOENT:
        return Trouble(f"{place} is not there", "name a file in a folder that is")
    if error.errno == errno.EROFS:
        return Trouble(f"{place} is on a read-only file system", "set PAIDAN_HOME to a folder that can be written")
    return Trouble(
        f"{place}: {error.strerror or error}", "see the line above; `paidan down` then `paidan up` starts anew"
    )


@contextmanager
def explained(where: Path | str) -> Iterator[None]:
    """Turn operating system errors of the block into a `Trouble` that names the place."""
    try:
        yield
    except OSError as error:
        raise in_plain_words(error, where) from error
