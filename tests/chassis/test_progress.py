"""The watchdog ends a process that is stuck, and no other."""

import asyncio

import pytest

from services.chassis.progress import STUCK, Progress, watch
from tests.harness.kafka import ended


async def ends_within(pulse: Progress, limit: float, seconds: float) -> list[int]:
    codes: list[int] = []
    task = asyncio.create_task(watch([pulse], limit, codes.append))
    await asyncio.wait([task], timeout=seconds)
    await ended(task)
    return codes


async def test_neither_progress_nor_wait_ends_the_process() -> None:
    pulse = Progress("stuck")
    pulse.begin()
    assert await ends_within(pulse, 0.2, 2) == [STUCK]


async def test_an_idle_consumer_is_left_alone() -> None:
    assert await ends_within(Progress("idle"), 0.1, 0.5) == []


async def test_waiting_for_a_dependency_counts_as_progress() -> None:
    pulse = Progress("waiting")
    pulse.begin()

    async def wait_again() -> None:
        while True:
            await pulse.wait(ConnectionError())

    waiting = asyncio.create_task(wait_again())
    assert await ends_within(pulse, 0.9, 2.2) == []
    await ended(waiting)


async def test_only_what_a_dependency_does_is_waited_out() -> None:
    tries = 0

    async def work() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionRefusedError
        return "done"

    assert await Progress("x").patiently(work) == "done"
    with pytest.raises(ZeroDivisionError):

        async def broken() -> None:
            raise ZeroDivisionError

        await Progress("x").patiently(broken)
