"""Runs the sender beside what happens to the city."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from deploy.stack.home import CHECKOUT
from deploy.stack.lifecycle import Stack
from schemas.vocabulary import Role
from tests.chaos.sender import Entry, Settings, read
from tests.chaos.town import say, token

LAST_WORDS = 180.0  # seconds in which a sender brings what is under way to its answer


class Load:
    """A running sender and its ledger."""

    def __init__(self, process: "subprocess.Popen[bytes]", ledger: Path) -> None:
        self._process = process
        self._ledger = ledger

    def entries(self) -> list[Entry]:
        """The ledger so far."""
        return read(self._ledger) if self._ledger.exists() else []

    def await_first(self, count: int = 50, seconds: float = 60) -> None:
        """Wait until so many were answered. Raises RuntimeError when the sender does not get going."""
        end = time.monotonic() + seconds
        while sum(entry.status == 202 for entry in self.entries()) < count:
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError("the sender does not get going")
            time.sleep(0.1)

    def finish(self) -> list[str]:
        """Let the sender end; what is wrong with how it did."""
        self._process.terminate()
        try:
            code = self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return [f"the sender had reports that nobody answered for {LAST_WORDS:.0f} s"]
        return [f"the sender ended with {code}: an answer was not what it must be"] if code else []


@contextmanager
def load(stack: Stack, seed: int, **rates: float) -> Iterator[Load]:
    """A sender at work. Its ledger lies outside the system's home."""
    with tempfile.TemporaryDirectory(prefix="paidan-ledger-") as folder:
        ledger = Path(folder) / "ledger.jsonl"
        settings = Settings(
            port=stack.ports.of("intake-api"),
            bootstrap=stack.kafka_bootstrap,
            ledger=str(ledger),
            token=token(stack, Role.GATEWAY),
            seed=seed,
            **rates,
        )
        told = Path(folder) / "settings.json"
        told.write_bytes(msgspec.json.encode(settings))
        process = subprocess.Popen([sys.executable, "-m", "tests.chaos.sender", str(told)], cwd=CHECKOUT)
        try:
            running = Load(process, ledger)
            running.await_first()
            say("the sender is at work")
            yield running
        finally:
            process.kill()
            process.wait()
