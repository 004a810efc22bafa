"""What all tests share: real servers, started once a session and only if a test asks for them."""

from collections.abc import Iterator

import pytest

from deploy.stack.lifecycle import Stack
from services.chassis import logs
from tests.harness.servers import running

logs.set_up("tests", "pytest")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka with all topics and PostgreSQL with all schemas, no services."""
    with running(tmp_path_factory.mktemp("servers"), only=["kafka", "postgres"]) as stack:
        yield stack
