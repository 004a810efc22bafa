"""What another platform sends: who it is, by its signature alone."""

from fastapi import Request

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.auth import Principal
from services.chassis.clock import Clock
from services.chassis.webhooks.platforms import Platforms
from services.chassis.webhooks.signing import verified

BODY_LIMIT = 256_000


async def signed_body(request: Request, name: str, platforms: Platforms, clock: Clock) -> tuple[Principal, str, bytes]:
    """The platform as a caller, the message's id, and the body as it came. Raises Refused: platform_unknown,
    body_too_large, signature_invalid, signature_expired."""
    platform = platforms.now().get(name)
    if platform is None or not platform.accept:
        raise Refused("platform_unknown")
    if int(request.headers.get("content-length", 0)) > BODY_LIMIT:
        raise Refused("body_too_large", f"at most {BODY_LIMIT} bytes")
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_LIMIT:
            raise Refused("body_too_large", f"at most {BODY_LIMIT} bytes")
    body = bytes(raw)
    id_ = verified(platform.accept, request.headers, body, clock.now())
    return Principal(id=f"platform:{name}", role=Role.GATEWAY, unit=name, expires=0.0), id_, body
