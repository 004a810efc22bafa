"""The process supervisor: supervisord with its traps closed (`python -m deploy.stack.supervise -n -c FILE`).

* A child that keeps failing is started again at least every five seconds: supervisord itself would wait one second
  longer each time, without end.
* A child that died is noticed within a fifth of a second, not within two.
* Log files that the children write themselves are cut when they grow.
* Its own process id and start time are recorded like those of the children.
"""

import os
import shutil
import sys
import threading
import time
from pathlib import Path

from supervisor import supervisord
from supervisor.poller import PollPoller
from supervisor.process import Subprocess
from supervisor.states import ProcessStates

from deploy.stack import records

__all__ = ["LONGEST_PAUSE", "main", "trim"]

LONGEST_PAUSE = 5.0
_LOG_BYTES = 50_000_000
_LOOK_AT_LOGS_EVERY = 30.0
_LOOK_AT_CHILDREN_EVERY = 0.2


def _cap_the_pause() -> None:
    change_state = Subprocess.change_state

    def change_state_capped(self: Subprocess, new_state: int, expected: bool = True) -> None:
        change_state(self, new_state, expected)
        if self.state == ProcessStates.BACKOFF:
            self.delay = min(self.delay, time.time() + LONGEST_PAUSE)

    Subprocess.change_state = change_state_capped


def _look_more_often() -> None:
    poll = PollPoller.poll

    def poll_briefly(self: PollPoller, timeout: float) -> tuple[list[int], list[int]]:
        ready: tuple[list[int], list[int]] = poll(self, min(timeout, _LOOK_AT_CHILDREN_EVERY))
        return ready

    PollPoller.poll = poll_briefly


def trim(folder: Path, largest: int = _LOG_BYTES) -> None:
    """Move the content of each log file above `largest` bytes to `<name>.1`. Writers append, so they go on at once."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def _trim_forever(folder: Path) -> None:
    while True:
        time.sleep(_LOOK_AT_LOGS_EVERY)
        try:
            trim(folder)
        except OSError as error:
            print(f"log files could not be cut: {error}", file=sys.stderr, flush=True)


def main() -> None:
    """Run supervisord with the arguments of the command line; PAIDAN_HOME names the state folder."""
    home = Path(os.environ["PAIDAN_HOME"])
    records.write(home / "run" / "pids" / "supervisord", os.getpid(), "")
    _cap_the_pause()
    _look_more_often()
    threading.Thread(target=_trim_forever, args=(home / "logs",), daemon=True).start()
    supervisord.main(sys.argv[1:])


if __name__ == "__main__":
    main()
