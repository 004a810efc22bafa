"""What every path reads from a request: who asks, under which idempotency key, with which body."""

from fastapi import Request

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.auth import Principal
from services.chassis.web import principal

KEY_LIMIT = 200


def caller_of(request: Request, roles: tuple[Role, ...]) -> tuple[Principal, str | None]:
    """Who asks, and the idempotency key if there is one. Raises Refused: unauthenticated, token_expired, forbidden,
    key_invalid."""
    caller = principal(request, *roles)
    key = request.headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= KEY_LIMIT and key.isprintable()):
        raise Refused("key_invalid")
    return caller, key


async def body_of(request: Request) -> bytes:
    """The body. Raises Refused unsupported_media_type for what says it is something other than JSON."""
    kind = request.headers.get("content-type", "application/json")
    if "json" not in kind and kind.partition(";")[0] not in ("text/plain", "application/x-www-form-urlencoded"):
        raise Refused("unsupported_media_type", kind[:80])
    return await request.body()
