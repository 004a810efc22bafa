"""Processor time by process: what a rate costs, and on what. Tells more than a rate while others use the machine."""

import contextlib
import re
from urllib.request import urlopen

import psutil

from deploy.stack.lifecycle import Stack

_BATCH = re.compile(r'^paidan_batch_messages_(sum|count)\{consumer="([^"]+)"\} (\S+)$', re.M)


def family(pid: int) -> list[psutil.Process]:
    """A process with all below it."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def spent(stack: Stack) -> dict[str, float]:
    """Seconds of processor time that each process of a stack has used up to now, its children with it."""
    found: dict[str, float] = {}
    for status in stack.status():
        if status.pid is None or status.process == "supervisord":
            continue
        total = 0.0
        for member in family(status.pid):
            with contextlib.suppress(psutil.Error):
                times = member.cpu_times()
                total += times.user + times.system
                if member.pid == status.pid:
                    total += times.children_user + times.children_system  # those that have ended
        found[status.process] = total
    return found


def each(before: dict[str, float], after: dict[str, float], count: int) -> dict[str, int]:
    """Microseconds a report by process, the dearest first; what took none is left out."""
    used = {name: round((after[name] - before.get(name, 0.0)) / max(1, count) * 1e6) for name in after}
    return {name: micros for name, micros in sorted(used.items(), key=lambda pair: -pair[1]) if micros > 0}


def batches(stack: Stack) -> dict[str, tuple[float, float]]:
    """Messages and batches that each consumer has handled up to now, out of the workers' metrics."""
    found: dict[str, list[float]] = {}
    for status in stack.status():
        if status.pid is None or status.port is None or status.process.endswith(("api", "kafka", "postgres")):
            continue
        with contextlib.suppress(OSError):
            text = urlopen(f"http://127.0.0.1:{status.port}/metrics", timeout=5).read().decode()
            for name, consumer, value in _BATCH.findall(text):
                found.setdefault(consumer, [0.0, 0.0])[name == "count"] += float(value)
    return {consumer: (messages, count) for consumer, (messages, count) in found.items()}


def mean_batch(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> dict[str, int]:
    """Messages in an average batch of each consumer in between."""
    found = {}
    for consumer, (messages, count) in after.items():
        then = before.get(consumer, (0.0, 0.0))
        if count > then[1]:
            found[consumer] = round((messages - then[0]) / (count - then[1]))
    return found
