"""`make setup` on machines that lack something: one clear line, a way out, exit code 2."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.home import CHECKOUT

_TOOLS = ("sh", "dirname", "cat", "cksum", "sed", "grep", "rm", "ls", "env")
_TOO_OLD = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit 0\nexit 1\n"
_WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *version_info*) exit 0 ;; *) exit 1 ;; esac\n'


@pytest.fixture
def clone() -> Iterator[Path]:
    """What `make setup` needs of a fresh clone, in a folder that every user can read."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        checkout = Path(folder, "paidan")
        (checkout / "deploy" / "stack").mkdir(parents=True)
        shutil.copy(CHECKOUT / "deploy" / "stack" / "setup.sh", checkout / "deploy" / "stack")
        shutil.copy(CHECKOUT / "pyproject.toml", checkout)
        shutil.copytree(CHECKOUT / "requirements", checkout / "requirements")
        yield checkout


def bare_path(clone: Path, python: str | Path) -> str:
    """A PATH with a few tools and one `python3`: a script's text, or a program."""
    programs = clone.parent / "bin"
    programs.mkdir()
    for tool in _TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    if isinstance(python, Path):
        (programs / "python3").symlink_to(python)
    else:
        (programs / "python3").write_text(python)
        (programs / "python3").chmod(0o755)
    return str(programs)


def set_up(clone: Path, user: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON" and not name.startswith("UV_")}
    return subprocess.run(
        ["/bin/sh", "deploy/stack/setup.sh"],
        cwd=clone,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        user=user,
        timeout=120,
    )


def the_last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    return done.stderr.splitlines()[-1]


def test_a_python_that_is_too_old_is_named_with_what_to_install(clone: Path) -> None:
    done = set_up(clone, PATH=bare_path(clone, _TOO_OLD))
    assert done.stderr.splitlines() == [the_last_line(done)]
    assert "needs Python 3.11 or newer (found: Python 3.9.2)" in the_last_line(done)
    assert "make setup PYTHON=" in the_last_line(done)


def test_a_python_without_venv_is_told_the_package_that_brings_it(clone: Path) -> None:
    done = set_up(clone, PATH=bare_path(clone, _WITHOUT_VENV))
    assert done.stderr.splitlines() == [the_last_line(done)]
    assert "has no venv module" in the_last_line(done)
    assert "apt-get install python3-venv" in the_last_line(done)
    assert not (clone / ".venv").exists()


def test_a_clone_that_may_not_be_written_is_refused(clone: Path) -> None:
    clone.chmod(0o555)
    done = set_up(clone, user=65534 if os.geteuid() == 0 else None)
    assert done.stderr.splitlines() == [the_last_line(done)]
    assert "no permission to write in" in the_last_line(done)
    clone.chmod(0o755)


def test_without_network_the_way_out_is_said(clone: Path) -> None:
    base = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    done = set_up(
        clone,
        PATH=bare_path(clone, base),
        PIP_INDEX_URL="http://127.0.0.1:1/simple",
        PIP_FIND_LINKS="",
        PIP_RETRIES="0",
        PIP_NO_CACHE_DIR="1",
    )
    assert "the package index cannot be reached" in the_last_line(done)
    assert "HTTPS_PROXY" in the_last_line(done)
    assert not (clone / ".venv" / ".installed").exists()


def test_what_is_in_place_needs_neither_network_nor_time(clone: Path) -> None:
    """The environment of this very run: the same files, so the stamp says that nothing is to be done."""
    done = set_up(
        CHECKOUT,
        PIP_INDEX_URL="http://127.0.0.1:1/simple",
        UV_DEFAULT_INDEX="http://127.0.0.1:1/simple",
        UV_OFFLINE="1",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
