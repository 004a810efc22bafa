"""Starts one supervised process: `python -S -m deploy.stack.launch run/specs/NAME.json`.

The supervisor starts this; it becomes the real program by exec, so the process id is the recorded one. Before that:

* If the process recorded under this name still runs (its supervisor was killed) and was started in the same way, it is
  adopted: this program stays beside it, hands signals on and ends when it ends. Nothing is interrupted.
* If it runs but was started differently, it is ended first.
* What a killed PostgreSQL left behind (children, lock file) is cleared away.
* Output goes straight into the log file: a pipe to the supervisor would break with it.

Standard library only, because it runs before every start.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from types import FrameType

from deploy.stack import records

__all__ = ["INHERITED", "Spec", "clear_leftovers", "main"]

# What a process keeps of the environment of whoever started it. Two people, or a terminal and a service, have other
# ones; none of them changes what our programs do, so a difference here is no reason to start anything anew.
INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "PYTHONTZPATH", "TMPDIR", "SSL_CERT_FILE")
_LEFTOVER_SECONDS = 5.0


@dataclass(frozen=True)
class Spec:
    """How one process is started. `as_user` is (uid, gid) to change to; `data_folder` is PostgreSQL's; `settings` is
    the content of a settings file, so that a change of it counts as another way to start."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    log: str
    record: str
    end_signal: int = signal.SIGTERM
    as_user: list[int] | None = None
    data_folder: str | None = None
    settings: str = ""
    fingerprint: str = field(default="", compare=False)

    def sealed(self) -> str:
        """The spec as JSON, with the fingerprint of everything in it that is ours."""
        body = asdict(self) | {"fingerprint": ""}
        ours = {name: value for name, value in self.environment.items() if name not in INHERITED}
        print_of_it = sha256(json.dumps(body | {"environment": ours}, sort_keys=True).encode()).hexdigest()[:16]
        return json.dumps(body | {"fingerprint": print_of_it}, indent=1)

    @classmethod
    def opened(cls, path: Path) -> "Spec":
        """Read a sealed spec."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def _adopt(record: records.Record) -> None:
    """Stay beside a running process until it ends, handing on the signals that ask for an end."""

    def hand_on(number: int, _frame: FrameType | None) -> None:
        records.kill_gently(record, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, hand_on)
    supervisor = os.getppid()
    with contextlib.suppress(ProcessLookupError):
        watch = select.poll()
        watch.register(os.pidfd_open(record.pid), select.POLLIN)
        while records.alive(record) and os.getppid() == supervisor:
            watch.poll(1000)


def _processes_in(folder: str) -> list[int]:
    """Processes whose working folder is `folder`: PostgreSQL's children keep theirs in the data folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{entry}/cwd") == folder:
                    found.append(int(entry))
    return found


def clear_leftovers(data_folder: str) -> None:
    """Wait for the children of a killed PostgreSQL to notice, end those that do not, drop the lock file.

    Without this a new server refuses to start: "pre-existing shared memory block is still in use", or the process id
    in the lock file belongs to somebody else by now.
    """
    folder = os.path.realpath(data_folder)
    until = time.monotonic() + _LEFTOVER_SECONDS
    hurried = False
    while leftovers := _processes_in(folder):
        if time.monotonic() > until:
            for pid in leftovers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if hurried else signal.SIGQUIT)
            hurried = True
            until = time.monotonic() + 1.0
        time.sleep(0.02)
    Path(folder, "postmaster.pid").unlink(missing_ok=True)


def _write_to_log(spec: Spec) -> None:
    log = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for output in (1, 2):
        os.dup2(log, output)
    os.close(log)


def _become(spec: Spec) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.chdir(spec.folder)
    if spec.as_user is not None:
        uid, gid = spec.as_user
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.execve(spec.arguments[0], spec.arguments, spec.environment)


def main() -> None:
    """Adopt or start the process that the spec named on the command line describes."""
    spec = Spec.opened(Path(sys.argv[1]))
    _write_to_log(spec)
    path = Path(spec.record)
    before = records.read(path)
    if before is not None and records.alive(before) and before.pid != os.getpid():
        if before.fingerprint == spec.fingerprint:
            _adopt(before)
            return
        records.end(before, spec.end_signal)
    if spec.data_folder is not None:
        clear_leftovers(spec.data_folder)
    records.write(path, os.getpid(), spec.fingerprint)
    _become(spec)


if __name__ == "__main__":
    main()
