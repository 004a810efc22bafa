"""Starts, watches and stops everything on one machine. `Stack` is what the operator command and the tests use.

up    Kafka and PostgreSQL side by side, then topics beside roles and migrations, then the services, until each api
      answers /readyz. What runs already is left alone; what runs with other settings is started anew.
down  the services first, so that they drain; then the servers; then the supervisor.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from deploy.stack import kafka, postgres, records
from deploy.stack.home import Home, write_private
from deploy.stack.jars import ensure_jars
from deploy.stack.keys import ensure_keys, password_of
from deploy.stack.launch import Spec
from deploy.stack.ports import Ports, refuse_lent, refuse_taken
from deploy.stack.processes import PROCESSES, SERVERS, Process, city_folder, environment_of, spec_of
from deploy.stack.ready import answers, answers_ready
from deploy.stack.supervised import STATE_NAMES, Supervisor
from deploy.stack.trouble import Trouble
from deploy.stack.watchers import WATCHERS, installed, spec_of_watcher

__all__ = ["ProcessStatus", "Stack"]

_SERVER_PATIENCE = 120.0
_SERVICE_PATIENCE = 120.0
_FULL_DISK = "No space left on device"
_PORT_LOST = "Address already in use"


@dataclass(frozen=True)
class ProcessStatus:
    """One line of `paidan status`; uptime in seconds, memory in megabytes.

    `rss_mb` is resident memory; `share_mb` counts a page that several processes use once among them, so that shares
    may be added up. PostgreSQL is counted with its children, and both numbers are its share.
    """

    process: str
    state: str
    pid: int | None
    uptime_s: int | None
    rss_mb: float | None
    share_mb: float | None
    port: int | None


def _silent(_line: str) -> None:
    pass


class Stack:
    """The stack of one home.

    `processes` limits the services (default: all); `city` is the name of a pack or its path; `say` is called with one
    line per step; `watch` also starts Prometheus and Alertmanager where they are installed. With DATABASE_URL in the
    environment that server is used and no PostgreSQL is started.
    """

    def __init__(
        self,
        home: Path,
        port_base: int,
        city: str,
        *,
        processes: Sequence[Process] | None = None,
        watch: bool = False,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self.home = Home(Path(home).absolute())
        self.ports = Ports(port_base)
        self.city = city
        self._processes = tuple(PROCESSES if processes is None else processes)
        self._watchers = installed() if watch else ()
        self._say = say
        self._cluster = postgres.Cluster(self.home, self.ports)
        self._supervisor = Supervisor(self.home)
        self._external = os.environ.get("DATABASE_URL", "")

    # --- addresses -------------------------------------------------------------------------------------------------

    @property
    def kafka_bootstrap(self) -> str:
        """Where Kafka's clients connect to."""
        return kafka.bootstrap(self.ports)

    def database_url(self, role: str) -> str:
        """The database's address for a role: paidan_<service>, paidan_audit, or postgres (the embedded superuser)."""
        if not self._external:
            return self._cluster.superuser_url() if role == postgres.SUPERUSER else self._cluster.url_of(role)
        return postgres.with_role(self._external, role, password_of(self.home, role))

    def env_for(self, service: str, process: str) -> dict[str, str]:
        """The whole environment that a process of a service is given."""
        return environment_of(
            Process(service, process),
            self.home,
            self.ports,
            bootstrap=self.kafka_bootstrap,
            database_url=self.database_url(postgres.role_of(service)),
            city=city_folder(self.city),
        )

    # --- up --------------------------------------------------------------------------------------------------------

    def up(self, only: Collection[str] | None = None) -> None:
        """Start what is not running; return when all of it is ready. `only` limits to names of processes.

        Raises Trouble: a port is taken, no room, no permission, an incomplete download without network, a process
        that does not become ready.
        """
        began = time.monotonic()
        names = self._names(only)
        self.home.prepare()
        with self.home.locked():
            self._refuse_taken_ports(names)
            self._prepare(names)
            self._launch([name for name in names if name in SERVERS])
            self._await_servers(names)
            self._provision(names)
            self._launch([name for name in names if name not in SERVERS])
            self._await_services(names)
        self._say(f"up · 已启动 ({time.monotonic() - began:.1f} s)")

    def _names(self, only: Collection[str] | None) -> list[str]:
        known = [server for server in SERVERS if server != "postgres" or not self._external]
        known += [*(process.name for process in self._processes), *self._watchers]
        if only is None:
            return known
        unknown = sorted(set(only) - set(known) - {"postgres"})
        if unknown:
            raise Trouble(f"no process is called {', '.join(unknown)}", f"choose from {', '.join(known)}")
        return [name for name in known if name in only]

    def _runs(self, name: str) -> bool:
        return records.alive(records.read(self.home.records / name))

    def _refuse_taken_ports(self, names: list[str]) -> None:
        wanted = {name: self.ports.of(name) for name in names if not self._runs(name)}
        if "kafka" in wanted:
            wanted["kafka's controller"] = self.ports.of("kafka-controller")
        refuse_lent(wanted)
        refuse_taken(wanted)

    def _prepare(self, names: list[str]) -> None:
        """Whatever is done once: downloads, keys, empty data folders."""
        ensure_keys(self.home)
        with ThreadPoolExecutor(2) as pool:
            jobs = []
            if "kafka" in names:
                jobs.append(pool.submit(self._prepare_kafka))
            if "postgres" in names:
                jobs.append(pool.submit(self._cluster.ensure_initialised))
            for job in jobs:
                job.result()

    def _prepare_kafka(self) -> None:
        ensure_jars(self.home, self._say)
        kafka.ensure_formatted(self.home, self.ports)

    def _specs(self, names: Collection[str]) -> list[Spec]:
        makers: dict[str, Callable[[], Spec]] = {
            "kafka": lambda: kafka.spec_of_kafka(self.home),
            "postgres": self._cluster.spec,
        }
        specs = [makers[name]() for name in SERVERS if name in names]
        for process in self._processes:
            if process.name in names:
                specs.append(spec_of(process, self.home, self.env_for(process.service, process.part)))
        return specs + [spec_of_watcher(n, self.home, self.ports, self._processes) for n in WATCHERS if n in names]

    def _launch(self, starting: list[str]) -> None:
        """Have the supervisor run `starting`. What runs with other settings than now is started anew."""
        if not starting:
            return
        for spec in self._specs(starting):
            write_private(self.home.specs / f"{spec.name}.json", spec.sealed())
        self._supervisor.configure(self._end_signals())
        if self._supervisor.start():
            self._say("process supervisor started")
        else:
            self._supervisor.reread()
        states = self._supervisor.states()
        stale = [name for name in starting if self._is_stale(name, states.get(name, {}))]
        if stale:
            self._say(f"started anew with other settings: {', '.join(stale)}")
            self._supervisor.cease(stale)
        for name in starting:
            self._supervisor.begin(name)

    def _end_signals(self) -> dict[str, int]:
        names = {process.name for process in (*PROCESSES, *self._processes)} | WATCHERS.keys()
        ends: dict[str, int] = dict.fromkeys(sorted(names), signal.SIGTERM)
        return ends | {"kafka": signal.SIGTERM, "postgres": signal.SIGINT}

    def launch_without_waiting(self, *names: str) -> None:
        """Start processes beside what `up` started, without waiting until they are ready."""
        with self.home.locked():
            self._launch(list(names))

    def _is_stale(self, name: str, info: dict[str, object]) -> bool:
        """Whether the supervisor runs it with other settings than are wanted now (an orphan is left to `launch`)."""
        return bool(info.get("pid")) and self._runs(name) and not self._runs_as_wanted(name)

    def _runs_as_wanted(self, name: str) -> bool:
        record = records.read(self.home.records / name)
        wanted = Spec.opened(self.home.specs / f"{name}.json")
        return record is not None and records.alive(record) and record.fingerprint == wanted.fingerprint

    def _await_servers(self, names: list[str]) -> None:
        waiting: dict[str, Callable[[], bool]] = {
            "kafka": lambda: kafka.is_ready(self.ports),
            "postgres": self._cluster.is_ready,
        }
        self._await({name: ready for name, ready in waiting.items() if name in names}, _SERVER_PATIENCE)

    def _await_services(self, names: list[str]) -> None:
        waiting: dict[str, Callable[[], bool]] = {}
        for process in self._processes:
            if process.name in names:
                waiting[process.name] = self._readiness(process)
        for name in self._watchers:
            if name in names:
                waiting[name] = partial(answers, self.ports.of(name))
        self._await(waiting, _SERVICE_PATIENCE)

    def _readiness(self, process: Process) -> Callable[[], bool]:
        port = self.ports.of(process.name)
        if process.has_api:
            return lambda: answers_ready(port)
        return lambda: answers(port)

    def _await(self, waiting: dict[str, Callable[[], bool]], patience: float) -> None:
        began = time.monotonic()
        while waiting:
            for name in [name for name, ready in waiting.items() if self._runs_as_wanted(name) and ready()]:
                del waiting[name]
                self._say(f"{name:<18} ready on port {self.ports.of(name)} ({time.monotonic() - began:.1f} s)")
            if waiting and time.monotonic() - began > patience:
                raise self._late(next(iter(waiting)), patience)
            time.sleep(0.05 if waiting else 0)

    def _late(self, name: str, patience: float) -> Trouble:
        log = self.home.logs / f"{name}.log"
        tail = log.read_text(encoding="utf-8", errors="replace")[-4000:] if log.exists() else ""
        if _PORT_LOST in tail:
            refuse_taken({name: self.ports.of(name)})
        if _FULL_DISK in tail:
            return Trouble(f"{name} stopped because the disk is full", "free some space and start again")
        state = "runs, but does not say it is ready" if self._runs(name) else "does not stay up"
        return Trouble(f"{name} {state} after {patience:.0f} s", f"its last words are in {log}")

    def _provision(self, names: list[str]) -> None:
        """Topics, roles, schemas and migrations; each only with its server in `names`."""
        from deploy.stack.provision import provision  # its clients take half a second to import

        embedded = "postgres" in names
        provision(
            self.home,
            self._say,
            bootstrap=self.kafka_bootstrap if "kafka" in names else None,
            admin_url=self._external or (self._cluster.superuser_url() if embedded else None),
            maintenance_url=self._cluster.superuser_url(postgres.SUPERUSER) if embedded else None,
            url_of=self.database_url,
        )

    # --- down, kill ------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Stop everything of this home, also what a killed supervisor left behind. The state stays."""
        if not self.home.run.is_dir():
            return
        with self.home.locked():
            for group in (self._recorded_services(), list(SERVERS)):
                running = [name for name in group if self._runs(name)]
                if self._supervisor.record is not None:
                    self._supervisor.cease(group)
                self._end_together(group)
                if running:
                    self._say(f"stopped {', '.join(running)}")
            self._supervisor.shut_down()

    def _recorded_services(self) -> list[str]:
        return [path.name for path in self.home.records.iterdir() if path.name not in (*SERVERS, "supervisord")]

    def _end_together(self, names: Sequence[str]) -> None:
        """End what still runs under these names, all at once, and forget it."""
        left = {name: record for name in names if (record := records.read(self.home.records / name)) is not None}
        with ThreadPoolExecutor(max(1, len(left))) as pool:
            for name, record in left.items():
                pool.submit(records.end, record, self._end_signals().get(name, signal.SIGTERM))
        for name in left:
            (self.home.records / name).unlink(missing_ok=True)

    def pid(self, process: str) -> int | None:
        """Process id of a running process (also "supervisord"); None when it does not run."""
        record = records.read(self.home.records / process)
        return record.pid if record is not None and records.alive(record) else None

    def kill(self, process: str, number: int) -> int:
        """Send a signal to a process (also "supervisord"); its id. Raises ProcessLookupError when it is gone."""
        pid = self.pid(process)
        if pid is None:
            raise ProcessLookupError(process)
        os.kill(pid, number)
        return pid

    # --- status ----------------------------------------------------------------------------------------------------

    def status(self) -> list[ProcessStatus]:
        """What runs, with memory and uptime; processes that were never started are "stopped"."""
        known = self._supervisor.states()
        names = ["supervisord", *self._names(None)]
        return [self._status_of(name, known.get(name, {})) for name in names]

    def _status_of(self, name: str, info: dict[str, object]) -> ProcessStatus:
        pid = self.pid(name)
        port = None if name == "supervisord" else self.ports.of(name)
        state = "stopped"
        if pid is not None:
            state = "running" if info or name == "supervisord" else "running without supervisor"
        elif isinstance(code := info.get("state"), int):
            state = STATE_NAMES.get(code, "unknown")
        if pid is None:
            return ProcessStatus(name, state, None, None, None, None, port)
        process = psutil.Process(pid)
        uptime = int(time.time() - process.create_time())
        return ProcessStatus(name, state, pid, uptime, *_memory(process, alone=name == "supervisord"), port)


def _memory(process: psutil.Process, alone: bool) -> tuple[float | None, float | None]:
    """Resident memory and share, in megabytes, of a process with its children, or `alone`; None where forbidden."""
    try:
        family = [process] if alone else [process, *process.children(recursive=True)]
        share = sum(member.memory_full_info().pss for member in family) / 1_000_000
        resident = share if len(family) > 1 else process.memory_info().rss / 1_000_000
        return round(resident, 1), round(share, 1)
    except psutil.Error:
        return None, None
