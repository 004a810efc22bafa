"""Signatures of webhooks, as the Standard Webhooks specification says (v1: HMAC-SHA256 over id, time and raw body).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas.refusals import Refused

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes of a secret, by the specification
_ID_LENGTH = 200
_MOST_SIGNATURES = 16


def secret_of(text: str) -> bytes:
    """The bytes of a secret as it is written down, `whsec_` and base64. Raises ValueError."""
    if not text.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is base64 after its beginning") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a secret has {SHORTEST} to {LONGEST} bytes")
    return key


def signature(secret: bytes, id_: str, timestamp: int, body: bytes) -> str:
    """One signature; `timestamp` is in seconds since the epoch."""
    digest = hmac.digest(secret, b"%s.%d.%s" % (id_.encode(), timestamp, body), hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def signed(secrets: Sequence[bytes], id_: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message sent at `now` (aware), signed with every secret that is valid: while a key is
    being changed the receiver knows the old one or the new one."""
    timestamp = int(now.timestamp())
    signatures = " ".join(signature(secret, id_, timestamp, body) for secret in secrets)
    return {ID: id_, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def verified(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The message's id, if one of the secrets signed it within five minutes of `now` (aware). Raises Refused:
    signature_invalid, signature_expired. Takes as long for a wrong signature as for a right one."""
    id_, said, given = headers.get(ID, ""), headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not 1 <= len(id_) <= _ID_LENGTH or not id_.isascii() or not id_.isprintable():
        raise Refused("signature_invalid", f"{ID} is missing or unfit")
    if not (said.isascii() and said.isdigit() and len(said) <= 12):
        raise Refused("signature_invalid", f"{TIMESTAMP} is missing or no number")
    timestamp = int(said)
    signatures = [one.encode() for one in given.split(" ") if one.startswith("v1,")][:_MOST_SIGNATURES]
    if not signatures:
        raise Refused("signature_invalid", f"{SIGNATURE} holds no v1 signature")
    right = [signature(secret, id_, timestamp, body).encode() for secret in secrets]
    fits = [hmac.compare_digest(one, other) for one in signatures for other in right]
    if not any(fits):
        raise Refused("signature_invalid", "no valid signature")
    if abs(now.timestamp() - timestamp) > TOLERANCE_S:
        raise Refused("signature_expired", f"{TIMESTAMP} is more than {TOLERANCE_S} seconds away")
    return id_
