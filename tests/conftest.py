"""What all tests share: real servers, started once a worker and only if a test asks for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack.lifecycle import Stack
from services.chassis import logs
from tests.harness.servers import running

logs.set_up("tests", "pytest")

# Folders whose tests share one costly thing: they stay on one worker, and begin first because they take longest.
TOGETHER = ("journeys", "deploy", "chassis", "edges", "handlers")
WHOLE = ("deploy", "chassis")  # the others: each service's folder by itself
# Journeys share a running city: two cities side by side have about equally much to do, a third is reorganised.
CITIES = {"page": "second", "test_rebuild.py": "second", "test_reorganised.py": "third"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, or of a folder that shares servers, on one worker of a parallel run."""
    here = Path(__file__).parent
    places: dict[str, tuple[int, str]] = {}
    for item in items:
        inside = item.path.relative_to(here)
        group = _group(inside.parts)
        rank = TOGETHER.index(inside.parts[0]) if inside.parts[0] in TOGETHER else len(TOGETHER)
        places[item.nodeid] = (rank, group if inside.parts[0] == "journeys" else "")
        item.add_marker(pytest.mark.xdist_group(group))
    # The tour first: it wants meters of which nothing was heard yet.
    items.sort(key=lambda item: (*places[item.nodeid], item.path.name != "test_stories.py"))


def _group(parts: tuple[str, ...]) -> str:
    """What stays together with a test."""
    if parts[0] == "journeys":
        return f"journeys/{CITIES.get(parts[1], 'first')}"
    if parts[0] not in TOGETHER:
        return "/".join(parts)
    return "/".join(parts[: 1 if parts[0] in WHOLE else 2])


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka with all topics and PostgreSQL with all schemas, no services."""
    with running(tmp_path_factory.mktemp("servers"), only=["kafka", "postgres"]) as stack:
        yield stack
