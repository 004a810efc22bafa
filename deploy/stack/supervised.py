"""Talks to the process supervisor: writes its settings, starts it, asks it to start and stop programs."""

import contextlib
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.states import ProcessStates
from supervisor.xmlrpc import Faults, SupervisorTransport

from deploy.stack import records
from deploy.stack.home import CHECKOUT, Home, write_private
from deploy.stack.trouble import Trouble

__all__ = ["STATE_NAMES", "Supervisor", "socket_path"]

# Linux allows 107 bytes for the path of a socket, and supervisord first binds a name with ".<pid>" behind it.
_LONGEST_SOCKET_PATH = 107 - len(".4194304")
_START_SECONDS = 15.0
_STOP_SECONDS = 20

STATE_NAMES = {
    ProcessStates.STOPPED: "stopped",
    ProcessStates.STARTING: "starting",
    ProcessStates.RUNNING: "running",
    ProcessStates.BACKOFF: "failing",
    ProcessStates.STOPPING: "stopping",
    ProcessStates.EXITED: "exited",
    ProcessStates.FATAL: "given up",
    ProcessStates.UNKNOWN: "unknown",
}

_HEAD = """[supervisord]
logfile={home}/logs/supervisor.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={home}/run/supervisord.pid
nocleanup=true
strip_ansi=true

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# startretries: supervisord gives a program up for ever after so many failures in a row; nothing here is ever given up.
_PROGRAM = """
[program:{name}]
command={python} -S -m deploy.stack.launch {spec}
directory={checkout}
autostart=false
autorestart=true
startsecs=1
startretries=1000000000
stopsignal={signal}
stopwaitsecs={wait}
killasgroup=true
redirect_stderr=true
stdout_logfile={home}/logs/launch.log
stdout_logfile_maxbytes=0
"""


def socket_path(home: Home) -> Path:
    """The supervisor's socket: in the home, or in a private folder of the temporary folder when that is too long."""
    inside = home.run / "supervisor.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
        return inside
    name = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"paidan-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or folder.stat().st_mode & 0o077:
        raise Trouble(
            f"{folder} is not a private folder of yours", f"remove it, or use a shorter path than {home.root}"
        )
    return folder / f"{name}.sock"


def _escaped(value: Path | str) -> str:
    return str(value).replace("%", "%%")


class Supervisor:
    """The supervisor of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._record = home.records / "supervisord"
        self._changed = False
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def record(self) -> records.Record | None:
        """Process id and start time of the running supervisor; None when there is none."""
        found = records.read(self._record)
        return found if records.alive(found) else None

    def configure(self, programs: Mapping[str, int]) -> None:
        """Write the settings: every program that may be asked for, with the signal that ends it."""
        home = self._home
        text = _HEAD.format(home=_escaped(home.root), socket=_escaped(socket_path(home)))
        for name, number in programs.items():
            text += _PROGRAM.format(
                name=name,
                python=_escaped(shlex.quote(sys.executable)),
                spec=_escaped(shlex.quote(str(home.specs / f"{name}.json"))),
                checkout=_escaped(CHECKOUT),
                signal=signal.Signals(number).name.removeprefix("SIG"),
                wait=_STOP_SECONDS,
                home=_escaped(home.root),
            )
        place = home.run / "supervisor.conf"
        self._changed = not place.exists() or place.read_text(encoding="utf-8") != text
        if self._changed:
            write_private(place, text)

    def start(self) -> bool:
        """Start the supervisor unless it runs; True when it was started now. Raises Trouble when it stays silent."""
        if self.record is not None and self._answers():
            return False
        if (stuck := self.record) is not None:
            records.end(stuck, seconds=2.0)
        if self._child is not None:
            self._child.poll()
        log = self._home.logs / "launch.log"
        with open(log, "ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "deploy.stack.supervise", "-n", "-c", str(self._home.run / "supervisor.conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=CHECKOUT,
                env=_own_environment(self._home),
                start_new_session=True,
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > until:
                raise Trouble("the process supervisor did not start", f"its last words are in {log}")
            time.sleep(0.02)
        return True

    def reread(self) -> None:
        """Let a running supervisor learn of programs that `configure` brought or changed. What runs goes on."""
        if not self._changed:
            return
        added, changed, removed = self._call("reloadConfig")[0]
        for name in (*removed, *changed):
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("removeProcessGroup", name)
        for name in (*added, *changed):
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("addProcessGroup", name)

    def states(self) -> dict[str, dict[str, Any]]:
        """What the supervisor knows of each program, by name; empty when it does not run."""
        if self.record is None:
            return {}
        try:
            return {info["name"]: info for info in self._call("getAllProcessInfo")}
        except (OSError, HTTPException, xmlrpc.client.Error):
            return {}

    def begin(self, name: str) -> None:
        """Ask for a program to be started; nothing happens when it runs."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise

    def cease(self, names: Iterable[str], seconds: float = _STOP_SECONDS + 5) -> None:
        """Stop programs together and wait until all have ended."""
        waiting = set(names)
        for name in waiting:
            with contextlib.suppress(xmlrpc.client.Fault):
                self._call("stopProcess", name, False)
        until = time.monotonic() + seconds
        still = {ProcessStates.STOPPING, ProcessStates.RUNNING, ProcessStates.STARTING}
        while any(info["state"] in still for name, info in self.states().items() if name in waiting):
            if time.monotonic() > until:
                break
            time.sleep(0.05)

    def shut_down(self) -> None:
        """End the supervisor itself; its programs must have ended before."""
        if (record := self.record) is not None:
            with contextlib.suppress(OSError, HTTPException, xmlrpc.client.Error):
                self._call("shutdown")
            if not records.await_end(record, 5.0):
                records.end(record, seconds=2.0)
        if self._child is not None:
            self._child.poll()
        self._record.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            self._call("getState")
        except (OSError, HTTPException, xmlrpc.client.Error):
            return False
        return self.record is not None

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{socket_path(self._home)}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _own_environment(home: Home) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"PAIDAN_HOME": str(home.root), "PYTHONUNBUFFERED": "1"}
