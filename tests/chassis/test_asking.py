"""What no column can hold is found anywhere in a body."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from schemas.refusals import Refused
from services.chassis.asking import check_body, surrogates


class Inner(Struct):
    at: datetime | None = None
    text: str = ""


class Outer(Struct):
    inner: tuple[Inner, ...] = ()
    words: dict[str, str] = {}
    at: datetime | None = None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, ""),
        ({"at": "2026-03-02T09:00:00+08:00", "words": {"a": "b"}, "inner": [{"text": "\\u0000"}]}, ""),
        ({"at": "1901-01-01T00:00:00Z", "inner": [{"at": "2199-12-31T23:59:59Z"}]}, ""),
        ({"at": "0001-01-01T00:00:00+14:00"}, "invalid"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "invalid"),
        ({"at": "1900-12-31T23:59:59Z"}, "invalid"),
        ({"at": "1901-01-01T00:00:00+14:00"}, "invalid"),
        ({"at": "2199-12-31T23:00:00-14:00"}, "invalid"),
        ({"at": "2200-01-01T00:00:00+14:00"}, ""),
        ({"inner": [{}, {"at": "2200-01-01T00:00:00Z"}]}, "invalid"),
        ({"inner": [{"text": "a\0b"}]}, "text_unreadable"),
        ({"words": {"a\0": "b"}}, "text_unreadable"),
        ({"words": {"a": "\0"}}, "text_unreadable"),
    ],
)
def test_a_body_is_checked_to_its_last_word(said: Any, code: str) -> None:
    body = msgspec.convert(said, Outer)
    if not code:
        check_body(body)
        return
    with pytest.raises(Refused) as refused:
        check_body(body)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("raw", "lone"),
    [
        (rb'{"a": "\ud800"}', True),
        (rb'{"a": "x\uDFFFx"}', True),
        (rb'{"a": "\ud800"', False),
        (rb'{"a": "\u4e95"', False),
        (b"nonsense", False),
    ],
)
def test_a_lone_surrogate_is_told_from_what_is_no_json(raw: bytes, lone: bool) -> None:
    assert surrogates(raw) is lone
