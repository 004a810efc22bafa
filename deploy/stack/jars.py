"""Fetches the Kafka jars once and makes sure that they are whole.

jgo resolves them from Maven Central (PAIDAN_MAVEN_URL: a mirror) into a `.partial` folder; every jar is compared with
the list of SHA-256 sums beside this file; only then the folder gets its final name and a marker. A folder without the
marker, or with a jar of another size than the marker says, is a half-finished download and is fetched again.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from deploy.stack.home import Home
from deploy.stack.trouble import Trouble, explained

__all__ = ["KAFKA_VERSION", "are_whole", "class_path", "ensure_jars", "jar_folder"]

KAFKA_VERSION = "4.3.1"
# kafka-clients must be named: jgo's mediation would pick 3.8.0 and the broker would die of NoSuchMethodError.
_COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
    "org.apache.logging.log4j:log4j-core:2.24.3",
)
_SUMS = Path(__file__).with_name("kafka_jars.sha256")
_MARKER = "verified.json"


def jar_folder(home: Home) -> Path:
    """Where the jars of this version lie."""
    return home.downloads / f"kafka-{KAFKA_VERSION}"


def _expected() -> dict[str, str]:
    lines = _SUMS.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if line)}


def are_whole(folder: Path) -> bool:
    """Whether a folder holds every jar with the size it had when its content was verified."""
    try:
        sizes: dict[str, int] = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        return set(sizes) == set(_expected()) and all(
            (folder / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError):
        return False


def class_path(home: Home) -> str:
    """The jars as a Java class path, in a fixed order (the ahead-of-time cache depends on it)."""
    return ":".join(str(jar_folder(home) / name) for name in sorted(_expected()))


def ensure_jars(home: Home, say: Callable[[str], None]) -> None:
    """Have the jars of Kafka in the downloads folder.

    Raises Trouble: no network, a jar that is not the expected one, no room, no permission.
    """
    folder = jar_folder(home)
    if are_whole(folder):
        return
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not are_whole(folder):  # somebody else may have fetched them while we waited
                _fetch_anew(folder, say)


def _fetch_anew(folder: Path, say: Callable[[str], None]) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    if folder.exists() or partial.exists():
        say(f"the download in {folder} is incomplete: fetching it again")
    else:
        say(f"fetching Apache Kafka {KAFKA_VERSION} (44 MB, once)")
    for left in (folder, partial):
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir()
    try:
        _fetch(partial)
        _verify(partial)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch(folder: Path) -> None:
    """Resolve and download; the jars end directly in `folder`, jgo's own caches are removed."""
    import requests
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    work = folder / "work"
    source = os.environ.get("PAIDAN_MAVEN_URL") or MAVEN_CENTRAL_URL
    context = MavenContext(repo_cache=work / "m2", remote_repos={"central": source})
    builder = EnvironmentBuilder(context=context, cache_dir=work / "jgo", link_strategy=LinkStrategy.HARD)
    try:
        found = builder.from_endpoint("+".join(_COORDINATES))
    except (requests.RequestException, RuntimeError, ValueError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Trouble(
            f"the Kafka jars could not be fetched ({first_line})",
            "check the network (HTTPS_PROXY), or name a Maven mirror with PAIDAN_MAVEN_URL, and start again",
        ) from error
    for jar in Path(found.path).rglob("*.jar"):
        os.replace(jar, folder / jar.name)
    shutil.rmtree(work)


def _verify(folder: Path) -> None:
    expected = _expected()
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise Trouble(
            f"the download is not the expected one ({', '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''})",
            "start again; if it stays so, something between here and the Maven repository changes files",
        )
    sizes = {name: (folder / name).stat().st_size for name in expected}
    (folder / _MARKER).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
