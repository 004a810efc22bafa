"""A whole city at work: all processes on real servers, started once for all journeys."""

from collections.abc import Iterator

import pytest

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load
from tests.harness.servers import running


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack with the Shanghai pack."""
    with running(tmp_path_factory.mktemp("city")) as stack:
        yield stack


@pytest.fixture(scope="session")
def teller(whole: Stack) -> Teller:
    """A voice in the city, with a token for every role."""
    return Teller(whole, load(city_folder("shanghai")))
