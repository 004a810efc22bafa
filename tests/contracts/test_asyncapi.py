"""The AsyncAPI document, read by AsyncAPI's own parser.

Needs Node and npm, and at the first run the network: without them the tests are skipped, but fail where PAIDAN_CI is
set. The parser goes to `node/` in the state folder, once for each lock file.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas.generate import FOLDER

HERE = Path(__file__).parent / "asyncapi"
CHECKOUT = Path(__file__).resolve().parents[2]
INSTALL_SECONDS = 240
CHECK_SECONDS = 60


def _missing(what: str) -> None:
    if os.environ.get("PAIDAN_CI"):
        pytest.fail(f"{what}, and PAIDAN_CI is set: the AsyncAPI document must be checked here")
    pytest.skip(f"NOT CHECKED: the AsyncAPI document ({what})")


@pytest.fixture(scope="module")
def parser() -> Path:
    """A folder with the parser and the check script."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        _missing("no Node.js here")
    assert npm is not None
    lock = (HERE / "package-lock.json").read_bytes()
    state = Path(os.environ.get("PAIDAN_HOME") or CHECKOUT / ".paidan")
    folder = state / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "installed").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder / name)
        done = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode != 0:
            _missing(f"npm could not install the parser: {done.stderr.strip()[-300:]}")
        (folder / "installed").write_text("")
    shutil.copy(HERE / "check.mjs", folder / "check.mjs")
    return folder


def check(parser: Path, document: Path) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of the parser."""
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, "check.mjs", str(document)], cwd=parser, capture_output=True, text=True, timeout=CHECK_SECONDS
    )
    assert done.stdout, done.stderr[-500:]
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + CHECK_SECONDS)
def test_the_document_is_valid(parser: Path) -> None:
    code, findings = check(parser, FOLDER / "asyncapi.json")
    assert code == 0, findings
    assert {found["code"] for found in findings} <= {"asyncapi-latest-version"}


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + CHECK_SECONDS)
def test_a_broken_document_is_found_out(parser: Path, tmp_path: Path) -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text(encoding="utf-8"))
    next(iter(document["operations"].values()))["channel"]["$ref"] = "#/channels/nowhere"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document), encoding="utf-8")
    code, findings = check(parser, broken)
    assert code == 1
    assert any(found["severity"] == 0 for found in findings)


def test_the_lock_file_pins_every_package_by_hash_and_names_no_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]["node_modules/@asyncapi/parser"]["version"] == "3.6.3"
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package.get("integrity", "").startswith("sha512-") or package.get("inBundle"), name
    assert "://" not in (HERE / "package-lock.json").read_text(encoding="utf-8")
