"""The shortest way from the edge to the endpoints that take reports in.

They run for every report, and what FastAPI does around an endpoint (routing, parameters, exit stacks) would cost as
much as all else together. Anything these paths do not answer goes on to the app.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.refusals import Refused

Endpoint = Callable[[Request], Awaitable[Response]]


class Named:
    """What the edge's metrics ask of a route: its path."""

    def __init__(self, path: str) -> None:
        self.path = path


class Direct:
    """Middleware right inside the edge: `POST` to one of `endpoints` (by path) is answered here."""

    def __init__(self, app: ASGIApp, *, endpoints: dict[str, Endpoint]) -> None:
        self._app = app
        self._endpoints = {path: (endpoint, Named(path)) for path, endpoint in endpoints.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._endpoints.get(scope.get("path", ""))
        if found is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        endpoint, scope["route"] = found
        if scope["method"] != "POST":
            raise Refused("method_not_allowed")  # the edge answers refusals
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)
