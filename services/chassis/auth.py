"""Who is calling: bearer tokens (JWT, EdDSA), checked against the city's public keys.

The one-machine stack ships an issuer of its own; elsewhere `PAIDAN_JWKS_FILE` holds the keys of the city's provider.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jwt
from msgspec import Struct

from schemas.refusals import Refused
from schemas.vocabulary import Role
from services.chassis.clock import Clock, SystemClock

ISSUER = AUDIENCE = "paidan"


class Principal(Struct, frozen=True):
    """A signed-in caller: `id` is the token's subject, `unit` the unit he acts for ("" for none), `expires` in
    seconds since the epoch."""

    id: str
    role: Role
    unit: str
    expires: float


class Tokens:
    """Reads tokens. Verified ones are remembered until they expire, at most 10,000 at a time."""

    LIMIT = 10_000

    def __init__(self, jwks_file: Path, clock: Clock | None = None) -> None:
        keys = json.loads(jwks_file.read_text(encoding="utf-8"))["keys"]
        self._keys: dict[str, Any] = {key["kid"]: jwt.PyJWK(key).key for key in keys}
        self._clock = clock or SystemClock()
        self._known: dict[str, Principal] = {}

    def principal(self, authorization: str | None) -> Principal:
        """The caller of an `Authorization: Bearer …` header. Raises Refused: unauthenticated, token_expired."""
        if not authorization or not authorization[:7].lower() == "bearer ":
            raise Refused("unauthenticated")
        token = authorization[7:].strip()
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            if len(self._known) >= self.LIMIT:
                self._known.clear()
            self._known[token] = known
        if known.expires <= self._clock.now().timestamp():
            raise Refused("token_expired")
        return known

    def _read(self, token: str) -> Principal:
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", "")]
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
            return Principal(
                id=str(claims["sub"]),
                role=Role(claims["role"]),
                unit=str(claims.get("unit") or ""),
                expires=float(claims["exp"]),
            )
        except jwt.ExpiredSignatureError:
            raise Refused("token_expired") from None
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise Refused("unauthenticated") from None


def allow(principal: Principal, roles: Iterable[Role]) -> None:
    """Raises Refused `forbidden` unless the principal has one of the roles."""
    if principal.role not in roles:
        raise Refused("forbidden", f"role {principal.role}")
