"""What every API asks of what it is asked: moments that can be reckoned with, texts that can be kept, and no query
parameter that it does not know."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import Request
from fastapi.dependencies.models import Dependant
from msgspec import Struct
from pydantic import AfterValidator, AwareDatetime

from schemas.moments import EARLIEST, LATEST, reckonable
from schemas.refusals import Refused


def _reckoned(moment: datetime) -> datetime:
    if not reckonable(moment):
        raise ValueError(f"a moment of the years {EARLIEST} to {LATEST}")
    return moment


# A moment in a query: with its time zone, and one that calendars, time zones and the database can reckon with. A
# parameter that is declared as a bare `datetime` is a fault (tests/contracts/test_openapi.py).
At = Annotated[AwareDatetime, AfterValidator(_reckoned)]


def check_body(body: Any) -> None:
    """Raises Refused for what no column can hold, anywhere in a body: `text_unreadable` for NUL, `invalid` for a
    moment that cannot be reckoned with."""
    for field, value in _values("", body):
        if isinstance(value, datetime):
            if not reckonable(value):
                raise Refused("invalid", f"{field}: a moment of the years {EARLIEST} to {LATEST}")
        elif "\0" in value:
            raise Refused("text_unreadable", f"{field}: NUL")


def decoded(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    """The body of a request. Raises Refused: malformed, invalid, text_unreadable."""
    try:
        body = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Refused("invalid", str(error)[:300]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        if surrogates(raw):
            raise Refused("text_unreadable", "lone surrogate") from None
        raise Refused("malformed", str(error)[:300]) from None
    check_body(body)
    return body


def surrogates(raw: bytes) -> bool:
    """Whether JSON that could not be read is JSON but for a lone surrogate in a text."""
    try:
        return _SURROGATE.search(raw) is not None and json.loads(raw) is not None
    except (ValueError, RecursionError):
        return False


_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _values(name: str, value: Any) -> Iterator[tuple[str, str | datetime]]:
    """Texts and moments of a body, each with its field."""
    if isinstance(value, str | datetime):
        yield name, value
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from _values(field, getattr(value, field))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(name, key)
            yield from _values(name, inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _values(name, inner)


async def known_only(request: Request) -> None:
    """A dependency of every app. Raises Refused `invalid` for a query parameter that the endpoint does not declare, so
    that nobody takes an answer for what it is not."""
    if request.method != "GET" or not request.query_params or not request.url.path.startswith("/v1/"):
        return
    known = _declared(request.scope["route"].dependant)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise Refused("invalid", f"unknown filter: {', '.join(unknown)[:200]}", allowed=sorted(known))


def _declared(dependant: Dependant) -> set[str]:
    """The query parameters of an endpoint and of what it depends on."""
    return {field.alias for field in dependant.query_params}.union(*map(_declared, dependant.dependencies))


KEY_LENGTH = 200


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key. Raises Refused: key_missing, key_invalid."""
    key = request.headers.get("idempotency-key")
    if key is None:
        raise Refused("key_missing")
    if not 1 <= len(key) <= KEY_LENGTH or not key.isprintable():
        raise Refused("key_invalid")
    return key


def if_match(request: Request) -> int:
    """The version that If-Match names. Raises Refused: version_missing; version_invalid for what is no version."""
    said = request.headers.get("if-match")
    if said is None:
        raise Refused("version_missing")
    bare = said.strip().removeprefix("W/").strip('"')
    if not (bare.isascii() and bare.isdigit() and len(bare) < 10):
        raise Refused("version_invalid", "the version is what ETag said, a whole number")
    return int(bare)
