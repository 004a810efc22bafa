"""Whom intake asks: dispatch, where a report got to."""

from typing import Any

import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from schemas.refusals import REFUSALS, Refused


class Dispatch:
    """The dispatch service. A question that fails for a moment is asked a second time; `timeout` seconds each."""

    def __init__(self, url: str, timeout: float) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout)

    async def report(self, id_or_number: str, authorization: str) -> dict[str, Any] | None:
        """What dispatch knows of a report; None if it does not know it, or is away. Raises Refused when dispatch
        refuses this caller."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(httpx.TransportError),
                stop=stop_after_attempt(2),
                wait=wait_exponential_jitter(multiplier=0.02, max=0.1, jitter=0.02),
                reraise=True,
            ):
                with attempt:
                    reply = await self._client.get(
                        f"/v1/reports/{id_or_number}", headers={"authorization": authorization}
                    )
        except httpx.TransportError:
            return None
        return _answer_of(reply)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _answer_of(reply: httpx.Response) -> dict[str, Any] | None:
    try:
        body: dict[str, Any] = reply.json()
    except ValueError:
        return None
    if reply.status_code == 200:
        return body
    if reply.status_code in (401, 403) and body.get("code") in REFUSALS:
        raise Refused(body["code"], str(body.get("detail", "")))
    return None
