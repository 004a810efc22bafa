"""Secrets of the one-machine stack: generated passwords, the city's secret, the built-in issuer of sign-in tokens.

Made once per home and kept in `keys/`. The issuer's private key never leaves its file; services verify with the public
`jwks.json`. An installation with its own identity provider replaces that file and has no `issuer.json`.
"""

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.stack.home import Home, write_private
from deploy.stack.trouble import Trouble, explained

__all__ = [
    "AUDIENCE",
    "ISSUER",
    "city_secret_file",
    "ensure_keys",
    "issue_token",
    "jwks_file",
    "password_of",
    "platforms_file",
]

ISSUER = "paidan"
AUDIENCE = "paidan"
_SECRET_BYTES = 32


def jwks_file(home: Home) -> Path:
    """The issuer's public keys as a JSON Web Key Set."""
    return home.keys / "jwks.json"


def city_secret_file(home: Home) -> Path:
    """32 random bytes in hexadecimal: the city's own secret, from which unguessable codes are derived."""
    return home.keys / "city_secret"


def platforms_file(home: Home) -> Path:
    """The addresses and secrets of other platforms: written by a person, and absent until then. In the home's keys, or
    where PAIDAN_PLATFORMS_FILE says."""
    return Path(os.environ.get("PAIDAN_PLATFORMS_FILE") or home.keys / "platforms.toml").expanduser().absolute()


def _issuer_file(home: Home) -> Path:
    return home.keys / "issuer.json"


def password_of(home: Home, role: str) -> str:
    """The password of a database role: from the environment (paidan_intake: PAIDAN_INTAKE_PASSWORD), or generated."""
    if given := os.environ.get(f"{role.upper()}_PASSWORD"):
        return given
    place = home.keys / f"{role}_password"
    if not place.exists():
        write_private(place, secrets.token_urlsafe(24))
    with explained(place):
        return place.read_text(encoding="ascii").strip()


def ensure_keys(home: Home) -> None:
    """Make the city's secret and the issuer's key pair where they are missing."""
    if not city_secret_file(home).exists():
        write_private(city_secret_file(home), secrets.token_hex(_SECRET_BYTES))
    if not _issuer_file(home).exists():
        write_private(_issuer_file(home), json.dumps(_new_key()))
    if not jwks_file(home).exists():
        key = _issuer_key(home)
        public = {name: value for name, value in key.items() if name != "d"}
        write_private(jwks_file(home), json.dumps({"keys": [public]}))
        jwks_file(home).chmod(0o644)


def _new_key() -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from jwt.algorithms import OKPAlgorithm

    key: dict[str, Any] = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return key | {"kid": secrets.token_hex(8), "use": "sig", "alg": "EdDSA"}


def _issuer_key(home: Home) -> dict[str, Any]:
    place = _issuer_file(home)
    try:
        key: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Trouble(f"{place} does not exist, so nothing here can sign tokens", "start once: paidan up") from None
    return key


def issue_token(
    role: str,
    *,
    subject: str,
    unit: str | None = None,
    divisions: Sequence[str] | None = None,
    ttl: timedelta = timedelta(hours=12),
    home: Home | None = None,
    now: datetime | None = None,
) -> str:
    """A signed token (JWT, EdDSA) for `subject` in `role`, of `unit`, limited to `divisions`, valid for `ttl` from now.

    Raises Trouble when the home has no issuer's key yet.
    """
    import jwt

    key = _issuer_key(home or Home.of_environment())
    moment = now or datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "role": role,
        "unit": unit,
        "iat": int(moment.timestamp()),
        "exp": int((moment + ttl).timestamp()),
        "jti": secrets.token_hex(16),
    }
    if divisions is not None:
        claims["divisions"] = list(divisions)
    return jwt.encode(claims, jwt.PyJWK.from_dict(key).key, algorithm="EdDSA", headers={"kid": key["kid"]})
