"""A city whose supervisors are told outside the screens: Shanghai's pack with a short clock for one kind of matter, a
quick second rung, and two channels; and the room and the desk that these reach."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from itertools import count
from pathlib import Path
from shutil import copytree
from typing import Any

from aiosmtpd.controller import Controller

from deploy.stack.processes import city_folder
from tests.harness.servers import is_free
from tests.journeys.another_city import AnotherCity

MATTER = "门口邮筒歪斜"  # a letter box: no other journey speaks of one
ROOM = AnotherCity("room")
_LIMIT = """
[[limit]]
limit_id = "accept-letter-box"
stage = "accept"
amount = 0.05
unit = "minute"
classes = ["CJ/T 214-2007/part/0123"]

"""
_MORE = """
[[rung]]
rung_id = "quick-2"
kind = "supervise"
level = 2
after = "miss"
delay = 0.03
unit = "minute"
receivers = ["centre_above"]
stages = ["accept"]
urgencies = ["normal"]

[[channel]]
name = "room"

[[channel]]
name = "desk"
kinds = ["supervise"]
levels = [2]
"""


def write_pack(folder: Path) -> Path:
    """The pack of that city."""
    copytree(city_folder("shanghai"), folder)
    policy = folder / "policy.toml"
    head, first, rest = policy.read_text(encoding="utf-8").partition("[[limit]]")
    policy.write_text(head + _LIMIT + first + rest + _MORE, encoding="utf-8")
    return folder


class Desk:
    """People at a desk, with a mail server of their own. `letters` are those that came."""

    def __init__(self) -> None:
        self.port = next(port for port in count(11_600) if is_free(port))
        self.letters: list[Message] = []
        self._lock = threading.Lock()

    def row(self) -> str:
        """What the platforms' file says of them."""
        server = f'[mail]\nhost = "127.0.0.1"\nport = {self.port}\nsender = "paidan@city.example"\ntls = "none"\n'
        return server + '[[platform]]\nname = "desk"\nmail = ["desk@city.example"]\n'

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """One letter."""
        with self._lock:
            self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def about(self, number: str) -> list[Message]:
        """Letters about one order."""
        with self._lock:
            return [letter for letter in self.letters if number in str(letter["subject"])]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Letters are taken."""
        controller = Controller(self, hostname="127.0.0.1", port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()


DESK = Desk()
