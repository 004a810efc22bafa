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
from tests.journeys.watched import DESK, ROOM, write_pack


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack with the Shanghai pack and a little more (see `watched`), another city's platform that it knows
    of, and a room and a desk that are told of supervisions."""
    home = tmp_path_factory.mktemp("city")
    (home / "keys").mkdir()
    (home / "keys" / "platforms.toml").write_text(HANGZHOU.row() + ROOM.row() + DESK.row(), encoding="utf-8")
    with running(home, city=str(write_pack(home / "pack"))) as stack:
        yield stack
    HANGZHOU.down()


@pytest.fixture(scope="package")
def teller(whole: Stack) -> Teller:
    """A voice in the city, with a token for every role."""
    return Teller(whole, load(city_folder("shanghai")))
