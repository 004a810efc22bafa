"""A whole city at work: all processes on real servers, started once for the journeys of a worker, and down when they
are over: what runs afterwards has the machine for itself."""

from collections.abc import Iterator

import pytest

from deploy.demo.teller import Teller
from deploy.stack.lifecycle import Stack
from deploy.stack.processes import city_folder
from services.chassis.city import load
from tests.harness.servers import running
from tests.journeys.another_city import HANGZHOU


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack with the Shanghai pack, and another city's platform that it knows of."""
    home = tmp_path_factory.mktemp("city")
    (home / "keys").mkdir()
    (home / "keys" / "platforms.toml").write_text(HANGZHOU.row(), encoding="utf-8")
    with running(home) as stack:
        yield stack
    HANGZHOU.down()


@pytest.fixture(scope="package")
def teller(whole: Stack) -> Teller:
    """A voice in the city, with a token for every role."""
    return Teller(whole, load(city_folder("shanghai")))
