"""Another city's platform: a server of its own beside the stack, which checks our signature and signs what it says."""

import base64
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from services.chassis.webhooks.signing import secret_of, signed, verified
from tests.harness.servers import is_free

_OURS, _THEIRS = (base64.b64encode(word * 4).decode() for word in (b"shanghai", b"hangzhou"))


class AnotherCity:
    """A platform that may be down. `told` is what it took, in its order, each message once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = next(port for port in count(11_500) if is_free(port))
        self.told: list[dict[str, Any]] = []
        self._ids: set[str] = set()
        self._server: ThreadingHTTPServer | None = None

    def row(self) -> str:
        """What the platforms' file says of it."""
        url = f"http://127.0.0.1:{self.port}/from-shanghai"
        keys = f'sign_with = ["whsec_{_OURS}"]\naccept = ["whsec_{_THEIRS}"]'
        return f'[[platform]]\nname = "{self.name}"\nurl = "{url}"\n{keys}\n'

    def up(self) -> None:
        """Begin to listen."""
        city = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                city.take(verified([secret_of(f"whsec_{_OURS}")], headers, raw, datetime.now(UTC)), json.loads(raw))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, id_: str, message: dict[str, Any]) -> None:
        """Keep a message, once."""
        if id_ not in self._ids:
            self._ids.add(id_)
            self.told.append(message)

    def of(self, key: str, value: str) -> list[dict[str, Any]]:
        """What it was told about one hand-over, or under one number."""
        return [
            message["data"] | {"type": message["type"]} for message in self.told if message["data"].get(key) == value
        ]

    def say(self, base: str, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """Send something, signed; the answer, which must be a good one."""
        raw = json.dumps(said).encode()
        headers = signed([secret_of(f"whsec_{_THEIRS}")], uuid4().hex, datetime.now(UTC), raw)
        reply = httpx.post(f"{base}/v1/platforms/{self.name}/{path}", content=raw, headers=headers, timeout=20)
        assert reply.status_code < 300, reply.text
        found: dict[str, Any] = reply.json()
        return found


HANGZHOU = AnotherCity("city:hangzhou")
