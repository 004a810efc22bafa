"""What all tests share: real servers, started once a worker and only if a test asks for them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.lifecycle import Stack
from services.chassis import logs
from tests.harness.servers import running

logs.set_up("tests", "pytest")
# The system's own reports would come between those that a test counts; where one is about them it says so.
os.environ.setdefault("PAIDAN_CANARY_EVERY", "0")

# Folders whose tests share one costly thing: they stay on one worker, and begin first because they take longest.
TOGETHER = ("journeys", "deploy", "chassis", "edges", "handlers")
WHOLE = ("deploy", "chassis")  # the others: each service's folder by itself
# Journeys share a running city: two cities side by side have about equally much to do, a third is reorganised.
CITIES = {"page": "second", "test_rebuild.py": "second", "test_reorganised.py": "third"}
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, what stays together one after the other; of a city the tour first: it wants meters of
    which nothing was heard yet."""

    def place(item: pytest.Item) -> tuple[int, str, bool]:
        parts = item.path.relative_to(HERE).parts
        rank = TOGETHER.index(parts[0]) if parts[0] in TOGETHER else len(TOGETHER)
        return rank, group_of(parts) if parts[0] == "journeys" else "", item.path.name != "test_stories.py"

    items.sort(key=place)


def group_of(parts: tuple[str, ...]) -> str:
    """What stays on one worker with a test, by the path of its file below this folder: the file, or a folder
    that shares servers."""
    if parts[0] == "journeys":
        return f"journeys/{CITIES.get(parts[1], 'first')}"
    if parts[0] not in TOGETHER:
        return "/".join(parts)
    return "/".join(parts[: 1 if parts[0] in WHOLE else 2])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups by path. xdist's own go by a mark that it writes into a test's id, which pytest 9.2 does not read any
    more: each test was a group of its own, and every worker started every server."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPath(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(Path(nodeid.split("::")[0]).relative_to(HERE.name).parts)

    config.option.loadscopereorder = False  # the order is that of the collection
    return ByPath(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka with all topics and PostgreSQL with all schemas, no services."""
    with running(tmp_path_factory.mktemp("servers"), only=["kafka", "postgres"]) as stack:
        yield stack
