"""What the machine does not allow is one clear line with a way out, and exit code 2."""

import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import launch, supervise
from deploy.stack.home import CHECKOUT, Home, write_private
from deploy.stack.jars import are_whole, ensure_jars, jar_folder
from deploy.stack.keys import ensure_keys
from deploy.stack.launch import Spec
from deploy.stack.ports import Ports, holder_of
from deploy.stack.processes import city_folder
from deploy.stack.supervised import socket_path
from deploy.stack.trouble import Trouble, in_plain_words
from tests.city import small
from tests.deploy.conftest import some_base

_NOBODY = 65534


def paidan(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the operator command as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=CHECKOUT,
        env=dict(os.environ) | environment,
    )


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that the command ended with; steps before it are indented."""
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


@contextlib.contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Without root's rights, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_port_in_use_names_its_holder_and_how_to_move(tmp_path: Path) -> None:
    base = some_base()
    with socket.create_server(("127.0.0.1", Ports(base).of("postgres"))):
        line = the_line(paidan("up", "--only", "postgres", PAIDAN_HOME=str(tmp_path), PAIDAN_PORT_BASE=str(base)))
    assert f"port {Ports(base).of('postgres')}, wanted for postgres, is held by " in line
    assert f"(pid {os.getpid()})" in line
    assert "PAIDAN_PORT_BASE=" in line
    assert not (tmp_path / "postgres" / "data").exists()


def test_the_holder_of_a_port_is_found_by_pid() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder_of(server.getsockname()[1])[0] == os.getpid()


def test_a_token_for_a_unit_nobody_has_is_refused_and_one_for_a_unit_that_ended_is_not(tmp_path: Path) -> None:
    home, pack = Home(tmp_path / "home"), tmp_path / "pack"
    home.prepare()
    ensure_keys(home)
    pack.mkdir()
    small.write(pack)
    units = (pack / "units.csv").read_text(encoding="utf-8").splitlines()
    ended = "S1-lamps,桥头路灯所,Lamps,street,lamps,S1,S1-centre,,,2020-06-30,S1-cleaning"
    dated = [f"{line},," for line in units[1:]]
    (pack / "units.csv").write_text("\n".join([f"{units[0]},valid_to,successor", *dated, ended, ""]), encoding="utf-8")
    spec = Spec("dispatch-api", ["true"], {"PAIDAN_CITY_DIR": str(pack)}, folder="/", log="", record="")
    write_private(home.specs / "dispatch-api.json", spec.sealed())
    here = {"PAIDAN_HOME": str(home.root), "PAIDAN_PORT_BASE": str(some_base())}

    line = the_line(paidan("token", "dispatcher", "--unit", "nosuch", **here))
    assert "Small Town has no unit 'nosuch'" in line and "units.csv" in line
    assert "nosuch" in the_line(paidan("token", "responder", "--unit", "nosuch", **here))
    for role, unit in (("dispatcher", "S1-centre"), ("responder", "S1-lamps"), ("gateway", "city:hangzhou")):
        done = paidan("token", role, "--unit", unit, **here)
        assert done.returncode == 0 and done.stdout.count(".") == 2, (role, unit, done.stderr)


@pytest.mark.parametrize("base", ["eighty", "80", "65000"])
def test_a_senseless_port_base_is_refused(tmp_path: Path, base: str) -> None:
    assert "PAIDAN_PORT_BASE" in the_line(paidan("up", PAIDAN_HOME=str(tmp_path), PAIDAN_PORT_BASE=base))


def test_ports_that_outgoing_connections_are_given_are_refused(tmp_path: Path) -> None:
    line = the_line(paidan("up", PAIDAN_HOME=str(tmp_path), PAIDAN_PORT_BASE="18100"))
    assert "port 39092, wanted for kafka, lies among those that outgoing connections are given" in line
    assert "choose a PAIDAN_PORT_BASE from 1024 to " in line
    assert not (tmp_path / "kafka" / "data").exists()


def test_too_little_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"only \d+ MB free .* needed: free some space, or set PAIDAN_HOME"):
        Home(tmp_path / "home").prepare(needed_bytes=10**18)


def test_a_small_disk_is_refused_in_one_line(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", tmp_path], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        line = the_line(paidan("up", "--only", "postgres", PAIDAN_HOME=str(tmp_path / "home")))
        assert "MB free on the disk of" in line
        assert "set PAIDAN_HOME to another disk" in line
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk that holds /x is full: free some space"),
        (errno.EDQUOT, "the disk that holds /x is full: free some space"),
        (errno.EACCES, "no permission to write /x: run as the owner"),
        (errno.EROFS, "/x is on a read-only file system: set PAIDAN_HOME"),
    ],
)
def test_errors_of_the_system_are_put_in_plain_words(number: int, said: str) -> None:
    assert str(in_plain_words(OSError(number, os.strerror(number), "/x"), "/y")).startswith(said)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can enter; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_folder_that_may_not_be_written_is_refused(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o500)
    with as_ordinary_user(), pytest.raises(Trouble, match="no permission to write .*: run as the owner of that folder"):
        Home(closed / "home").prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_home_of_somebody_else_is_refused(open_folder: Path) -> None:
    home = Home(open_folder / "home")
    home.prepare()
    with as_ordinary_user(), pytest.raises(Trouble, match=r"belongs to another user \(uid 0\): run as that user"):
        home.prepare()


def test_two_commands_at_once_are_kept_apart(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    with home.locked(), pytest.raises(Trouble, match=f"pid {os.getpid()}.* wait until it has finished"), home.locked():
        pass


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the verified jars in a downloads folder of its own, and no way to a Maven repository."""
    verified = jar_folder(Home(tmp_path / "home"))
    assert are_whole(verified), "make setup fetches the jars"
    monkeypatch.setenv("PAIDAN_DOWNLOADS", str(tmp_path / "downloads"))
    monkeypatch.setenv("PAIDAN_MAVEN_URL", "http://127.0.0.1:1/maven")
    (tmp_path / "downloads").mkdir()
    return shutil.copytree(verified, tmp_path / "downloads" / verified.name, ignore=shutil.ignore_patterns("*.aot"))


def test_a_whole_download_needs_no_network(downloads: Path, tmp_path: Path) -> None:
    said: list[str] = []
    ensure_jars(Home(tmp_path / "home"), said.append)
    assert said == []


def test_a_half_finished_download_is_noticed_and_fetched_again(downloads: Path, tmp_path: Path) -> None:
    jar = max(downloads.glob("*.jar"), key=lambda path: path.stat().st_size)
    os.truncate(jar, jar.stat().st_size // 2)
    done = paidan("up", "--only", "kafka", PAIDAN_HOME=str(tmp_path / "home"), PAIDAN_PORT_BASE=str(some_base()))
    assert "incomplete: fetching it again" in done.stderr
    assert "could not be fetched" in the_line(done)
    assert "PAIDAN_MAVEN_URL" in the_line(done)
    assert not downloads.exists()


@pytest.mark.parametrize("lost", ["verified.json", "kafka-clients-4.3.1.jar"])
def test_a_download_without_its_marker_or_a_jar_is_not_whole(downloads: Path, lost: str) -> None:
    assert are_whole(downloads)
    (downloads / lost).unlink()
    assert not are_whole(downloads)


def test_an_unknown_city_or_process_is_refused_with_the_choice(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="no city pack 'atlantis'"):
        city_folder("atlantis")
    line = the_line(paidan("up", "--only", "kafak", PAIDAN_HOME=str(tmp_path)))
    assert "no process is called kafak: choose from kafka" in line


def test_a_long_path_of_the_home_still_has_a_socket(tmp_path: Path) -> None:
    short, long = Home(tmp_path), Home(tmp_path / ("x" * 100))
    for home in (short, long):
        assert len(os.fsencode(socket_path(home))) + len(".4194304") <= 107
    assert socket_path(long) != socket_path(Home(tmp_path / ("y" * 100)))


def test_the_lock_file_of_a_killed_postgres_is_cleared(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n")  # a process id that belongs to somebody else by now
    launch.clear_leftovers(str(tmp_path))
    assert not lock.exists()


def test_children_that_a_killed_postgres_left_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_LEFTOVER_SECONDS", 0.2)
    # a shell that runs the tests behind its back has them, and their children, ignore this signal
    heard = signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    child = subprocess.Popen(["sleep", "60"], cwd=tmp_path)
    signal.signal(signal.SIGQUIT, heard)
    launch.clear_leftovers(str(tmp_path))
    assert child.wait(5) == -signal.SIGQUIT


def test_logs_are_cut_while_they_are_written(tmp_path: Path) -> None:
    with open(tmp_path / "a.log", "ab", buffering=0) as writer:
        writer.write(b"x" * 1000)
        supervise.trim(tmp_path, largest=500)
        writer.write(b"y")
    assert (tmp_path / "a.log").read_bytes() == b"y"
    assert (tmp_path / "a.log.1").read_bytes() == b"x" * 1000
