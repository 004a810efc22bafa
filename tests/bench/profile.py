"""py-spy beside one process of a run: where its time goes, without slowing it much. py-spy is not a requirement; it is
used when it is on the path."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from deploy.stack.lifecycle import Stack
from tests.bench.fresh import say

_SHOWN = 40
_RATE = 200


class Asked(Protocol):
    """What says which process to look at."""

    seconds: float
    profile: str


@asynccontextmanager
async def profiling(stack: Stack, bench: Asked) -> AsyncIterator[None]:
    """Sample the process while the body runs, for at most `seconds`, and print its dearest lines."""
    if not bench.profile:
        yield
        return
    program = shutil.which("py-spy")
    pid = stack.pid(bench.profile)
    if program is None or pid is None:
        say("py-spy is not on the path (pip install py-spy)" if program is None else f"no process {bench.profile}")
        yield
        return
    with tempfile.TemporaryDirectory(prefix="paidan-bench-profile-") as folder:
        place = Path(folder) / "stacks"
        command = ["record", "-p", str(pid), "-d", str(int(bench.seconds)), "-r", str(_RATE), "-f", "raw"]
        spy = await asyncio.create_subprocess_exec(
            program, *command, "-o", str(place), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            yield
        finally:
            await spy.wait()
            if place.exists():
                _tell(bench.profile, place.read_text(encoding="utf-8"))


def _tell(process: str, stacks: str) -> None:
    """Print samples by function: its own, and with what it called."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = [frame.strip() for frame in frames.split(";")]
        own[names[-1]] += int(count)
        total += int(count)
        for name in set(names):
            whole[name] += int(count)
    for title, counted in (("own", own), ("with what it calls", whole)):
        print(f"  {process}, share of {total} samples, {title}:")
        for name, samples in counted.most_common(_SHOWN):
            print(f"  {100 * samples / max(1, total):6.1f} %  {name}")
