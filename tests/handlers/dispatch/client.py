"""People at the API of dispatch, for tests: who they are, and what they do in one line."""

from collections.abc import Callable
from itertools import count
from typing import Any

import httpx

_keys = count(1)
Answer = tuple[int, dict[str, Any]]


class Person:
    """One signed-in caller."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self.headers = {"authorization": f"Bearer {token}"}

    async def get(self, path: str, **params: Any) -> Answer:
        """Status and body of a look."""
        reply = await self._client.get(path, params=params, headers=self.headers)
        return reply.status_code, reply.json()

    async def order(self, order: Any, **params: Any) -> dict[str, Any]:
        """An order that this person must be able to see."""
        status, body = await self.get(f"/v1/orders/{order}", **params)
        assert status == 200, body
        return body

    async def post(self, path: str, version: int | None, body: Any, key: str | None = None) -> Answer:
        """Status and body of a write; a fresh key unless one is given."""
        headers = self.headers | {"idempotency-key": key or f"k-{next(_keys)}"}
        if version is not None:
            headers["if-match"] = f'"{version}"'
        reply = await self._client.post(path, json=body, headers=headers)
        return reply.status_code, reply.json()

    async def on_order(
        self, order: Any, action: str, /, version: int | None = None, key: str | None = None, **body: Any
    ) -> Answer:
        """Act on an order, at its present version unless one is given."""
        if version is None:
            version = (await self.order(order))["version"]
        return await self.post(f"/v1/orders/{order}/actions/{action}", version, body, key)

    async def on_part(
        self, order: Any, action: str, unit: str, /, version: int | None = None, key: str | None = None, **body: Any
    ) -> Answer:
        """Act on a unit's newest assignment of an order, at its present version unless one is given."""
        shown = await self.order(order)
        part = [a for a in shown["assignments"] if a["unit"]["unit_id"] == unit][-1]
        at = part["version"] if version is None else version
        return await self.post(f"/v1/assignments/{part['assignment_id']}/actions/{action}", at, body, key)


class Desk:
    """The API with people in front of it."""

    def __init__(self, client: httpx.AsyncClient, token: Callable[[str, str, str], str]) -> None:
        self.client = client
        self._token = token

    def person(self, role: str, unit: str = "", subject: str = "") -> Person:
        """Somebody with a role and a unit; by default his name follows from both."""
        return Person(self.client, self._token(role, unit, subject or f"{role}@{unit or 'nowhere'}"))
