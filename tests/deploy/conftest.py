"""One started stack for all tests of the one-machine stack: real servers, and dummies in the place of services."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.stack.lifecycle import Stack
from deploy.stack.processes import Process
from tests.harness.servers import free_base

DUMMIES = (
    Process("intake", "api", module="tests.deploy.dummy"),
    Process("router", "normal", module="tests.deploy.dummy"),
)
FAILING = Process("dispatch", "normal", module="tests.deploy.failing")
STARTED = {"kafka", "postgres", *(process.name for process in DUMMIES)}


def some_base() -> int:
    """A free port base somewhere: two test runs on one machine rarely look in the same place."""
    return free_base(random.randrange(2_000, 11_000, 40))


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something becomes true within `seconds`."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the place of a city pack: the stack only hands its path on."""
    return tmp_path_factory.mktemp("city")


@pytest.fixture(scope="session")
def own_stack(tmp_path_factory: pytest.TempPathFactory, city: Path) -> Iterator[Stack]:
    """A stack of these tests alone, because they kill it. Nobody starts the failing process unless a test does."""
    home = tmp_path_factory.mktemp("stack")
    stack = Stack(home, some_base(), str(city), processes=(*DUMMIES, FAILING))
    try:
        stack.up(only=STARTED)
        yield stack
    finally:
        stack.down()
