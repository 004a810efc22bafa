"""Processor time by process: what a rate costs, and on what. Tells more than a rate while others use the machine."""

import contextlib

import psutil

from deploy.stack.lifecycle import Stack


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
