"""A city of its own for a run: started, struck, and looked at from outside."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil

from deploy.stack.keys import issue_token
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import PROCESSES
from deploy.stack.ready import answers, answers_ready
from deploy.stack.supervised import Supervisor
from deploy.stack.trouble import Trouble
from schemas.vocabulary import Role
from tests.harness.servers import free_base

SERVICES = tuple(process.name for process in PROCESSES)


def say(line: str) -> None:
    """A line for whoever watches."""
    print(f"  {line}", flush=True)


@contextmanager
def town(name: str) -> Iterator[Stack]:
    """A running stack with nothing in it, down and gone afterwards. When the run fails its logs are kept and named."""
    home = Path(tempfile.mkdtemp(prefix=f"paidan-chaos-{name}-"))
    stack = Stack(home, free_base(10_300), "shanghai")  # below the ports that clients are given: they must stay free
    say(f"starting a city in {home}")
    try:
        stack.up()
        yield stack
    finally:
        with contextlib.suppress(Trouble):
            stack.down()
        keep = home.with_name(f"{home.name}-logs")
        shutil.copytree(home / "logs", keep, dirs_exist_ok=True)
        shutil.rmtree((home / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        say(f"its logs are kept in {keep}")


def token(stack: Stack, role: Role) -> str:
    """A sign-in token for two hours."""
    return issue_token(role, subject=f"chaos-{role}", unit=None, ttl=timedelta(hours=2), home=stack.home)


def until(what: str, look: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time; says so when not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if look():
            return True
        time.sleep(0.05)
    say(f"waited {seconds:.0f} s in vain: {what}")
    return False


def pids(stack: Stack) -> dict[str, int | None]:
    """Process ids of everything that runs."""
    return {name: stack.pid(name) for name in ("supervisord", "kafka", "postgres", *SERVICES)}


def kill(stack: Stack, name: str, patience: float = 60.0) -> bool:
    """SIGKILL a process as soon as there is one to kill; whether there was."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with contextlib.suppress(ProcessLookupError):
            stack.kill(name, signal.SIGKILL)
            return True
        time.sleep(0.05)
    return False


def kill_backend(stack: Stack, rand: random.Random) -> bool:
    """SIGKILL one of PostgreSQL's backends, which makes all of PostgreSQL recover; whether there was one."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pid = stack.pid("postgres")
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            found = [child for child in psutil.Process(pid).children() if "127.0.0.1" in " ".join(child.cmdline())]
            if found:
                os.kill(rand.choice(found).pid, signal.SIGKILL)
                return True
        time.sleep(0.05)
    return False


def freeze(stack: Stack, name: str) -> list[int]:
    """SIGSTOP a server with all its children: connections stay and nothing answers. The ids to thaw."""
    pid = stack.pid(name)
    assert pid is not None, f"{name} does not run"
    os.kill(pid, signal.SIGSTOP)
    frozen = [pid]
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGSTOP)
            frozen.append(child.pid)
    return frozen


def thaw(frozen: list[int]) -> None:
    """SIGCONT what was frozen."""
    for pid in reversed(frozen):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def kill_and_keep_down(stack: Stack, name: str) -> None:
    """SIGKILL a server without the supervisor starting it again: frozen first, so that the stop is asked for while it
    lives, and the kill comes before the stop's own signal is heard."""
    supervisor = Supervisor(stack.home)
    stack.kill(name, signal.SIGSTOP)
    supervisor._call("stopProcess", name, False)
    stack.kill(name, signal.SIGKILL)
    supervisor.cease([name])


def start_again(stack: Stack, name: str) -> bool:
    """Have the supervisor start a server; whether it answers again."""
    Supervisor(stack.home).begin(name)
    return until(f"{name} again", lambda: stack.pid(name) is not None, 60)


def all_answer(stack: Stack, seconds: float = 120) -> bool:
    """Whether every process of every service answers again."""

    def one(name: str) -> bool:
        port = stack.ports.of(name)
        return answers_ready(port) if name.endswith("-api") else answers(port)

    return all(until(f"{name} answers", lambda name=name: one(name), seconds) for name in SERVICES)
