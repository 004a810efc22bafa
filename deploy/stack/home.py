"""Where the one-machine stack keeps its state: one folder, and what lies where in it.

.paidan/ (PAIDAN_HOME)
  kafka/ postgres/     the servers' data and settings
  run/                 what is running: records of processes, the supervisor's socket, the start settings (private)
  logs/                one file per process
  keys/                generated passwords and signing keys (mode 0600)
  <service>/           a service's own state: intake's spool, and the like
  downloads/           the Kafka jars, shared by all homes of one checkout
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.trouble import Trouble, explained

__all__ = ["CHECKOUT", "MEGABYTE", "SERVICES", "Home", "write_private"]

CHECKOUT = Path(__file__).resolve().parents[2]
SERVICES = ("intake", "router", "dispatch", "supervision")
MEGABYTE = 1_000_000

# A new home holds PostgreSQL's first 40 MB and Kafka's segments; an existing one needs room to go on.
_NEEDED_AT_FIRST = 500 * MEGABYTE
_NEEDED_AGAIN = 200 * MEGABYTE


@dataclass(frozen=True)
class Home:
    """The state folder of one stack."""

    root: Path

    @classmethod
    def of_environment(cls) -> "Home":
        """The home that PAIDAN_HOME names, or `.paidan` in the checkout."""
        return cls(Path(os.environ.get("PAIDAN_HOME") or CHECKOUT / ".paidan").expanduser().absolute())

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def records(self) -> Path:
        """One record (process id, start time) for each process that was started."""
        return self.run / "pids"

    @property
    def specs(self) -> Path:
        """How each process is started: arguments and environment, with passwords, therefore private."""
        return self.run / "specs"

    @property
    def downloads(self) -> Path:
        """Shared by all homes of a checkout that may be written; else inside this home."""
        shared = Path(os.environ.get("PAIDAN_DOWNLOADS") or CHECKOUT / ".paidan" / "downloads")
        if shared.is_dir() or os.access(_first_existing(shared), os.W_OK):
            return shared
        return self.root / "downloads"

    def state_of(self, service: str) -> Path:
        """The folder of one service's own state."""
        return self.root / service

    def prepare(self, needed_bytes: int | None = None) -> None:
        """Make the folders; refuse when the place belongs to somebody else or has too little room.

        Raises Trouble: foreign owner, no permission, read-only, less than `needed_bytes` free (default 500 MB for a
        new home, 200 MB for an existing one).
        """
        with explained(self.root):
            owner = self.root.stat().st_uid if self.root.is_dir() else os.geteuid()
            if os.geteuid() not in (0, owner):
                raise Trouble(
                    f"{self.root} belongs to another user (uid {owner})",
                    "run as that user, or set PAIDAN_HOME to a folder of your own",
                )
            new = not self.run.is_dir()
            self.root.mkdir(parents=True, exist_ok=True)
            os.chmod(self.root, 0o755)
            for folder in (self.kafka, self.logs, *(self.state_of(service) for service in SERVICES)):
                folder.mkdir(exist_ok=True)
            for folder in (self.run, self.records, self.specs, self.keys):
                folder.mkdir(exist_ok=True)
                os.chmod(folder, 0o700)
            (self.run / "writable").write_text("")
        self._refuse_if_full(needed_bytes or (_NEEDED_AT_FIRST if new else _NEEDED_AGAIN))

    def _refuse_if_full(self, needed_bytes: int) -> None:
        free = shutil.disk_usage(self.root).free
        if free < needed_bytes:
            raise Trouble(
                f"only {free // MEGABYTE} MB free on the disk of {self.root}, {needed_bytes // MEGABYTE} MB are needed",
                "free some space, or set PAIDAN_HOME to another disk",
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to start and stop things here. Raises Trouble when another command holds it."""
        with explained(self.run), open(self.run / "lock", "a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise Trouble(
                    f"another paidan command (pid {holder}) is starting or stopping {self.root}",
                    "wait until it has finished, or end it",
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield


def _first_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    with explained(path):
        beside = path.with_name(f"{path.name}.{os.getpid()}.new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
