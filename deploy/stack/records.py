"""Who runs: one small record per process, so that a process is known again after its supervisor was killed.

A process id alone may have been given to a stranger since; with the start time (field 22 of /proc/PID/stat) and the
boot id it is unmistakable. Standard library only: `launch.py` reads this before every start.
"""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Record", "alive", "await_end", "end", "kill_gently", "read", "started_at", "write"]

_POLL = 0.02


@dataclass(frozen=True)
class Record:
    """One started process. `fingerprint` tells whether it was started the way it would be started now."""

    pid: int
    started: int
    boot: str
    fingerprint: str


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def started_at(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot; None when there is none or it is only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def write(path: Path, pid: int, fingerprint: str) -> Record:
    """Record a live process; the file appears whole or not at all. Raises ProcessLookupError when it is gone."""
    started = started_at(pid)
    if started is None:
        raise ProcessLookupError(pid)
    record = Record(pid, started, _boot_id(), fingerprint)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.write_text(json.dumps(asdict(record)), encoding="utf-8")
    os.replace(beside, path)
    return record


def read(path: Path) -> Record | None:
    """The record in a file; None when there is none or it cannot be read."""
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def alive(record: Record | None) -> bool:
    """Whether the very process that was recorded still runs."""
    return record is not None and record.boot == _boot_id() and started_at(record.pid) == record.started


def await_end(record: Record, seconds: float) -> bool:
    """Wait until the process has gone; False when it is still there after `seconds`."""
    until = time.monotonic() + seconds
    while alive(record):
        if time.monotonic() > until:
            return False
        time.sleep(_POLL)
    return True


def kill_gently(record: Record, number: int) -> None:
    """Send a signal to the recorded process, and to nobody else."""
    if alive(record):
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)


def end(record: Record, gently: int = signal.SIGTERM, seconds: float = 20.0) -> None:
    """End the recorded process: first `gently`, after `seconds` with SIGKILL."""
    kill_gently(record, gently)
    if not await_end(record, seconds):
        kill_gently(record, signal.SIGKILL)
        await_end(record, 5.0)
